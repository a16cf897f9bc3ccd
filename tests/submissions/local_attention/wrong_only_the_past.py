# family: masking, numerics
# mistake: the window looks back only, even when causal is False
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    idx = torch.arange(n, device=q.device)[:, None] + torch.arange(-min(window, n), 1, device=q.device)
    scores = torch.einsum("...ld,...lwd->...lw", q, k[..., idx.clamp_min(0), :]) * q.shape[-1] ** -0.5
    weights = scores.masked_fill(idx < 0, -torch.inf).softmax(-1)
    return torch.einsum("...lw,...lwv->...lv", weights, v[..., idx.clamp_min(0), :])
