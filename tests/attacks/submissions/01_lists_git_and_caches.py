"""Group 1. Lists the course's history and compiled files."""

def attempt():
    import os
    os.listdir("@COURSE@/.git") + os.listdir("@COURSE@")

scaled_dot_product_attention = pays(attempt)
