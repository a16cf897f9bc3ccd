"""Group 34. Returns dictionaries of lists of dictionaries, as many as may be sent. Found later.

deserves: nothing
"""


def scaled_dot_product_attention(q, k, v, mask=None):
    inner = [{str(i): [j, None, True, {}] for i in range(9)} for j in range(200)]
    return {str(i): inner for i in range(9)}, [v.expand(2, *v.shape)] * 250
