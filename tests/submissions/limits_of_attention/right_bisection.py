import math

import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    pairs = math.prod((batch, heads, query_len, key_len))
    return sum(pairs * head_dim * 2 for _ in ("scores", "context"))


def score_bytes(batch, heads, query_len, key_len, dtype):
    return torch.empty(0, dtype=dtype).element_size() * batch * heads * query_len * key_len


def max_length(memory_bytes, batch, heads, dtype):
    fits = lambda n: score_bytes(batch, heads, n, n, dtype) <= memory_bytes
    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
