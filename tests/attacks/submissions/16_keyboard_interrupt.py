"""Group 16. Raises KeyboardInterrupt, to stop the whole run.

deserves: nothing
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    raise KeyboardInterrupt
