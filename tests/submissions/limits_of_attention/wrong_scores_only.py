# family: numerics
# mistake: only the product with the keys is counted, the one with the values is forgotten
import math

import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    per_score = head_dim * 2
    return batch * heads * query_len * key_len * per_score


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * torch.zeros(1, dtype=dtype).element_size()


def max_length(memory_bytes, batch, heads, dtype):
    return math.isqrt(memory_bytes // score_bytes(batch, heads, 1, 1, dtype))
