"""How self-attention versus cross-attention is graded."""

from collections.abc import Iterator

from grader.authoring import Case, Exercise, Random, edit, mistake


def named_afresh(attention_kind, query_source, key_source, *causal):
    # Two strings that are equal and not one object: only == tells that they name one sequence.
    return attention_kind("".join(list(query_source)), "".join(list(key_source)), *causal)


def by_name(attention_kind, query_source, key_source, causal):
    query_source, key_source = "".join(list(query_source)), "".join(list(key_source))
    return attention_kind(causal=causal, key_source=key_source, query_source=query_source)


def cases(rand: Random) -> Iterator[Case]:
    def kind(reason, *given, **more):  # type: ignore[no-untyped-def]
        return Case(reason, given, target="attention_kind", **{"drive": named_afresh} | more)

    yield Case("shape: every size different", (2, 8, 5, 7), target="score_shape", family="shape", public=True)
    yield Case("shape: more queries than keys", (3, 4, 9, 2), target="score_shape", family="shape")
    yield Case("shape: all ones but one", (1, 1, 1, 6), target="score_shape", family="shape")
    yield Case(
        "shape: by name", (), dict(context_len=6, query_len=4, heads=3, batch=2), target="score_shape", family="shape"
    )
    yield kind("self: the encoder", "source", "source", public=True)
    yield kind("cross: the decoder asks the encoder", "target", "source", public=True)
    yield kind("causal-self: the decoder", "target", "target", True, public=True)
    yield kind("cross: one name begins like the other", "image", "image tokens", False)
    yield kind("cross: names that differ in case", "Audio", "audio")
    yield kind("self: a name of its own", "queries of the decoder", "queries of the decoder", False)
    yield kind("causal by name", "notes", "notes", True, drive=by_name)
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

