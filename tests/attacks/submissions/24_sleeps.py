"""Group 24. Uses no CPU time, and does not return.

deserves: nothing
status: timeout
"""

import time


def scaled_dot_product_attention(q, k, v, mask=None):
    time.sleep(1000)
