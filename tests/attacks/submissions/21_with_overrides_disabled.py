"""Group 21. Calls the library with PyTorch's hooks on functions switched off.

deserves: half
fails: written by hand
"""

import torch.nn.functional as F

attention_of = getattr(F, "scaled_dot_" + "product_attention")


def attention(q, k, v, mask):
    with torch._C.DisableTorchFunction():
        return attention_of(q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
