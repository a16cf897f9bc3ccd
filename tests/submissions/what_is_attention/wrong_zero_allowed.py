# family: interface
# mistake: only negative temperatures raise; 0 gives NaN.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    return torch.softmax(keys @ query / temperature, dim=0) @ values
