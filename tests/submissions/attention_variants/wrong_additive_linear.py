# family: numerics
# mistake: "additive" has no tanh
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind in ("dot", "scaled_dot"):
        scores = torch.einsum("...ld,...sd->...ls", q, k)
        return scores if kind == "dot" else scores / q.shape[-1] ** 0.5
    if kind == "general":
        if W is None:
            raise ValueError("W is missing")
        return q @ W @ k.mT
    if kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive weights are missing")
        return (q @ W_q.T @ w).unsqueeze(-1) + (k @ W_k.T @ w).unsqueeze(-2)
    raise ValueError(kind)
