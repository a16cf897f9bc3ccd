import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    dk = torch.tensor(k.size(-1), dtype=torch.float64)
    scores = torch.matmul(q, k.transpose(-1, -2)) / dk.sqrt().item()
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -torch.inf)
    weights = torch.nan_to_num(scores.softmax(dim=-1), nan=0.0)
    return torch.matmul(weights, v), weights
