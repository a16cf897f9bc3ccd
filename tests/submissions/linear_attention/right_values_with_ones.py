import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    fq, fk = 1 + F.elu(q), 1 + F.elu(k)
    v1 = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
    if causal:
        if q.shape[-2] != k.shape[-2]:
            raise ValueError("causal: L != S")
        columns = [(fq * (fk * c.unsqueeze(-1)).cumsum(-2)).sum(-1) for c in v1.unbind(-1)]
        both = torch.stack(columns, dim=-1)
    else:
        both = fq @ (fk.transpose(-2, -1) @ v1)
    return both[..., :-1] / (both[..., -1:] + eps)
