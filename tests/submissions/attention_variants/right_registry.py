import torch
import torch.nn.functional as F
from torch import Tensor


def _need(**weights: Tensor | None) -> None:
    missing = [name for name, value in weights.items() if value is None]
    if missing:
        raise ValueError("missing weights: " + ", ".join(missing))


def _dot(q, k, **_):
    return torch.einsum("...ld,...sd->...ls", q, k)


def _scaled(q, k, **_):
    return _dot(q, k) * q.shape[-1] ** -0.5


def _general(q, k, W=None, **_):
    _need(W=W)
    return torch.einsum("...ld,de,...se->...ls", q, W, k)


def _additive(q, k, W_q=None, W_k=None, w=None, **_):
    _need(W_q=W_q, W_k=W_k, w=w)
    mixed = F.linear(q, W_q)[..., :, None, :] + F.linear(k, W_k)[..., None, :, :]
    return torch.einsum("...a,a->...", mixed.tanh(), w)


KINDS = {"dot": _dot, "scaled_dot": _scaled, "general": _general, "additive": _additive}


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None) -> Tensor:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {sorted(KINDS)}")
    return KINDS[kind](q, k, W=W, W_q=W_q, W_k=W_k, w=w)
