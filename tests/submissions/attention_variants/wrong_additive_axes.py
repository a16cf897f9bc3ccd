# family: shape, numerics
# mistake: "additive" puts the keys on the rows and the queries on the columns
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
        return torch.tanh((q @ W_q.T).unsqueeze(-3) + (k @ W_k.T).unsqueeze(-2)) @ w
    raise ValueError(kind)
