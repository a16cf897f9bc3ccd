# family: numerics
# mistake: the maximum of all scores is subtracted, not each row's: rows far below it become 0/0.
import torch


def parameter_count(embed_dim, num_heads, bias=True):
    return 4 * (embed_dim * embed_dim + (embed_dim if bias else 0))


def head_weights(q, k, num_heads):
    d = q.shape[-1] // num_heads
    q = q.reshape(*q.shape[:-1], num_heads, d).transpose(1, 2)
    k = k.reshape(*k.shape[:-1], num_heads, d).transpose(1, 2)
    scores = q @ k.transpose(-2, -1) / d ** 0.5
    exps = torch.exp(scores - scores.max())
    return exps / exps.sum(-1, keepdim=True)
