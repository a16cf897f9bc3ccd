import torch


def soft_lookup(query, keys, values, temperature):
    if not temperature > 0:
        raise ValueError("the temperature must be positive")
    scores = torch.stack([torch.dot(key, query.double()) for key in keys.double().unbind(0)]) / temperature
    powers = (scores - scores.max().detach()).exp()
    mixed = sum(p * value for p, value in zip(powers.unbind(), values.double().unbind()))
    return (mixed / powers.sum()).to(values.dtype)
