# family: numerics
# mistake: the feature map is elu(x), the + 1 is missing
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q), F.elu(k)
    if causal:
        s = torch.einsum("...sd,...sv->...sdv", k, v).cumsum(-3)
        return torch.einsum("...ld,...ldv->...lv", q, s) / ((q * k.cumsum(-2)).sum(-1, keepdim=True) + eps)
    return q @ (k.mT @ v) / ((q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps)
