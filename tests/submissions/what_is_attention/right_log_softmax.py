import functools

import torch


def positive(function):
    @functools.wraps(function)
    def checked(query, keys, values, temperature):
        if temperature <= 0:
            raise ValueError(f"temperature {temperature} is not positive")
        return function(query, keys, values, temperature)

    return checked


@positive
def soft_lookup(query, keys, values, temperature):
    scores = torch.einsum("d,sd->s", query, keys)
    return torch.einsum("s,se->e", torch.log_softmax(scores / temperature, dim=0).exp(), values)
