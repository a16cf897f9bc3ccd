# family: numerics
# mistake: The CNN's path is logarithmic, as for dilated convolutions, instead of linear.
import math

import torch


def path_length(kind, n, kernel=3):
    if kind == "attention":
        return 0 if n == 1 else 1
    if kind == "rnn":
        return n - 1
    if kind == "cnn":
        return math.ceil(math.log(n, kernel))
    raise ValueError(kind)


def sequential_steps(kind, n):
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(kind)
    return n if kind == "rnn" else 1


def is_permutation_equivariant(fn, x):
    y = fn(x)
    orders = [torch.randperm(x.shape[1]) for _ in range(10)]
    return all(torch.allclose(fn(x[:, p]), y[:, p], atol=1e-5) for p in orders)
