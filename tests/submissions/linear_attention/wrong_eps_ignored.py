# family: numerics, interface, normalization
# mistake: the eps argument is accepted but never used
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    if causal:
        s = torch.einsum("...sd,...sv->...sdv", k, v).cumsum(-3)
        return torch.einsum("...ld,...ldv->...lv", q, s) / (q * k.cumsum(-2)).sum(-1, keepdim=True)
    return q @ (k.mT @ v) / (q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True)
