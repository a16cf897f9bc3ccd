import torch
import torch.nn.functional as F


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    scores = torch.stack([torch.dot(query, key) for key in keys])
    answer = torch.zeros_like(values[0])
    for share, value in zip(F.softmax(scores / temperature, dim=-1), values):
        answer = answer + share * value
    return answer
