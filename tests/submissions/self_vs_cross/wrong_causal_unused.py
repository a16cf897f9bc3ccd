# family: masking, interface, numerics
# mistake: causal self-attention is called "self"
def score_shape(batch, heads, query_len, context_len):
    return batch, heads, query_len, context_len


def attention_kind(query_source, key_source, causal=False):
    same = query_source == key_source
    if causal and not same:
        raise ValueError("causal cross attention")
    return "self" if same else "cross"
