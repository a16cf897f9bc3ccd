# family: numerics
# mistake: The CNN's layers are rounded down, so the last position is not always reached.
import torch


def path_length(kind, n, kernel=3):
    if kind == "attention":
        return 0 if n == 1 else 1
    if kind == "rnn":
        return n - 1
    if kind == "cnn":
        return (n - 1) // ((kernel - 1) // 2)
    raise ValueError(kind)


def sequential_steps(kind, n):
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(kind)
    return n if kind == "rnn" else 1


def is_permutation_equivariant(fn, x):
    y = fn(x)
    orders = [torch.arange(x.shape[1]).flip(0)] + [torch.randperm(x.shape[1]) for _ in range(10)]
    return all(torch.allclose(fn(x[:, p]), y[:, p], atol=1e-5) for p in orders)
