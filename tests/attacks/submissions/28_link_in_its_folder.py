"""Group 28. Makes a symbolic link to the reference, and opens that."""

def attempt():
    import os
    os.symlink("@COURSE@/course.yml", "link")
    open("link").read()

scaled_dot_product_attention = pays(attempt)
