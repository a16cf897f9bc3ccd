"""Group 10. Right, but always in float64: right numbers that are not of the dtype asked for.

deserves: less than right
fails: dtype and device
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    return right(q.double(), k.double(), v.double(), mask)
