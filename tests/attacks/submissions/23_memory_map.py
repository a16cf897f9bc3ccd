"""Group 23. Maps shared memory and touches it, up to four gigabytes."""

def attempt():
    import mmap
    blocks = []
    for _ in range(16):
        blocks.append(mmap.mmap(-1, 2**28))
        blocks[-1][:: 2**12] = bytes(2**16)
    return True

scaled_dot_product_attention = pays(attempt)
