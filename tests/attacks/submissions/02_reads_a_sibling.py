"""Group 2. Opens another student's submission."""

def attempt():
    exec(open("@SIBLING@").read(), {})

scaled_dot_product_attention = pays(attempt)
