# family: scaling
# mistake: the scores are divided by sqrt(embed_dim) instead of the head size
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    return 4 * embed_dim * (embed_dim + bool(bias))


def head_weights(q, k, num_heads):
    qs, ks = q.chunk(num_heads, -1), k.chunk(num_heads, -1)
    return torch.stack([(a @ b.mT / q.shape[-1] ** 0.5).softmax(-1) for a, b in zip(qs, ks)], dim=1)
