# family: interface
# mistake: causal cross attention is answered with "cross" instead of ValueError
def score_shape(batch, heads, query_len, context_len):
    return batch, heads, query_len, context_len


def attention_kind(query_source, key_source, causal=False):
    if query_source != key_source:
        return "cross"
    return "causal-self" if causal else "self"
