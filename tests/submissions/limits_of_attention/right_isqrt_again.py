from math import isqrt

import torch


class _Scores:
    def __init__(self, batch, heads, dtype):
        self.per_pair = batch * heads * (torch.finfo(dtype).bits >> 3)

    def room(self, memory):
        return isqrt(int(memory) // self.per_pair)


def attention_flops(batch, heads, query_len, key_len, head_dim):
    return batch * heads * query_len * key_len * head_dim << 2


def score_bytes(batch, heads, query_len, key_len, dtype):
    return _Scores(batch, heads, dtype).per_pair * query_len * key_len


def max_length(memory_bytes, batch, heads, dtype):
    return _Scores(batch, heads, dtype).room(memory_bytes)
