"""Group 21. Gets the library's attention by a name put together at run time.

deserves: half
fails: written by hand
"""

import torch.nn.functional as F

attention_of = getattr(F, "_".join(["scaled", "dot", "product", "attention"]))


def attention(q, k, v, mask):
    return attention_of(q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
