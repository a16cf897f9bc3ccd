"""Group 16. Ends with SystemExit(0) when it is called.

deserves: nothing
"""

import sys


def scaled_dot_product_attention(q, k, v, mask=None):
    sys.exit(0)
