# family: scaling
# mistake: "scaled_dot" returns the plain dot product
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    if kind == "dot" or kind == "scaled_dot":
        return torch.matmul(q, k.transpose(-1, -2))
    if kind == "general":
        if W is None:
            raise ValueError("W is missing")
        return q @ W @ k.transpose(-1, -2)
    if kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive weights are missing")
        return (torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) * w).sum(-1)
    raise ValueError(kind)
