"""Group 28. Makes a hard link to another's submission, and opens that."""

def attempt():
    import os
    os.link("@SIBLING@", "link")
    open("link").read()

scaled_dot_product_attention = pays(attempt)
