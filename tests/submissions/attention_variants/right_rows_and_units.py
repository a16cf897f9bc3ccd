import math
import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    """One query at a time; the additive kind one hidden unit at a time, summed in at least float32."""
    if kind not in ("dot", "scaled_dot", "general", "additive"):
        raise ValueError(kind)
    if kind == "general" and W is None:
        raise ValueError("W")
    if kind == "additive" and any(t is None for t in (W_q, W_k, w)):
        raise ValueError("W_q, W_k, w")

    if kind == "additive":
        acc = torch.promote_types(q.dtype, torch.float32)
        a = q.matmul(W_q.t()).to(acc)
        b = k.matmul(W_k.t()).to(acc)
        total = a.new_zeros(q.shape[:-1] + (k.shape[-2],))
        for unit in range(w.numel()):
            total = total + w[unit].to(acc) * torch.tanh(a[..., unit].unsqueeze(-1) + b[..., unit].unsqueeze(-2))
        return total.to(q.dtype)

    if kind == "general":
        keys = torch.nn.functional.linear(k, W)      # (W k_j) as rows
    elif kind == "scaled_dot":
        keys = k / math.sqrt(k.shape[-1])
    else:
        keys = k
    rows = []
    for i in range(q.shape[-2]):
        rows.append((keys * q[..., i : i + 1, :]).sum(dim=-1))
    return torch.stack(rows, dim=-2)
