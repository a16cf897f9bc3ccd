# family: normalization
# mistake: head_weights returns the scaled scores, the softmax is missing
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    return 4 * embed_dim * (embed_dim + bool(bias))


def head_weights(q, k, num_heads):
    q, k = (t.unflatten(-1, (num_heads, -1)).transpose(1, 2) for t in (q, k))
    return torch.einsum("bhld,bhsd->bhls", q, k) / q.shape[-1] ** 0.5
