# family: numerics
# mistake: a multiply-add is counted as one operation, the factor 2 is missing
import math

import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    scores = query_len * key_len * head_dim
    context = query_len * head_dim * key_len
    return batch * heads * (scores + context)


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * torch.zeros(1, dtype=dtype).element_size()


def max_length(memory_bytes, batch, heads, dtype):
    return math.isqrt(memory_bytes // score_bytes(batch, heads, 1, 1, dtype))
