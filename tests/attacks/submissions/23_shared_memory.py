"""Group 23. Puts files into /dev/shm."""

def attempt():
    import os

    open("/dev/shm/attn-attack", "wb").write(bytes(2**20))
    os.remove("/dev/shm/attn-attack")

scaled_dot_product_attention = pays(attempt)
