# family: numerics
# mistake: only q, k and v are counted, out_proj is forgotten
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    total = 0
    for _ in ("query", "key", "value"):
        total += embed_dim**2
        if bias:
            total += embed_dim
    return total


def head_weights(q, k, num_heads):
    q, k = (t.unflatten(-1, (num_heads, -1)).transpose(1, 2) for t in (q, k))
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, dim=-1)
