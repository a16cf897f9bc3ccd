import torch


def one_query(query, k, v):
    """query (..., d) -> (..., d_v), (..., S)"""
    scores = (k * query.unsqueeze(-2)).sum(-1)
    weights = scores.sub(scores.amax(-1, keepdim=True)).softmax(-1)
    return (weights.unsqueeze(-1) * v).sum(-2), weights


def dot_product_attention(q, k, v):
    results = [one_query(query, k, v) for query in q.unbind(dim=-2)]
    output, weights = (torch.stack(parts, dim=-2) for parts in zip(*results))
    return output, weights
