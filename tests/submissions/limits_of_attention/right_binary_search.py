import torch


def _matmul_flops(n: int, m: int, p: int) -> int:
    return 2 * n * m * p


def attention_flops(batch: int, heads: int, query_len: int, key_len: int, head_dim: int) -> int:
    scores = _matmul_flops(query_len, head_dim, key_len)
    context = _matmul_flops(query_len, key_len, head_dim)
    return batch * heads * (scores + context)


def score_bytes(batch: int, heads: int, query_len: int, key_len: int, dtype: torch.dtype) -> int:
    return batch * heads * query_len * key_len * torch.empty((), dtype=dtype).element_size()


def max_length(memory_bytes: int, batch: int, heads: int, dtype: torch.dtype) -> int:
    low, high = 0, 1
    while score_bytes(batch, heads, high, high, dtype) <= memory_bytes:
        high *= 2
    while high - low > 1:
        mid = (low + high) // 2
        if score_bytes(batch, heads, mid, mid, dtype) <= memory_bytes:
            low = mid
        else:
            high = mid
    return low
