"""How attention by hand is graded."""

from collections.abc import Iterator
from functools import partial

import torch
from shared import itself

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace


def several(target, queries, keys, values, **kwargs):
    """Weights of several queries, (L, S), tell a missing normalisation from a wrong scale; those of one do not."""
    found = [target(query, keys, values, **kwargs) for query in queries]
    for pair in found:
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(part, list | tuple) for part in pair):
            return pair
    output, weights = zip(*found, strict=True)
    return torch.tensor(output, dtype=torch.float64), torch.tensor(weights, dtype=torch.float64)


def lists_afterwards(target, *args, **kwargs):
    target(*args, **kwargs)
    return args


def lists_changed(value, expected):
    if value == expected:
        return None
    return Text("The lists that were given are not as they were.", "传入的列表被改动了。")


def cases(rand: Inputs) -> Iterator[Case]:
    def lists(L: int, S: int, d: int, d_v: int) -> tuple[list, list, list]:
        query, key, value = rand.qkv(L=L, S=S, d=d, d_v=d_v)
        return query.tolist(), key.tolist(), value.tolist()

    def plain(S: int, d: int, d_v: int) -> tuple[list, list, list]:
        queries, keys, values = lists(1, S, d, d_v)
        return queries[0], keys, values

    rows = partial(Case, probe=several, dtype="float64")
    yield rows("every size different", call(*lists(4, 5, 3, 2)), public=True)
    yield Case("one query, as lists", call(*plain(4, 2, 3)), public=True)
    yield rows("a scale", call(*lists(3, 4, 6, 2), scale=0.4), family="scaling", public=True)
    yield rows("a scale above 1", call(*lists(3, 6, 4, 5), scale=1.7), family="scaling")
    whole = [[1, 0], [2, 1], [0, -1]], [[1, 1], [0, 1], [3, -2], [1, 0]], [[1], [3], [-4], [0]]
    yield rows("whole numbers", call(*whole))
    yield rows("one key takes all", call(*lists(2, 1, 3, 4)), family="normalization")
    # The best keys differ by a little, so that the weights are neither uniform nor one-hot.
    queries, values = [[1000.0, 1.0], [999.0, -0.5]], [[1.5], [-2.0], [0.7]]
    yield rows("scores near 1000", call(queries, [[1.0, 0.3], [1.0, -0.9], [1.0, 1.2]], values))
    yield rows("scores near −1000", call(queries, [[-1.0, 0.3], [-1.0, -0.9], [-1.0, 1.2]], values))
    both = [*queries, [-1000.0, 0.5]], [[-1.0, 0.4], [1.0, -0.6], [-1.0, 1.1], [1.0, 0.2]], [*values, [3.0]]
    yield rows("scores of −1000 and 1000 together", call(*both))
    turned = [[1.0, 0.3], [-1.0, -0.9], [1.0, 1.2]]
    yield rows("scores near 1000, and a scale", call(queries, turned, values, scale=0.5))
    longer = [[2.0, 0.3], [2.0, -0.9], [1.0, 1.2]]
    yield rows("scores near 2000, and a scale above 1", call(queries, longer, values, scale=1.5))

    refused = partial(Case, raises="ValueError", family="interface")
    query, keys, values = plain(3, 4, 2)
    yield refused("keys longer than the query", call(query[:3], keys, values), public=True)
    yield refused("one key shorter than the query", call(query, [*keys[:2], keys[2][:3]], values))
    yield refused("the first key alone is too long", call(query, [[*keys[0], 0.5], *keys[1:]], values))
    yield refused("more values than keys", call(query, keys[:2], values))
    yield refused("more keys than values", call(query, keys, values[:2]))
    yield refused("no keys", call(query, [], []))
    alone = partial(Case, family="state", probe=lists_afterwards, fault=lists_changed)
    yield alone("the lists are left as they were", call(*plain(3, 5, 4), scale=0.5))

    # Two units of the fourth decimal, relative to the smaller of two numbers.
    weights = partial(Case, probe=itself, tolerance=7.5e-4, public=True)
    output = partial(Case, probe=itself, tolerance=1.6e-4, public=True)
    yield weights("by hand: weights", target="unscaled_weights")
    yield output("by hand: output", target="unscaled_output")
    yield weights("by hand: scaled weights", target="scaled_weights", family="scaling")
    yield output("by hand: scaled output", target="scaled_output", family="scaling")


