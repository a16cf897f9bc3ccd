"""Group 25. Attaches to its parent as a debugger does."""

def attempt():
    import ctypes
    import os
    libc = ctypes.CDLL(None)
    if libc.ptrace(16, os.getppid(), 0, 0) != 0:
        return False
    libc.ptrace(17, os.getppid(), 0, 0)

scaled_dot_product_attention = pays(attempt)
