# family: scaling, numerics
# mistake: the temperature is clamped to at least 0.01 for "stability".
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature")
    return torch.softmax(keys @ query / max(temperature, 1e-2), dim=0) @ values
