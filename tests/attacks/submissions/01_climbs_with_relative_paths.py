"""Group 1. Climbs out of its folder and opens the course by a relative path."""

def attempt():
    import os
    os.chdir("@COURSE@")
    open("course.yml").read()

scaled_dot_product_attention = pays(attempt)
