"""Group 14. Sends a second, right-looking result after the first."""

import os
import threading

from grader.wire.calls import Outcome
from grader.wire.encoding import pack_outcome


def again():
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, pack_outcome(0, Outcome(value=True)) * 3)
        except OSError:
            pass


def scaled_dot_product_attention(q, k, v, mask=None):
    threading.Timer(0.001, again).start()
    return zeros(q, k, v, mask)
