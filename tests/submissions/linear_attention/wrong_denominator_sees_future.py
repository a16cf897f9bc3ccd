# family: masking, normalization
# mistake: with causal=True the numerator is cumulative but the denominator sums over every key
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    den = (q * k.sum(dim=-2, keepdim=True)).sum(-1, keepdim=True) + eps
    if causal:
        s = (k.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(dim=-3)
        return (q.unsqueeze(-2) @ s).squeeze(-2) / den
    return q @ (k.mT @ v) / den
