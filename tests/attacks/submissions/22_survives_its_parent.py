"""Group 22. Asks the kernel not to end it with its parent. Own invention."""

def attempt():
    import ctypes
    return ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0

scaled_dot_product_attention = pays(attempt)
