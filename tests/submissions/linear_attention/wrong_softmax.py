# family: numerics, resources
# mistake: ordinary softmax attention is returned
import torch


def linear_attention(q, k, v, causal=False, eps=1e-6):
    scores = q @ k.transpose(-1, -2)
    if causal:
        n = q.shape[-2]
        future = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    return scores.softmax(dim=-1) @ v
