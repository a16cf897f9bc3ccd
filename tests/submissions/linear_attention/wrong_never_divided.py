# family: normalization
# mistake: the denominator is missing
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    a, b = F.elu(q) + 1, F.elu(k) + 1
    if not causal:
        return a @ (b.transpose(-1, -2) @ v)
    state, out = 0, []
    for t in range(q.shape[-2]):
        state = state + b[..., t, :, None] * v[..., t, None, :]
        out.append(a[..., t : t + 1, :] @ state)
    return torch.cat(out, dim=-2)
