"""How attention by hand is graded."""

from collections.abc import Iterator

from shared import itself

from grader.authoring import Case, Exercise, Inputs, call, known, replace, rewrite


def several(target, queries, keys, values, **kwargs):
    """Weights of several queries, (L, S), tell a missing normalisation from a wrong scale; those of one do not."""
    import torch

    found = [target(query, keys, values, **kwargs) for query in queries]
    for pair in found:
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(part, list | tuple) for part in pair):
            return pair
    output, weights = zip(*found, strict=True)
    return torch.tensor(output, dtype=torch.float64), torch.tensor(weights, dtype=torch.float64)


def left_alone(target, *args, **kwargs):
    import copy

    before = copy.deepcopy(args)
    target(*args, **kwargs)
    return args == before


def cases(rand: Inputs) -> Iterator[Case]:
    def lists(L: int, S: int, d: int, d_v: int) -> tuple[list, list, list]:
        query, key, value = rand.qkv(L=L, S=S, d=d, d_v=d_v)
        return query.tolist(), key.tolist(), value.tolist()

    def plain(S: int, d: int, d_v: int) -> tuple[list, list, list]:
        queries, keys, values = lists(1, S, d, d_v)
        return queries[0], keys, values

    usual = {"probe": several, "dtype": "float64"}
    yield Case("every size different", call(*lists(4, 5, 3, 2)), public=True, **usual)
    yield Case("one query, as lists", call(*plain(4, 2, 3)), public=True)
    yield Case("a scale", call(*lists(3, 4, 6, 2), scale=0.4), family="scaling", public=True, **usual)
    yield Case("a scale above 1", call(*lists(3, 6, 4, 5), scale=1.7), family="scaling", **usual)
    yield Case(
        "whole numbers",
        call([[1, 0], [2, 1], [0, -1]], [[1, 1], [0, 1], [3, -2], [1, 0]], [[1], [3], [-4], [0]]),
        **usual,
    )
    yield Case("one key takes all", call(*lists(2, 1, 3, 4)), family="normalization", **usual)
    # The best keys differ by a little, so that the weights are neither uniform nor one-hot.
    queries, values = [[1000.0, 1.0], [999.0, -0.5]], [[1.5], [-2.0], [0.7]]
    yield Case("scores near 1000", call(queries, [[1.0, 0.3], [1.0, -0.9], [1.0, 1.2]], values), **usual)
    yield Case("scores near −1000", call(queries, [[-1.0, 0.3], [-1.0, -0.9], [-1.0, 1.2]], values), **usual)
    yield Case(
        "scores of −1000 and 1000 together",
        call([*queries, [-1000.0, 0.5]], [[-1.0, 0.4], [1.0, -0.6], [-1.0, 1.1], [1.0, 0.2]], [*values, [3.0]]),
        **usual,
    )
    yield Case(
        "scores near 1000, and a scale",
        call(queries, [[1.0, 0.3], [-1.0, -0.9], [1.0, 1.2]], values, scale=0.5),
        **usual,
    )
    yield Case(
        "scores near 2000, and a scale above 1",
        call(queries, [[2.0, 0.3], [2.0, -0.9], [1.0, 1.2]], values, scale=1.5),
        **usual,
    )
    refused = {"raises": "ValueError", "family": "interface"}
    query, keys, values = plain(3, 4, 2)
    yield Case("keys longer than the query", call(query[:3], keys, values), public=True, **refused)
    yield Case("one key shorter than the query", call(query, [*keys[:2], keys[2][:3]], values), **refused)
    yield Case("more values than keys", call(query, keys[:2], values), **refused)
    yield Case("more keys than values", call(query, keys, values[:2]), **refused)
    yield Case("no keys", call(query, [], []), **refused)
    yield Case("the lists are left as they were", call(*plain(3, 5, 4), scale=0.5), family="state", probe=left_alone)

    # Two units of the fourth decimal, relative to the smaller of two numbers.
    by_hand = {"probe": itself, "public": True}
    yield Case("by hand: weights", call(), target="unscaled_weights", tolerance=7.5e-4, **by_hand)
    yield Case("by hand: output", call(), target="unscaled_output", tolerance=1.6e-4, **by_hand)
    yield Case(
        "by hand: scaled weights", call(), family="scaling", target="scaled_weights", tolerance=7.5e-4, **by_hand
    )
    yield Case("by hand: scaled output", call(), family="scaling", target="scaled_output", tolerance=1.6e-4, **by_hand)


