# family: numerics
# mistake: one maximum for the whole tensor
import torch
import torch.nn.functional as F


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must not be negative")
    L = q.shape[-2]
    window = min(window, L - 1)
    offsets = torch.arange(-window, 1 if causal else window + 1, device=q.device)
    index = torch.arange(L, device=q.device).unsqueeze(1) + offsets
    real = (index >= 0) & (index < L)
    index = index.clamp(0, L - 1)
    scores = torch.einsum("...ld,...lwd->...lw", q, k[..., index, :]) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~real, float("-inf"))
    e = torch.exp(scores - scores.amax())
    weights = e / e.sum(dim=-1, keepdim=True)
    return torch.einsum("...lw,...lwe->...le", weights, v[..., index, :])
