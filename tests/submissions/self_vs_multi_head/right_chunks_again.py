from typing import Union

import torch
from torch import Tensor


def linear_size(n_in: int, n_out: int, bias: Union[bool, int]) -> int:
    return n_in * n_out + n_out * int(bool(bias))


def parameter_count(embed_dim: int, num_heads: int, bias: bool = True) -> int:
    del num_heads  # heads only cut what is there
    return sum(linear_size(embed_dim, embed_dim, bias) for _ in range(4))


def head_weights(q: Tensor, k: Tensor, num_heads: int) -> Tensor:
    maps = []
    for qh, kh in zip(torch.chunk(q, num_heads, -1), torch.chunk(k, num_heads, -1)):
        maps.append(torch.nn.functional.softmax(qh @ kh.permute(0, 2, 1) / qh.shape[-1] ** 0.5, dim=-1))
    return torch.stack(maps, 1)
