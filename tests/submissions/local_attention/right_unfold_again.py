import math
import torch
import torch.nn.functional as F


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must not be negative")
    L, d = q.shape[-2:]
    left = min(window, max(L - 1, 0))
    right = 0 if causal else left
    width = left + 1 + right

    def neighbourhood(t):                                       # (..., L, features, width)
        return F.pad(t, (0, 0, left, right)).unfold(-2, width, 1)

    place = torch.arange(L, device=q.device).unsqueeze(-1) + torch.arange(-left, right + 1, device=q.device)
    real = (place >= 0) & (place < L)
    s = torch.einsum("...ld,...ldw->...lw", q, neighbourhood(k)) / math.sqrt(d)
    s = torch.where(real, s, torch.full_like(s, float("-inf")))
    e = torch.exp(s - s.detach().amax(-1, keepdim=True))
    w = e / e.sum(-1, keepdim=True)
    return torch.einsum("...lw,...lew->...le", w, neighbourhood(v))
