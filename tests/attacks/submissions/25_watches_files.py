"""Group 25. Has the kernel tell it of what others do with files. Own invention."""

def attempt():
    import ctypes
    libc = ctypes.CDLL(None)
    descriptor = libc.inotify_init1(0)
    return descriptor >= 0 and libc.inotify_add_watch(descriptor, b"/", 1) >= 0

scaled_dot_product_attention = pays(attempt)
