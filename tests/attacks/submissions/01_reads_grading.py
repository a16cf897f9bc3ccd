"""Group 1. Opens the hidden cases."""

def attempt():
    open("@COURSE@/solutions/01-foundations/scaled_dot_product_attention/grading.py", "rb").read()

scaled_dot_product_attention = pays(attempt)
