# family: scaling
# mistake: divides by sqrt(d) on top of the temperature.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    scores = keys @ query / query.numel() ** 0.5
    return torch.softmax(scores / temperature, dim=0) @ values
