"""Group 34. Sends one tensor of 16 MB, and names it thousands of times in its answer. Found later.

deserves: nothing
"""

import json
import os

from safetensors.torch import save
from grader.wire.bounds import FRAME


def scaled_dot_product_attention(q, k, v, mask=None):
    again = {"tensor": "0", "order": [0]}
    text = json.dumps({"index": 0, "value": {"list": [again] * 34_000}}).encode()
    block = save({"0": torch.zeros(4_000_000)})
    frame = FRAME.pack(len(text), len(block)) + text + block
    for descriptor in range(3, 8):
        try:
            rest = memoryview(frame)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            pass
    return zeros(q, k, v, mask)
