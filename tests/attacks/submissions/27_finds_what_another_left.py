"""Group 27. Looks for files of submissions before it."""

def attempt():
    import os
    mine = set(os.listdir("."))
    open("left-behind", "w").close()
    return bool(mine)

scaled_dot_product_attention = pays(attempt)