def attend(query, keys, values, scale=1.0):
    """The oracle: the library's softmax and matrix products."""
    import torch

    q, k, v = (torch.tensor(x, dtype=torch.float64) for x in (query, [list(row) for row in keys], values))
    if k.dim() != 2 or k.shape[1] != q.shape[0] or k.shape[0] != v.shape[0]:
        raise ValueError
    weights = torch.softmax(k @ q * scale, dim=0)
    return (weights @ v).tolist(), weights.tolist()


SUM = "scale * sum("
COUNTS = "not keys or len(keys) != len(values)"
LENGTHS = "any(len(key) != len(query) for key in keys)"
CHECK = f"if {COUNTS} or {LENGTHS}:"
LESS_CHECKED = ("False", "not keys", COUNTS, f"not keys or {LENGTHS}", f"{COUNTS} or len(keys[0]) != len(query)")
UNCHECKED = (CHECK, "if False:")
HIGHEST = "max(scores)"
UNSHIFTED = (HIGHEST, "0.0")
WEIGHTS = "[e / total for e in exps]"
WEIGHTED = "sum(w * value[j]"
OUTPUT = "    output = "
IN_PLACE = "    for w, value in zip(weights, values):\n        value[:] = [w * x for x in value]\n"
RETURN = "return output, weights"
NOT_DIVIDED = ((WEIGHTS, "exps"), (RETURN, "return output, exps"), (WEIGHTS, "[e / len(exps) for e in exps]"))

WITH_SOFTMAX = (
    "def attend",
    "def softmax(numbers):\n    exps = [math.exp(number - max(numbers)) for number in numbers]\n"
    "    return [e / sum(exps) for e in exps]\n\ndef attend",
)
OVER_FEATURES = "softmax([scale * q * k for q, k in zip(query, key)])"
OVER_KEYS = "[softmax([scale * q * key[i] for key in keys]) for i, q in enumerate(query)]"

UNSCALED = [0.7311, 0.2689], [1.5379, 2.5379]
SCALED = [0.6698, 0.3302], [1.6605, 2.6605]


def unscaled(weights: list[float], output: list[float]) -> Iterator[tuple[str, str]]:
    """Other numbers than those that the reference works out by hand, without a scale."""
    yield f"\nunscaled_weights = {UNSCALED[0]}", f"\nunscaled_weights = {weights}"
    yield f"\nunscaled_output = {UNSCALED[1]}", f"\nunscaled_output = {output}"


def scaled(weights: list[float], output: list[float]) -> Iterator[tuple[str, str]]:
    """The same with the scale."""
    yield f"\nscaled_weights = {SCALED[0]}", f"\nscaled_weights = {weights}"
    yield f"\nscaled_output = {SCALED[1]}", f"\nscaled_output = {output}"


