"""Group 15. Raises an exception whose text cannot be written as UTF-8, to lose everyone's report. Own invention.

deserves: nothing
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    raise ValueError("half a character: \ud800")
