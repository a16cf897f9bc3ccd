import math

import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("embed_dim must be divisible by num_heads")
    return 4 * (embed_dim * embed_dim + (embed_dim if bias else 0))


def head_weights(q, k, num_heads):
    B, L, E = q.shape
    if E % num_heads:
        raise ValueError("embed_dim must be divisible by num_heads")
    d = E // num_heads
    q = q.reshape(B, L, num_heads, d).transpose(1, 2)
    k = k.reshape(B, k.shape[1], num_heads, d).transpose(1, 2)
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(d), dim=-1)
