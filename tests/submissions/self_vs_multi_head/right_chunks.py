import torch
import torch.nn.functional as F


def _linear(n_in, n_out, bias):
    return n_in * n_out + int(bias) * n_out


def parameter_count(embed_dim, num_heads, bias=True):
    if embed_dim % num_heads:
        raise ValueError("not divisible")
    head_dim = embed_dim // num_heads
    per_head = 3 * _linear(embed_dim, head_dim, bias)
    return num_heads * per_head + _linear(num_heads * head_dim, embed_dim, bias)


def head_weights(q, k, num_heads):
    if q.size(-1) % num_heads:
        raise ValueError("not divisible")
    maps = []
    for qh, kh in zip(q.chunk(num_heads, dim=-1), k.chunk(num_heads, dim=-1)):
        logits = torch.matmul(qh, kh.mT) / qh.size(-1) ** 0.5
        maps.append(F.log_softmax(logits, dim=-1).exp())
    return torch.stack(maps, dim=1)
