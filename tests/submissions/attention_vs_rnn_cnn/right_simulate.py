import torch

KINDS = ("attention", "rnn", "cnn")


def path_length(kind, n, kernel=3):
    if kind not in KINDS:
        raise ValueError(kind)
    step = {"attention": n, "rnn": 1, "cnn": kernel // 2}[kind]
    at = layers = 0
    while at < n - 1:
        at += step
        layers += 1
    return layers


def sequential_steps(kind, n):
    if kind not in KINDS:
        raise ValueError(kind)
    return n if kind == "rnn" else 1


def is_permutation_equivariant(fn, x):
    n = x.size(1)
    shift = torch.roll(torch.arange(n), 1)
    swap = torch.arange(n)
    swap[:2] = swap[:2].flip(0)
    for order in (shift, swap):
        before, after = fn(x.clone().index_select(1, order)), fn(x.clone()).index_select(1, order)
        if (before - after).abs().max().item() > 1e-4:
            return False
    return True