mistakes = known(
    scale_ignored=replace(SUM, "sum("),
    divided_by_scale=replace(SUM, "1 / scale * sum("),
    scale_made_up=[
        replace(SUM, "len(query) ** -0.5 * sum("),
        replace(SUM, "scale * len(query) ** -0.5 * sum("),
        replace(SUM, "(scale if scale != 1.0 else len(query) ** -0.5) * sum("),
    ],
    scale_after_softmax=replace((SUM, "sum("), (WEIGHTS, "[scale * e / total for e in exps]")),
    exp_overflow=[
        *(replace(HIGHEST, shift) for shift in ("0.0", "scores[0]", "min(scores)", "sum(scores) / len(scores)")),
        replace(UNSHIFTED, ("score - highest", "min(score, 700.0)")),
    ],
    not_normalised=[
        *(replace(not_divided) for not_divided in NOT_DIVIDED),
        *(replace(not_divided, UNSHIFTED) for not_divided in NOT_DIVIDED),
    ],
    no_softmax=[replace(WEIGHTS, "scores"), replace(WEIGHTS, "[score / sum(scores) for score in scores]")],
    softmax_over_features=[
        replace(WITH_SOFTMAX, (WEIGHTS, f"[sum({OVER_FEATURES}) for key in keys]")),
        replace(WITH_SOFTMAX, (WEIGHTS, f"[{OVER_FEATURES} for key in keys]"), (WEIGHTED, "sum(sum(w) * value[j]")),
        replace(WITH_SOFTMAX, (WEIGHTS, f"[sum(column) / len(query) for column in zip(*{OVER_KEYS})]")),
    ],
    values_not_weighted=[replace(WEIGHTED, wrong) for wrong in ("sum(value[j] / len(values)", "sum(value[j]")],
    keys_for_values=replace(("zip(weights, values)", "zip(weights, keys)"), ("len(values[0])", "len(keys[0])")),
    outputs_swapped=replace(RETURN, "return weights, output"),
    lengths_unchecked=[
        *(replace(CHECK, f"if {check}:") for check in LESS_CHECKED),
        replace(UNCHECKED, ("in zip(query, key))", "in ((query[i], key[i]) for i in range(len(query))))")),
        replace(UNCHECKED, (HIGHEST, "max(scores, default=0.0)"), ("len(values[0])", "len((values or [[]])[0])")),
        replace("raise ValueError", "raise AssertionError"),
        replace((CHECK, "if not keys:"), ("raise ValueError", "raise IndexError")),
    ],
    inputs_changed=[
        replace("scores = [scale *", "query[:] = [scale * q for q in query]\n    scores = ["),
        replace((WEIGHTED, "sum(value[j]"), (OUTPUT, f"{IN_PLACE}{OUTPUT}")),
    ],
    hand_divided_by_d=replace(*scaled([0.6225, 0.3775], [1.7551, 2.7551])),
    hand_multiplied_by_root_d=replace(*scaled([0.8044, 0.1956], [1.3911, 2.3911])),
    hand_not_scaled=replace(*scaled(*UNSCALED)),
    hand_always_scaled=[replace(*unscaled(*SCALED)), replace(*unscaled(*SCALED), *scaled(*UNSCALED))],
    hand_scaled_after_softmax=replace(*scaled([0.5169, 0.1902], [1.0874, 1.7946])),
    hand_not_normalised=replace(*unscaled([2.7183, 1.0], [5.7183, 9.4366]), *scaled([2.0281, 1.0], [5.0281, 8.0562])),
    hand_no_softmax=replace(*unscaled([1.0, 0.0], [1.0, 2.0]), *scaled([0.7071, 0.0], [0.7071, 1.4142])),
    hand_keys_swapped=replace(
        *unscaled([0.2689, 0.7311], [2.4621, 3.4621]), *scaled([0.3302, 0.6698], [2.3395, 3.3395])
    ),
    hand_text_believed=[
        replace(*unscaled(UNSCALED[0], output)) for output in ([1.54, 2.08], [1.5379, 2.0758], [1.5379, 2.08])
    ],
    hand_two_decimals=[
        replace(*unscaled([0.73, 0.27], [1.54, 2.54]), *scaled([0.67, 0.33], [1.66, 2.66])),
        replace(*unscaled([0.73, 0.27], [1.54, 2.54])),
        replace(*unscaled(UNSCALED[0], [1.54, 2.54])),
        replace(*unscaled(UNSCALED[0], [1.54, 2.54]), *scaled(SCALED[0], [1.66, 2.66])),
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
