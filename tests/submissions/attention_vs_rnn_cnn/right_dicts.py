import math

import torch


def _pick(kind, table):
    if kind not in table:
        raise ValueError(f"kind must be one of {', '.join(table)}")
    return table[kind]


def path_length(kind: str, n: int, kernel: int = 3) -> int:
    reach = (kernel - 1) / 2
    length = _pick(kind, {"attention": 1, "rnn": n - 1, "cnn": math.ceil((n - 1) / reach)})
    return length if n > 1 else 0


def sequential_steps(kind: str, n: int) -> int:
    return _pick(kind, {"attention": 1, "rnn": n, "cnn": 1})


def is_permutation_equivariant(fn, x) -> bool:
    with torch.no_grad():
        out = fn(x)
        for i in range(x.size(1) - 1):
            order = list(range(x.size(1)))
            order[i], order[i + 1] = order[i + 1], order[i]
            if not torch.allclose(fn(x[:, order]), out[:, order], atol=1e-5):
                return False
    return True
