# family: normalization
# mistake: the elementwise products are softmaxed over the features before they are summed.
import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    match = torch.softmax(keys * query / temperature, dim=-1).sum(-1)
    return match @ values
