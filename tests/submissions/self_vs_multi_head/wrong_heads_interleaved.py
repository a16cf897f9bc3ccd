# family: numerics, shape
# mistake: features go to the heads in turn (0, H, 2H, ... to head 0) instead of in blocks
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    return 4 * embed_dim * (embed_dim + bool(bias))


def head_weights(q, k, num_heads):
    q = torch.stack([q[..., h::num_heads] for h in range(num_heads)], dim=1)
    k = torch.stack([k[..., h::num_heads] for h in range(num_heads)], dim=1)
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)
