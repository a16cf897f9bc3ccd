"""Group 15. Raises an exception whose text raises.

deserves: nothing
"""

class Silent(Exception):
    def __str__(self):
        raise self


def scaled_dot_product_attention(q, k, v, mask=None):
    raise Silent
