# family: numerics
# mistake: max_length divides the memory by the bytes per score, as if it grew linearly with the length
import torch


def attention_flops(batch, heads, query_len, key_len, head_dim):
    return 2 * (2 * batch * heads * query_len * key_len * head_dim)


def score_bytes(batch, heads, query_len, key_len, dtype):
    return batch * heads * query_len * key_len * torch.zeros(1, dtype=dtype).element_size()


def max_length(memory_bytes, batch, heads, dtype):
    return memory_bytes // (batch * heads * torch.zeros(1, dtype=dtype).element_size())
