"""Group 21. Imports the library's attention by a path in a string.

deserves: half
fails: written by hand
"""

import importlib

module = importlib.import_module("torch.nn." + "functional")


def attention(q, k, v, mask):
    return vars(module)["scaled_dot_" + "product_attention"](q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
