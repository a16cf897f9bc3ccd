import torch


def _dot(q, k):
    return torch.einsum("...ld,...sd->...ls", q, k)


def _scaled(q, k):
    return _dot(q, k) * (1.0 / q.size(-1) ** 0.5)


def _general(q, k, W):
    return torch.einsum("...li,ij,...sj->...ls", q, W, k)


def _additive(q, k, W_q, W_k, w):
    left = torch.einsum("ai,...li->...la", W_q, q)
    right = torch.einsum("aj,...sj->...sa", W_k, k)
    return torch.einsum("...lsa,a->...ls", (left[..., :, None, :] + right[..., None, :, :]).tanh(), w)


_TABLE = {
    "dot": (_dot, ()),
    "scaled_dot": (_scaled, ()),
    "general": (_general, ("W",)),
    "additive": (_additive, ("W_q", "W_k", "w")),
}


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    try:
        fn, names = _TABLE[kind]
    except KeyError:
        raise ValueError(f"unknown kind {kind!r}") from None
    given = {"W": W, "W_q": W_q, "W_k": W_k, "w": w}
    missing = [n for n in names if given[n] is None]
    if missing:
        raise ValueError(f"{kind} needs {missing}")
    return fn(q, k, *(given[n] for n in names))
