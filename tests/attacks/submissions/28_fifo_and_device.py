"""Group 28. Makes a FIFO and a device."""

def attempt():
    import os
    try:
        os.mkfifo("fifo")
    except OSError:
        os.mknod("null", 0o20666, os.makedev(1, 3))

scaled_dot_product_attention = pays(attempt)
