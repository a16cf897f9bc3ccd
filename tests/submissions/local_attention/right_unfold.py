import math

import torch
import torch.nn.functional as F


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must not be negative")
    L, d = q.shape[-2:]
    w = min(window, L - 1)
    kp = F.pad(k, (0, 0, w, w)).unfold(-2, 2 * w + 1, 1)
    vp = F.pad(v, (0, 0, w, w)).unfold(-2, 2 * w + 1, 1)
    scores = torch.einsum("...ld,...ldw->...lw", q, kp) / math.sqrt(d)
    i = torch.arange(L, device=q.device)[:, None]
    j = i + torch.arange(-w, w + 1, device=q.device)
    ok = (j >= 0) & (j < L)
    if causal:
        ok = ok & (j <= i)
    weights = scores.masked_fill(~ok, float("-inf")).softmax(dim=-1)
    return torch.einsum("...lw,...lvw->...lv", weights, vp)
