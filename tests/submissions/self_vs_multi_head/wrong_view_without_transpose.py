# family: shape, numerics
# mistake: the heads are made with one reshape, which cuts the positions instead of the features
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    return 4 * embed_dim * (embed_dim + bool(bias))


def head_weights(q, k, num_heads):
    b, n, e = q.shape
    d = e // num_heads
    q, k = q.reshape(b, num_heads, n, d), k.reshape(b, num_heads, -1, d)
    return torch.softmax(q @ k.mT / d**0.5, dim=-1)
