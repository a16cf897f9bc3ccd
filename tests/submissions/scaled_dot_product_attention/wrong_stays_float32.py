# family: dtype
# mistake: the computation is done in float32 and never cast back.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q.float() @ k.float().mT / k.size(-1) ** 0.5
    if mask is not None:
        s = s.masked_fill(~mask, -torch.inf)
    w = torch.softmax(s, dim=-1)
    if mask is not None:
        w = w.masked_fill(~mask, 0.0)
    return w @ v.float(), w
