"""Group 21. Calls the library's attention under another name.

deserves: half
fails: written by hand
"""

from torch.nn.functional import scaled_dot_product_attention as helper


def attention(q, k, v, mask):
    return helper(q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
