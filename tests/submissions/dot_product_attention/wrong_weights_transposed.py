# family: shape
# mistake: the returned weights are (..., S, L).
import torch


def dot_product_attention(q, k, v):
    scores = torch.matmul(k, q.transpose(-2, -1))
    w = scores.softmax(dim=-2)
    return torch.matmul(w.transpose(-2, -1), v), w
