# family: numerics
# mistake: Tests for invariance: the shuffled output is compared with the plain output.
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
    y = fn(x)
    orders = [torch.arange(x.shape[1]).flip(0)] + [torch.randperm(x.shape[1]) for _ in range(10)]
    return all(torch.allclose(fn(x[:, p]), y, atol=1e-5) for p in orders)
