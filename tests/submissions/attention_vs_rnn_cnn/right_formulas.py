"""Closed formulas, match, and a permutation as a matrix product."""
import math

import torch
from torch import Tensor


def path_length(kind: str, n: int, kernel: int = 3) -> int:
    match kind:
        case "attention":
            return min(1, n - 1)
        case "rnn":
            return n - 1
        case "cnn":
            return math.ceil(2 * (n - 1) / (kernel - 1))
    raise ValueError(kind)


def sequential_steps(kind: str, n: int) -> int:
    match kind:
        case "attention" | "cnn":
            return 1
        case "rnn":
            return n
    raise ValueError(kind)


def is_permutation_equivariant(fn, x: Tensor) -> bool:
    length = x.shape[-2]
    # even places backwards, then the odd ones: 0..4 -> 4 2 0 1 3; neither a reversal nor a rotation
    order = list(range(length - 1 - (length - 1) % 2, -1, -2)) + list(range(1, length, 2))
    other = order[2:] + order[:2][::-1]
    with torch.no_grad():
        for perm in (order, other):
            matrix = torch.eye(length, dtype=x.dtype, device=x.device)[perm]
            left = fn(torch.einsum("ij,bje->bie", matrix, x))
            right = fn(x.clone())
            right = torch.einsum("ij,bje->bie", matrix.to(right.dtype), right)
            low = torch.finfo(right.dtype).bits < 32
            if not torch.allclose(left, right, rtol=2e-2 if low else 1e-4, atol=2e-2 if low else 1e-5):
                return False
    return True
