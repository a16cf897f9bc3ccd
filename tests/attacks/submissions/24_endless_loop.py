"""Group 24. Never returns.

deserves: nothing
status: timeout
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    while True:
        pass
