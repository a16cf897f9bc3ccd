# family: interface
# mistake: an unknown kind returns None instead of raising ValueError
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind == "dot":
        return q @ k.mT
    elif kind == "scaled_dot":
        return q @ k.mT * q.shape[-1] ** -0.5
    elif kind == "general":
        if W is None:
            raise ValueError("W is missing")
        return q @ W @ k.mT
    elif kind == "additive":
        if any(x is None for x in (W_q, W_k, w)):
            raise ValueError("additive weights are missing")
        return torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) @ w
