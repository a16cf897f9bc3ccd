def score_shape(batch, heads, query_len, context_len):
    return (batch, heads, query_len, context_len)


def attention_kind(query_source, key_source, causal=False):
    if query_source == key_source:
        return "causal-self" if causal else "self"
    if causal:
        raise ValueError("cross attention cannot be causal")
    return "cross"
