import math

import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind == "dot":
        return q @ k.transpose(-2, -1)
    if kind == "scaled_dot":
        return q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
    if kind == "general":
        if W is None:
            raise ValueError("general needs W")
        return q @ W @ k.transpose(-2, -1)
    if kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive needs W_q, W_k and w")
        hidden = torch.tanh((q @ W_q.t()).unsqueeze(-2) + (k @ W_k.t()).unsqueeze(-3))
        return hidden @ w
    raise ValueError(f"unknown kind {kind!r}")
