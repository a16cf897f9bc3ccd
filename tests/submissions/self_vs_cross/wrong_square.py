# family: shape
# mistake: the scores are taken to be query_len x query_len, as in self-attention
def score_shape(batch, heads, query_len, context_len):
    return (batch, heads) + (query_len,) * 2


def attention_kind(query_source, key_source, causal=False):
    if query_source == key_source:
        return "causal-self" if causal else "self"
    if causal:
        raise ValueError("causal cross attention")
    return "cross"
