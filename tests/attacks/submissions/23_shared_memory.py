"""Group 23. Puts files into /dev/shm."""

def attempt():
    open("/dev/shm/attn-attack", "wb").write(bytes(2**20))

scaled_dot_product_attention = pays(attempt)
