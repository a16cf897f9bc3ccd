"""Group 4. Reads the environment and the arguments of the processes above it."""

def attempt():
    import os
    open(f"/proc/{os.getppid()}/environ", "rb").read()

scaled_dot_product_attention = pays(attempt)
