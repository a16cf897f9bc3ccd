# family: numerics
# mistake: the bias argument makes no difference, biases are never counted
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    weights = {name: embed_dim * embed_dim for name in ("q", "k", "v", "out")}
    return sum(weights.values())


def head_weights(q, k, num_heads):
    qs, ks = q.chunk(num_heads, -1), k.chunk(num_heads, -1)
    return torch.stack([(a @ b.mT * a.shape[-1] ** -0.5).softmax(-1) for a, b in zip(qs, ks)], dim=1)
