"""How self-attention versus cross-attention is graded."""

from collections.abc import Iterator

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def named_afresh(attention_kind, query_source, key_source, *causal):
    # Two strings that are equal and not one object: only == tells that they name one sequence.
    return attention_kind("".join(list(query_source)), "".join(list(key_source)), *causal)


def by_name(attention_kind, query_source, key_source, causal):
    query_source, key_source = "".join(list(query_source)), "".join(list(key_source))
    return attention_kind(causal=causal, key_source=key_source, query_source=query_source)


def cases(rand: Inputs) -> Iterator[Case]:
    def kind(reason, *given, **more):  # type: ignore[no-untyped-def]
        return Case(reason, call(*given), target="attention_kind", **{"probe": named_afresh} | more)

    yield Case("shape: every size different", call(2, 8, 5, 7), family="shape", target="score_shape", public=True)
    yield Case("shape: more queries than keys", call(3, 4, 9, 2), family="shape", target="score_shape")
    yield Case("shape: all ones but one", call(1, 1, 1, 6), family="shape", target="score_shape")
    yield Case(
        "shape: by name",
        call(**dict(context_len=6, query_len=4, heads=3, batch=2)),
        family="shape",
        target="score_shape",
    )
    yield kind("self: the encoder", "source", "source", public=True)
    yield kind("cross: the decoder asks the encoder", "target", "source", public=True)
    yield kind("causal-self: the decoder", "target", "target", True, public=True)
    yield kind("cross: one name begins like the other", "image", "image tokens", False)
    yield kind("cross: names that differ in case", "Audio", "audio")
    yield kind("self: a name of its own", "queries of the decoder", "queries of the decoder", False)
    yield kind("causal by name", "notes", "notes", True, probe=by_name)
    yield kind("causal cross", "target", "source", True, raises="ValueError", family="interface")


def score_shape(batch, heads, query_len, context_len):
    """The oracle: the shape that a product of queries and keys has."""
    import torch

    q, k = torch.empty(batch, heads, query_len, 3), torch.empty(batch, heads, context_len, 3)
    return tuple((q @ k.mT).shape)


def attention_kind(query_source, key_source, causal=False):
    """The oracle: the table, row by row."""
    table = {(True, False): "self", (True, True): "causal-self", (False, False): "cross"}
    row = (query_source == key_source, bool(causal))
    if row not in table:
        raise ValueError
    return table[row]


SHAPE = "return batch, heads, query_len, context_len"
SAME = "if query_source == key_source:"
WITHIN = '"causal-self" if causal else "self"'
REFUSAL = 'raise ValueError("positions of two sequences have no common order")'

mistakes = known(
    shape_transposed=replace(SHAPE, "return batch, heads, context_len, query_len"),
    shape_square=[
        replace(SHAPE, "return batch, heads, query_len, query_len"),
        replace(SHAPE, "return batch, heads, context_len, context_len"),
        replace(SHAPE, "return batch, heads, query_len + context_len, query_len + context_len"),
    ],
    heads_in_wrong_place=[
        replace(SHAPE, "return batch, query_len, heads, context_len"),
        replace(SHAPE, "return batch, query_len, context_len, heads"),
        replace(SHAPE, "return heads, batch, query_len, context_len"),
    ],
    heads_missing=[
        replace(SHAPE, "return batch, query_len, context_len"),
        replace(SHAPE, "return batch * heads, query_len, context_len"),
    ],
    shape_of_output=[
        replace(SHAPE, "return batch, query_len, heads * context_len"),
        replace(SHAPE, "return batch, heads, query_len"),
        replace(SHAPE, "return batch, query_len"),
    ],
    shape_not_a_tuple=[
        replace(SHAPE, "return [batch, heads, query_len, context_len]"),
        replace(SHAPE, "return batch * heads * query_len * context_len"),
        replace(SHAPE, 'return f"({batch}, {heads}, {query_len}, {context_len})"'),
        replace(SHAPE, 'return __import__("torch").tensor([batch, heads, query_len, context_len])'),
    ],
    compared_by_identity=replace(SAME, "if query_source is key_source:"),
    compared_loosely=[
        replace(SAME, "if query_source.lower() == key_source.lower():"),
        replace(SAME, "if query_source in key_source:"),
        replace(SAME, "if key_source.startswith(query_source):"),
        replace(SAME, "if query_source[0] == key_source[0]:"),
        replace(SAME, "if len(query_source) == len(key_source):"),
    ],
    self_and_cross_swapped=[
        replace(SAME, "if query_source != key_source:"),
        replace((WITHIN, '"causal-self" if causal else "cross"'), ('return "cross"', 'return "self"')),
    ],
    causal_ignored=replace(WITHIN, '"self"'),
    causal_inverted=replace(WITHIN, '"self" if causal else "causal-self"'),
    causal_cross_accepted=[
        replace(REFUSAL, 'return "cross"'),
        replace(REFUSAL, 'return "causal-cross"'),
        replace(REFUSAL, 'return "causal-self"'),
        replace(REFUSAL, "return None"),
        replace(REFUSAL, 'assert False, "no common order"'),
        replace(REFUSAL, 'raise TypeError("no common order")'),
    ],
    causal_self_refused=replace(SAME, f"if causal:\n        {REFUSAL}\n    {SAME}"),
    other_names=[
        replace("causal-self", "causal_self"),
        replace("causal-self", "causal self"),
        replace("causal-self", "masked-self"),
        replace("causal-self", "causal"),
        replace('"cross"', '"cross-attention"'),
        replace((WITHIN, '"CAUSAL-SELF" if causal else "SELF"'), ('"cross"', '"CROSS"')),
        replace((WITHIN, '"causal-self-attention" if causal else "self-attention"'), ('"cross"', '"cross-attention"')),
    ],
)

exercise = Exercise(
    targets=("score_shape", "attention_kind"), cases=cases, mistakes=mistakes, oracles=(score_shape, attention_kind)
)
