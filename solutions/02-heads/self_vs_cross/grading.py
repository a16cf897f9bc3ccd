"""How self-attention versus cross-attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from shared import either

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def afresh(name):
    # Two strings that are equal and not one object: only == tells that they name one sequence.
    return "".join(list(name))


def named_afresh(attention_kind, query_source, key_source, *causal):
    return attention_kind(afresh(query_source), afresh(key_source), *causal)


def by_name(attention_kind, query_source, key_source, causal):
    return attention_kind(causal=causal, key_source=afresh(key_source), query_source=afresh(query_source))


def cases(rand: Inputs) -> Iterator[Case]:
    shape = partial(Case, family="shape", target="score_shape")

    def kind(reason: str, *given: Any, probe: Any = named_afresh, **options: Any) -> Case:
        return Case(reason, call(*given), target="attention_kind", probe=probe, **options)

    yield shape("shape: every size different", call(2, 8, 5, 7), public=True)
    yield shape("shape: more queries than keys", call(3, 4, 9, 2))
    yield shape("shape: all ones but one", call(1, 1, 1, 6))
    yield shape("shape: by name", call(context_len=6, query_len=4, heads=3, batch=2))
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


SHAPE = "batch, heads, query_len, context_len"
SAME = "query_source == key_source"
WITHIN = '"causal-self" if causal else "self"'
REFUSAL = 'raise ValueError("positions of two sequences have no common order")'


def returning(*shapes: str) -> list[Any]:
    return either(f"return {SHAPE}", *(f"return {shape}" for shape in shapes))


mistakes = known(
    shape_transposed=returning("batch, heads, context_len, query_len"),
    shape_square=returning(
        *(f"batch, heads, {length}, {length}" for length in ("query_len", "context_len", "query_len + context_len"))
    ),
    heads_in_wrong_place=returning("batch, query_len, heads, context_len", "batch, query_len, context_len, heads"),
    outputs_swapped=returning("heads, batch, query_len, context_len"),
    heads_missing=returning("batch, query_len, context_len", "batch * heads, query_len, context_len"),
    shape_of_output=returning("batch, query_len, heads * context_len", "batch, heads, query_len", "batch, query_len"),
    shape_not_a_tuple=returning(
        f"[{SHAPE}]",
        "batch * heads * query_len * context_len",
        f"str(({SHAPE}))",
        f'__import__("torch").tensor([{SHAPE}])',
    ),
    compared_by_identity=replace(SAME, "query_source is key_source"),
    compared_loosely=either(
        SAME,
        "query_source.lower() == key_source.lower()",
        "query_source in key_source",
        "key_source.startswith(query_source)",
        "query_source[0] == key_source[0]",
        "len(query_source) == len(key_source)",
    ),
    self_and_cross_swapped=[
        replace(SAME, "query_source != key_source"),
        replace((WITHIN, '"causal-self" if causal else "cross"'), ('return "cross"', 'return "self"')),
    ],
    causal_ignored=replace(WITHIN, '"self"'),
    causal_inverted=replace(WITHIN, '"self" if causal else "causal-self"'),
    causal_cross_accepted=either(
        REFUSAL,
        'return "cross"',
        'return "causal-cross"',
        'return "causal-self"',
        "return None",
        'assert False, "no common order"',
        'raise TypeError("no common order")',
    ),
    causal_self_refused=replace(f"if {SAME}", f"if causal:\n        {REFUSAL}\n    if {SAME}"),
    other_names=[
        *either("causal-self", "causal_self", "causal self", "masked-self", "causal"),
        replace('"cross"', '"cross-attention"'),
        replace((WITHIN, '"CAUSAL-SELF" if causal else "SELF"'), ('"cross"', '"CROSS"')),
        replace((WITHIN, '"causal-self-attention" if causal else "self-attention"'), ('"cross"', '"cross-attention"')),
    ],
)

exercise = Exercise(
    targets=("score_shape", "attention_kind"), cases=cases, mistakes=mistakes, oracles=(score_shape, attention_kind)
)
