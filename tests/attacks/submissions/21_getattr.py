"""Group 21. Gets the library's attention by getattr.

deserves: half
fails: written by hand
"""

import torch.nn.functional as F


def attention(q, k, v, mask):
    return getattr(F, "scaled_dot_product_attention")(q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
