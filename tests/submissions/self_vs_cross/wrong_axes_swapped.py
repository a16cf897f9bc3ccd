# family: shape
# mistake: the keys are on the rows and the queries on the columns
def score_shape(batch, heads, query_len, context_len):
    rows, columns = context_len, query_len
    return batch, heads, rows, columns


def attention_kind(query_source, key_source, causal=False):
    if query_source != key_source:
        if causal:
            raise ValueError("causal cross attention")
        return "cross"
    return "causal-self" if causal else "self"
