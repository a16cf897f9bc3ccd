# family: normalization
# mistake: returns the softmax of the scores
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind == "dot":
        scores = q @ k.mT
    elif kind == "scaled_dot":
        scores = q @ k.mT / q.shape[-1] ** 0.5
    elif kind == "general":
        if W is None:
            raise ValueError("W is missing")
        scores = q @ W @ k.mT
    elif kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive weights are missing")
        scores = torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) @ w
    else:
        raise ValueError(kind)
    return scores.softmax(dim=-1)
