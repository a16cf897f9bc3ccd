"""Group 2. Walks the folder of submissions."""

def attempt():
    import glob
    return bool(glob.glob("@SUBMISSIONS@/*/*.py"))

scaled_dot_product_attention = pays(attempt)
