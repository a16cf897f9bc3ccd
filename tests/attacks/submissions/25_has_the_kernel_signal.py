"""Group 25. Has the kernel send the signal: owner of a descriptor's events, with a signal of its choice. Own invention."""

def attempt():
    import ctypes
    import os
    libc = ctypes.CDLL(None)
    reading, writing = os.pipe()
    set_owner, set_signal, harmless = 8, 10, 23
    return libc.fcntl(reading, set_owner, os.getppid()) == 0 and libc.fcntl(reading, set_signal, harmless) == 0

scaled_dot_product_attention = pays(attempt)
