# family: scaling
# mistake: "general" is divided by sqrt(d) too
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind == "dot":
        return q @ k.mT
    if kind == "scaled_dot":
        return q @ k.mT / q.shape[-1] ** 0.5
    if kind == "general":
        if W is None:
            raise ValueError("W is missing")
        return q @ W @ k.mT / k.shape[-1] ** 0.5
    if kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive weights are missing")
        return torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) @ w
    raise ValueError(kind)
