score_shape = lambda batch, heads, query_len, context_len: (batch, heads) + (query_len, context_len)


def attention_kind(query_source, key_source, causal=False):
    same = not (query_source != key_source)
    if causal and not same:
        raise ValueError("no order between two sequences")
    return ("causal-" * bool(causal) + "self") if same else "cross"
