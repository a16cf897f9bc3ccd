import torch


def score_shape(batch, heads, query_len, context_len):
    q = torch.empty(batch, heads, query_len, 1, device="meta")
    k = torch.empty(batch, heads, context_len, 1, device="meta")
    return tuple((q @ k.transpose(-2, -1)).shape)


def attention_kind(query_source, key_source, causal=False):
    match (query_source == key_source, bool(causal)):
        case (True, False):
            return "self"
        case (True, True):
            return "causal-self"
        case (False, False):
            return "cross"
    raise ValueError(f"{query_source} and {key_source} have no common order")
