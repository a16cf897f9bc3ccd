# family: interface
# mistake: for n = 1 path_length returns 0 before it looks at kind, so an unknown kind raises nothing
import torch


def path_length(kind, n, kernel=3):
    if n == 1:
        return 0
    if kind == "attention":
        return 1 if n > 1 else 0
    if kind == "rnn":
        return n - 1
    if kind == "cnn":
        half = (kernel - 1) // 2
        return -(-(n - 1) // half)
    raise ValueError(kind)


def sequential_steps(kind, n):
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(kind)
    return n if kind == "rnn" else 1


def is_permutation_equivariant(fn, x):
    order = torch.cat([torch.arange(1, x.shape[1], 2), torch.arange(0, x.shape[1], 2).flip(0)])
    return torch.allclose(fn(x[:, order]), fn(x)[:, order], rtol=1e-4, atol=1e-5)
