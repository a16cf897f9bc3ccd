# family: numerics, gradient
# mistake: below temperature 1 the lookup is a hard argmax.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    scores = keys @ query
    if temperature < 1:
        return values[scores.argmax()]
    return torch.softmax(scores / temperature, dim=0) @ values
