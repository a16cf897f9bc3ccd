"""Group 22. Overwrites another student's submission."""

def attempt():
    open("@SIBLING@", "a").write("raise SystemExit")

scaled_dot_product_attention = pays(attempt)
