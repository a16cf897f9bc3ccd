# family: numerics, scaling
# mistake: similarity is the negative squared distance instead of the dot product.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    near = -(keys - query).pow(2).sum(-1)
    return torch.softmax(near / temperature, dim=0) @ values