def attend(query, keys, values, scale=1.0):
    """The oracle: the library's softmax and matrix products."""
    import torch

    q, k, v = (torch.tensor(x, dtype=torch.float64) for x in (query, [list(row) for row in keys], values))
    if k.dim() != 2 or k.shape[1] != q.shape[0] or k.shape[0] != v.shape[0]:
        raise ValueError
    weights = torch.softmax(k @ q * scale, dim=0)
    return (weights @ v).tolist(), weights.tolist()


def products_normalised(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(key) != len(query) for key in keys):
        raise ValueError
    weights = []
    for key in keys:
        products = [scale * q * k for q, k in zip(query, key, strict=True)]
        exps = [math.exp(p - max(products)) for p in products]  # noqa: F821
        weights.append(sum(e / sum(exps) for e in exps))
    return [sum(w * value[j] for w, value in zip(weights, values, strict=True)) for j in range(len(values[0]))], weights


def weights_per_feature(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(key) != len(query) for key in keys):
        raise ValueError
    weights = []
    for key in keys:
        products = [scale * q * k for q, k in zip(query, key, strict=True)]
        exps = [math.exp(p - max(products)) for p in products]  # noqa: F821
        weights.append([e / sum(exps) for e in exps])
    sums = [sum(w) for w in weights]
    return [sum(w * value[j] for w, value in zip(sums, values, strict=True)) for j in range(len(values[0]))], weights


def feature_softmaxes_averaged(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(key) != len(query) for key in keys):
        raise ValueError
    weights = [0.0] * len(keys)
    for i, q in enumerate(query):
        products = [scale * q * key[i] for key in keys]
        exps = [math.exp(p - max(products)) for p in products]  # noqa: F821
        weights = [w + e / sum(exps) / len(query) for w, e in zip(weights, exps, strict=True)]
    return [sum(w * value[j] for w, value in zip(weights, values, strict=True)) for j in range(len(values[0]))], weights


SCALED = "scale * sum("
CHECK = "if not keys or len(keys) != len(values) or any(len(key) != len(query) for key in keys):"
WEIGHTS = "[e / total for e in exps]"
HIGHEST = "max(scores)"

