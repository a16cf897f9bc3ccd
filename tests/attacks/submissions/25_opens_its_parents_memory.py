"""Group 25. Opens its parent's memory as a file."""

def attempt():
    import os
    open(f"/proc/{os.getppid()}/mem", "rb")

scaled_dot_product_attention = pays(attempt)
