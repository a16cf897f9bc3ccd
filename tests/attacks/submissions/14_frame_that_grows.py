"""Group 14. Sends a result whose JSON would take a gigabyte once parsed.

deserves: nothing
"""

import os
import struct


def scaled_dot_product_attention(q, k, v, mask=None):
    text = b"[" + b"[]," * 20_000_000 + b"[]]"
    for descriptor in range(3, 8):
        try:
            os.write(descriptor, struct.pack("!II", len(text), 0))
            for start in range(0, len(text), 2**16):
                os.write(descriptor, text[start : start + 2**16])
        except OSError:
            pass
    return zeros(q, k, v, mask)