mistakes = known(
    scale_ignored=replace(SCALED, "sum("),
    divided_by_scale=replace(SCALED, "1 / scale * sum("),
    scale_made_up=[
        replace(SCALED, "len(query) ** -0.5 * sum("),
        replace(SCALED, "scale * len(query) ** -0.5 * sum("),
        replace(SCALED, "(scale if scale != 1.0 else len(query) ** -0.5) * sum("),
    ],
    scale_after_softmax=replace((SCALED, "sum("), (WEIGHTS, "[scale * e / total for e in exps]")),
    exp_overflow=[
        replace(HIGHEST, "0.0"),
        replace((HIGHEST, "0.0"), ("score - highest", "min(score, 700.0)")),
        replace(HIGHEST, "scores[0]"),
        replace(HIGHEST, "min(scores)"),
        replace(HIGHEST, "sum(scores) / len(scores)"),
    ],
    not_normalised=[
        replace(WEIGHTS, "exps"),
        replace((HIGHEST, "0.0"), (WEIGHTS, "exps")),
        replace("return output, weights", "return output, exps"),
        replace(("return output, weights", "return output, exps"), (HIGHEST, "0.0")),
        replace(WEIGHTS, "[e / len(exps) for e in exps]"),
        replace((HIGHEST, "0.0"), (WEIGHTS, "[e / len(exps) for e in exps]")),
    ],
    no_softmax=[replace(WEIGHTS, "scores"), replace(WEIGHTS, "[score / sum(scores) for score in scores]")],
    softmax_over_features=[
        rewrite(products_normalised),
        rewrite(weights_per_feature),
        rewrite(feature_softmaxes_averaged),
    ],
    values_not_weighted=[
        replace("sum(w * value[j]", "sum(value[j] / len(values)"),
        replace("sum(w * value[j]", "sum(value[j]"),
    ],
    keys_for_values=replace(
        (" value in zip(weights, values)", " value in zip(weights, keys)"), ("len(values[0])", "len(keys[0])")
    ),
    output_and_weights_swapped=replace("return output, weights", "return weights, output"),
    lengths_unchecked=[
        replace(CHECK, "if False:"),
        replace(CHECK, "if not keys:"),
        replace(CHECK, "if not keys or len(keys) != len(values):"),
        replace(CHECK, "if not keys or any(len(key) != len(query) for key in keys):"),
        replace(CHECK, "if not keys or len(keys) != len(values) or len(keys[0]) != len(query):"),
        replace(
            (CHECK, "if False:"),
            ("for q, k in zip(query, key)", "for q, k in ((query[i], key[i]) for i in range(len(query)))"),
        ),
        replace('raise ValueError("one value', 'raise AssertionError("one value'),
        replace(
            (CHECK, "if False:"),
            (HIGHEST, "max(scores, default=0.0)"),
            ("range(len(values[0]))", "range(len((values or [[]])[0]))"),
        ),
        replace((CHECK, "if not keys:"), ('raise ValueError("one value', 'raise IndexError("one value')),
    ],
    inputs_changed=[
        replace("scores = [scale *", "query[:] = [scale * q for q in query]\n    scores = ["),
        replace(
            "output = [sum(w * value[j] for w, value in zip(weights, values)) for j in range(len(values[0]))]",
            "for w, value in zip(weights, values):\n        value[:] = [w * x for x in value]\n"
            "    output = [sum(column) for column in zip(*values)]",
        ),
    ],
    hand_divided_by_d=replace(("[0.6698, 0.3302]", "[0.6225, 0.3775]"), ("[1.6605, 2.6605]", "[1.7551, 2.7551]")),
    hand_multiplied_by_root_d=replace(
        ("[0.6698, 0.3302]", "[0.8044, 0.1956]"), ("[1.6605, 2.6605]", "[1.3911, 2.3911]")
    ),
    hand_not_scaled=replace(("[0.6698, 0.3302]", "[0.7311, 0.2689]"), ("[1.6605, 2.6605]", "[1.5379, 2.5379]")),
    hand_always_scaled=[
        replace(("[0.7311, 0.2689]", "[0.6698, 0.3302]"), ("[1.5379, 2.5379]", "[1.6605, 2.6605]")),
        replace(
            ("unscaled_weights = [0.7311, 0.2689]", "unscaled_weights = [0.6698, 0.3302]"),
            ("unscaled_output = [1.5379, 2.5379]", "unscaled_output = [1.6605, 2.6605]"),
            ("\nscaled_weights = [0.6698, 0.3302]", "\nscaled_weights = [0.7311, 0.2689]"),
            ("\nscaled_output = [1.6605, 2.6605]", "\nscaled_output = [1.5379, 2.5379]"),
        ),
    ],
    hand_scaled_after_softmax=replace(
        ("[0.6698, 0.3302]", "[0.5169, 0.1902]"), ("[1.6605, 2.6605]", "[1.0874, 1.7946]")
    ),
    hand_not_normalised=replace(
        ("[0.7311, 0.2689]", "[2.7183, 1.0]"),
        ("[1.5379, 2.5379]", "[5.7183, 9.4366]"),
        ("[0.6698, 0.3302]", "[2.0281, 1.0]"),
        ("[1.6605, 2.6605]", "[5.0281, 8.0562]"),
    ),
    hand_no_softmax=replace(
        ("[0.7311, 0.2689]", "[1.0, 0.0]"),
        ("[1.5379, 2.5379]", "[1.0, 2.0]"),
        ("[0.6698, 0.3302]", "[0.7071, 0.0]"),
        ("[1.6605, 2.6605]", "[0.7071, 1.4142]"),
    ),
    hand_keys_swapped=replace(
        ("[0.7311, 0.2689]", "[0.2689, 0.7311]"),
        ("[1.5379, 2.5379]", "[2.4621, 3.4621]"),
        ("[0.6698, 0.3302]", "[0.3302, 0.6698]"),
        ("[1.6605, 2.6605]", "[2.3395, 3.3395]"),
    ),
    hand_text_believed=[
        replace("[1.5379, 2.5379]", "[1.54, 2.08]"),
        replace("[1.5379, 2.5379]", "[1.5379, 2.0758]"),
        replace("[1.5379, 2.5379]", "[1.5379, 2.08]"),
    ],
    hand_two_decimals=[
        replace(
            ("[0.7311, 0.2689]", "[0.73, 0.27]"),
            ("[1.5379, 2.5379]", "[1.54, 2.54]"),
            ("[0.6698, 0.3302]", "[0.67, 0.33]"),
            ("[1.6605, 2.6605]", "[1.66, 2.66]"),
        ),
        replace(("[0.7311, 0.2689]", "[0.73, 0.27]"), ("[1.5379, 2.5379]", "[1.54, 2.54]")),
        replace("[1.5379, 2.5379]", "[1.54, 2.54]"),
        replace(("[1.5379, 2.5379]", "[1.54, 2.54]"), ("[1.6605, 2.6605]", "[1.66, 2.66]")),
    ],
)

exercise = Exercise(
    targets=("attend", "unscaled_weights", "unscaled_output", "scaled_weights", "scaled_output"),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(attend,),
    forbidden_imports=("torch", "numpy"),
)
