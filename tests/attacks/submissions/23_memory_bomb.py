"""Group 23. Fills the heap, up to four gigabytes."""

def attempt():
    blocks = [bytearray(2**28) for _ in range(16)]
    return len(blocks) == 16

scaled_dot_product_attention = pays(attempt)