mistakes = (
    mistake(
        "shape-transposed",
        "shape",
        edit(SHAPE, "return batch, heads, context_len, query_len"),
        en="Queries and keys are swapped in the shape: rows are queries, columns are keys, (…, query_len, "
        "context_len).",
        zh="形状中查询和键对调了：行是查询，列是键，应为 (…, query_len, context_len)。",
    ),
    mistake(
        "shape-square",
        "shape",
        edit(SHAPE, "return batch, heads, query_len, query_len"),
        edit(SHAPE, "return batch, heads, context_len, context_len"),
        edit(SHAPE, "return batch, heads, query_len + context_len, query_len + context_len"),
        en="Your shape is square, as in self-attention; in general there is one column for every key: query_len × "
        "context_len.",
        zh="你的形状是方阵，那是自注意力；一般情况下每个键对应一列：query_len × context_len。",
    ),
    mistake(
        "heads-in-wrong-place",
        "shape",
        edit(SHAPE, "return batch, query_len, heads, context_len"),
        edit(SHAPE, "return batch, query_len, context_len, heads"),
        edit(SHAPE, "return heads, batch, query_len, context_len"),
        en="The axes are in another order: batch, heads, queries, keys.",
        zh="维度的顺序不对：应为批、头、查询、键。",
    ),
    mistake(
        "heads-missing",
        "shape",
        edit(SHAPE, "return batch, query_len, context_len"),
        edit(SHAPE, "return batch * heads, query_len, context_len"),
        en="The heads have no axis of their own: every head has its own scores, (batch, heads, query_len, "
        "context_len).",
        zh="头没有单独的维度：每个头有自己的打分，(batch, heads, query_len, context_len)。",
    ),
    mistake(
        "shape-of-output",
        "shape",
        edit(SHAPE, "return batch, query_len, heads * context_len"),
        edit(SHAPE, "return batch, heads, query_len"),
        edit(SHAPE, "return batch, query_len"),
        en="This is not the shape of the scores: they have one number for every batch entry, head, query and key.",
        zh="这不是打分的形状：批中每一项、每个头、每个查询、每个键各有一个数。",
    ),
    mistake(
        "shape-not-a-tuple",
        "interface",
        edit(SHAPE, "return [batch, heads, query_len, context_len]"),
        edit(SHAPE, "return batch * heads * query_len * context_len"),
        edit(SHAPE, 'return f"({batch}, {heads}, {query_len}, {context_len})"'),
        edit(SHAPE, 'return __import__("torch").tensor([batch, heads, query_len, context_len])'),
        en="A tuple of four ints is asked for.",
        zh="要求返回四个整数的元组。",
    ),
    mistake(
        "compared-by-identity",
        "numerics",
        edit(SAME, "if query_source is key_source:"),
        en="Names are compared with `is`, which asks whether they are one object; equal strings need not be. Use ==.",
        zh="你用 `is` 比较名字，它判断的是同一个对象；相等的字符串不一定是同一个对象。请用 ==。",
    ),
    mistake(
        "compared-loosely",
        "numerics",
        edit(SAME, "if query_source.lower() == key_source.lower():"),
        edit(SAME, "if query_source in key_source:"),
        edit(SAME, "if key_source.startswith(query_source):"),
        edit(SAME, "if query_source[0] == key_source[0]:"),
        edit(SAME, "if len(query_source) == len(key_source):"),
        en="Different names are taken for the same sequence: compare them whole and as they are, with ==.",
        zh="不同的名字被当成了同一个序列：应当用 == 原样、完整地比较。",
    ),
    mistake(
        "self-and-cross-swapped",
        "numerics",
        edit(SAME, "if query_source != key_source:"),
        edit((WITHIN, '"causal-self" if causal else "cross"'), ('return "cross"', 'return "self"')),
        en="Self and cross are swapped: equal sources mean self-attention, different ones cross-attention.",
        zh="自注意力与交叉注意力弄反了：来源相同是自注意力，来源不同是交叉注意力。",
    ),
    mistake(
        "causal-ignored",
        "masking",
        edit(WITHIN, '"self"'),
        en='`causal` makes no difference between equal sources: the answer is then "causal-self".',
        zh='来源相同时 `causal` 没有起作用：这时答案应为 "causal-self"。',
    ),
    mistake(
        "causal-inverted",
        "masking",
        edit(WITHIN, '"self" if causal else "causal-self"'),
        en='`causal` works the wrong way round: "causal-self" is the answer when it is True.',
        zh='`causal` 用反了：它为 True 时答案才是 "causal-self"。',
    ),
    mistake(
        "causal-cross-accepted",
        "interface",
        edit(REFUSAL, 'return "cross"'),
        edit(REFUSAL, 'return "causal-cross"'),
        edit(REFUSAL, 'return "causal-self"'),
        edit(REFUSAL, "return None"),
        edit(REFUSAL, 'assert False, "no common order"'),
        edit(REFUSAL, 'raise TypeError("no common order")'),
        en="Causal cross-attention has to raise ValueError: between the positions of two sequences there is no "
        "earlier or later.",
        zh="因果的交叉注意力应当抛出 ValueError：两个序列的位置之间没有先后。",
    ),
    mistake(
        "causal-self-refused",
        "interface",
        edit(SAME, f"if causal:\n        {REFUSAL}\n    {SAME}"),
        en="causal=True is refused for self-attention; that is where it belongs. Only causal cross-attention is an "
        "error.",
        zh="自注意力的 causal=True 被拒绝了，而它正是用在这里的。只有因果的交叉注意力才是错误。",
    ),
    mistake(
        "other-names",
        "interface",
        edit("causal-self", "causal_self"),
        edit("causal-self", "causal self"),
        edit("causal-self", "masked-self"),
        edit("causal-self", "causal"),
        edit('"cross"', '"cross-attention"'),
        edit((WITHIN, '"CAUSAL-SELF" if causal else "SELF"'), ('"cross"', '"CROSS"')),
        edit((WITHIN, '"causal-self-attention" if causal else "self-attention"'), ('"cross"', '"cross-attention"')),
        en='The answers are spelt "self", "causal-self" and "cross", to the letter.',
        zh='答案必须逐字写作 "self"、"causal-self" 和 "cross"。',
    ),
)

exercise = Exercise(
    targets=("score_shape", "attention_kind"),
    cases=cases,
    mistakes=mistakes,
    oracles=(score_shape, attention_kind),
)
