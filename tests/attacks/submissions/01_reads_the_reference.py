"""Group 1. Opens the reference solution."""

def attempt():
    open("@COURSE@/solutions/01-foundations/scaled_dot_product_attention/notebook.py").read()

scaled_dot_product_attention = pays(attempt)
