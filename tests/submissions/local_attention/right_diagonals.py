import torch
import torch.nn.functional as F


def local_attention(q, k, v, window, causal=False):
    """One diagonal of the score matrix at a time; keys are never copied."""
    if window < 0:
        raise ValueError(f"window {window} is negative")
    L = q.shape[-2]
    reach = min(window, L - 1)
    offsets = range(-reach, (0 if causal else reach) + 1)
    diagonals = []
    for o in offsets:
        lo, hi = max(0, -o), min(L, L - o)
        s = (q[..., lo:hi, :] * k[..., lo + o : hi + o, :]).sum(-1) / q.shape[-1] ** 0.5
        diagonals.append(F.pad(s, (lo, L - hi), value=float("-inf")))
    weights = torch.stack(diagonals, dim=-1).softmax(dim=-1)
    out = 0
    for n, o in enumerate(offsets):
        lo, hi = max(0, -o), min(L, L - o)
        part = weights[..., lo:hi, n, None] * v[..., lo + o : hi + o, :]
        out = out + F.pad(part, (0, 0, lo, L - hi))
    return out
