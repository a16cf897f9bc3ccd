# family: rules
# mistake: the output comes from the library's function.
import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.mT / k.size(-1) ** 0.5
    if mask is not None:
        s = s.masked_fill(~mask, -torch.inf)
    w = torch.softmax(s, dim=-1)
    if mask is not None:
        w = w.masked_fill(~mask, 0.0)
    return sdpa(q, k, v, attn_mask=mask), w
