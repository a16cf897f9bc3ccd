# family: shape
# mistake: batch and heads are folded into one axis
def score_shape(batch, heads, query_len, context_len):
    return batch * heads, query_len, context_len


def attention_kind(query_source, key_source, causal=False):
    if query_source == key_source:
        return ["self", "causal-self"][bool(causal)]
    if causal:
        raise ValueError("causal cross attention")
    return "cross"
