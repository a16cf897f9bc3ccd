# family: scaling
# mistake: q is divided by sqrt(d) before the feature map, but this attention is unscaled
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q / q.shape[-1] ** 0.5) + 1, F.elu(k) + 1
    if causal:
        s, z = torch.einsum("...sd,...sv->...sdv", k, v).cumsum(-3), k.cumsum(-2)
        return torch.einsum("...ld,...ldv->...lv", q, s) / ((q * z).sum(-1, keepdim=True) + eps)
    return q @ (k.mT @ v) / ((q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps)
