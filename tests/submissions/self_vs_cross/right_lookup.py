KINDS = {(True, False): "self", (True, True): "causal-self", (False, False): "cross"}


def score_shape(batch, heads, query_len, context_len):
    return batch, heads, query_len, context_len


def attention_kind(query_source, key_source, causal=False):
    try:
        return KINDS[query_source == key_source, bool(causal)]
    except KeyError:
        raise ValueError(f"causal attention from {query_source} to {key_source}") from None
