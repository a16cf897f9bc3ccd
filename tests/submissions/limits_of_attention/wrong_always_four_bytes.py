# family: dtype, numerics
# mistake: every element is taken to be 4 bytes, whatever the dtype
import math


def attention_flops(batch, heads, query_len, key_len, head_dim):
    return 4 * batch * heads * query_len * key_len * head_dim


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * 4


def max_length(memory_bytes, batch, heads, dtype):
    return math.isqrt(memory_bytes // score_bytes(batch, heads, 1, 1, dtype))
