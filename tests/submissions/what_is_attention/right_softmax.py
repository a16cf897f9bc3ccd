import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.softmax(keys @ query / temperature, dim=0)
    return weights @ values
