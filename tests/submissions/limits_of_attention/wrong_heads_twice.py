# family: numerics
# mistake: model width (heads * head_dim) is used per head, so heads counts twice in the operations
import math

import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    width = heads * head_dim
    return batch * heads * 4 * query_len * key_len * width


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * torch.zeros(1, dtype=dtype).element_size()


def max_length(memory_bytes, batch, heads, dtype):
    return math.isqrt(memory_bytes // score_bytes(batch, heads, 1, 1, dtype))
