import torch


def score_shape(batch: int, heads: int, query_len: int, context_len: int) -> tuple[int, ...]:
    q = torch.empty(batch, heads, query_len, 1, device="meta")
    k = torch.empty(batch, heads, context_len, 1, device="meta")
    return tuple(torch.matmul(q, k.transpose(-2, -1)).shape)


def attention_kind(query_source: str, key_source: str, causal: bool = False) -> str:
    match (query_source == key_source, bool(causal)):
        case (True, True):
            return "causal-self"
        case (True, False):
            return "self"
        case (False, False):
            return "cross"
        case _:
            raise ValueError("causal needs one sequence for queries and keys")
