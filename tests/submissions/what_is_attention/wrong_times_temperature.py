# family: scaling
# mistake: the scores are multiplied by the temperature.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    return values.mT.mv(torch.mv(keys, query).mul(temperature).softmax(0))
