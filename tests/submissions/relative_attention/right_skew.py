import torch
import torch.nn.functional as F


def relative_index(L, S, max_distance):
    """Toeplitz by striding over one long vector of clipped distances."""
    line = torch.arange(-(L - 1), S).clamp(-max_distance, max_distance) + max_distance
    return line.unfold(0, S, 1).flip(0).contiguous()


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    L, S = q.shape[-2], k.shape[-2]
    line = (torch.arange(-(L - 1), S, device=q.device)).clamp(-max_distance, max_distance) + max_distance
    wide = q @ rel_k[line].T                                    # (..., L, L + S - 1); row i wants columns L-1-i ...
    n = L + S - 1
    flat = F.pad(wide, (0, 1)).flatten(-2)                      # rows of n + 1
    flat = flat[..., L - 1 :]                                   # start at row 0, column L-1
    need = L * n
    if flat.shape[-1] < need:
        flat = F.pad(flat, (0, need - flat.shape[-1]))
    rel = flat[..., :need].unflatten(-1, (L, n))[..., :S]       # each row starts one column earlier
    scores = (q @ k.mT + rel) / q.shape[-1] ** 0.5
    if mask is None:
        weights = (scores - scores.logsumexp(-1, keepdim=True)).exp() if scores.dtype in (torch.float32, torch.float64) else scores.softmax(-1)
        return weights @ v, weights
    nothing = ~mask.any(-1, keepdim=True) if mask.dim() else ~mask
    scores = scores.masked_fill(~mask & ~nothing, float("-inf"))
    weights = scores.softmax(-1).masked_fill(nothing, 0.0)
    return weights @ v, weights
