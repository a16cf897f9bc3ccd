import math

import torch


def _count(*sizes):
    return torch.Size(sizes).numel()


def attention_flops(batch, heads, query_len, key_len, head_dim):
    products = 2
    multiply_add = 2
    return products * multiply_add * _count(batch, heads, query_len, key_len, head_dim)


def score_bytes(batch, heads, query_len, key_len, dtype):
    return _count(batch, heads, query_len, key_len) * (torch.finfo(dtype).bits // 8)


def max_length(memory_bytes, batch, heads, dtype):
    n = int(math.sqrt(memory_bytes / score_bytes(batch, heads, 1, 1, dtype)))
    while score_bytes(batch, heads, n, n, dtype) > memory_bytes:
        n -= 1
    while score_bytes(batch, heads, n + 1, n + 1, dtype) <= memory_bytes:
        n += 1
    return n
