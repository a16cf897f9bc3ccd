"""Group 38. Right and by hand, with PyTorch in scratch cells that check it. Found later.

exercise: attention_by_hand
deserves: right
"""

import math

unscaled_weights = [0.7311, 0.2689]
unscaled_output = [1.5379, 2.5379]
scaled_weights = [0.6698, 0.3302]
scaled_output = [1.6605, 2.6605]


def attend(query, keys, values, scale=1.0):
    if len(keys) == 0:
        raise ValueError("need at least one key")
    if len(keys) != len(values):
        raise ValueError("one value per key")
    for key in keys:
        if len(key) != len(query):
            raise ValueError("key and query sizes differ")
    for value in values:
        if len(value) != len(values[0]):
            raise ValueError("ragged values")

    scores = []
    for key in keys:
        s = 0.0
        for i in range(len(query)):
            s += query[i] * key[i]
        scores.append(s * scale)

    biggest = max(scores)
    exps = [math.exp(s - biggest) for s in scores]
    total = sum(exps)
    weights = [e / total for e in exps]

    output = [0.0] * len(values[0])
    for w, value in zip(weights, values):
        for j in range(len(value)):
            output[j] += w * value[j]
    return output, weights


# %%
import torch


def compare(queries):
    import numpy

    scores = torch.tensor([[1.0, 0.5]])
    return numpy.asarray(torch.softmax(scores, -1)), attend([1.0], [[1.0], [0.5]], [[1.0], [2.0]])


compare(None)
weights = torch.softmax(torch.tensor([1.0, 0.0]), dim=0)
