# family: masking, numerics
# mistake: in the causal case a position does not see itself, only what comes before
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    if not causal:
        return q @ (k.mT @ v) / ((q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps)
    state = torch.zeros_like(k[..., 0, :, None] * v[..., 0, None, :])
    norm = torch.zeros_like(k[..., 0, :])
    out = []
    for t in range(q.shape[-2]):
        qt = q[..., t, :]
        out.append((qt.unsqueeze(-2) @ state).squeeze(-2) / ((qt * norm).sum(-1, keepdim=True) + eps))
        state = state + k[..., t, :, None] * v[..., t, None, :]
        norm = norm + k[..., t, :]
    return torch.stack(out, dim=-2)
