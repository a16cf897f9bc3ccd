# family: resources
# mistake: builds the whole L x L score matrix and masks a band in it
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    scores = torch.einsum("...ld,...sd->...ls", q, k) * q.shape[-1] ** -0.5
    band = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(-window)
    band = band.tril(0 if causal else window)
    return scores.masked_fill(~band, -torch.inf).softmax(-1) @ v
