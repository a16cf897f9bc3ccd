# family: numerics
# mistake: the projections are counted once per head at full width
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    one = embed_dim * embed_dim + (embed_dim if bias else 0)
    return num_heads * 3 * one + one


def head_weights(q, k, num_heads):
    q, k = (t.unflatten(-1, (num_heads, -1)).transpose(1, 2) for t in (q, k))
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, dim=-1)
