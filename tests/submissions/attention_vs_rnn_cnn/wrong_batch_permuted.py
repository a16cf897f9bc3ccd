# family: shape, numerics
# mistake: The batch axis is permuted instead of the positions, which every such function survives.
import torch


def path_length(kind, n, kernel=3):
    if kind == "attention":
        return 0 if n == 1 else 1
    if kind == "rnn":
        return n - 1
    if kind == "cnn":
        return -((1 - n) // (kernel // 2))
    raise ValueError(kind)


def sequential_steps(kind, n):
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(kind)
    return n if kind == "rnn" else 1


def is_permutation_equivariant(fn, x):
    order = torch.randperm(len(x))
    return torch.allclose(fn(x[order]), fn(x)[order], atol=1e-5)
