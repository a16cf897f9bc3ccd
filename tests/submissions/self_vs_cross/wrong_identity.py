# family: interface, numerics, state
# mistake: compares the names with `is`, so equal names that are different objects count as cross
def score_shape(batch, heads, query_len, context_len):
    return batch, heads, query_len, context_len


def attention_kind(query_source, key_source, causal=False):
    same = query_source is key_source
    if causal and not same:
        raise ValueError("causal cross attention")
    if same:
        return "causal-self" if causal else "self"
    return "cross"
