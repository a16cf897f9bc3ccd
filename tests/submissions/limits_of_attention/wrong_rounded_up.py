# family: numerics
# mistake: the square root is rounded up, so the scores of max_length no longer fit
import math

import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    return 4 * batch * heads * query_len * key_len * head_dim


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * torch.zeros(1, dtype=dtype).element_size()


def max_length(memory_bytes, batch, heads, dtype):
    return math.ceil(math.sqrt(memory_bytes / score_bytes(batch, heads, 1, 1, dtype)))
