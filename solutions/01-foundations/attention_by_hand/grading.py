"""How attention by hand is graded."""

from collections.abc import Iterator

from shared import itself

from grader.authoring import Case, Exercise, Random, edit, mistake, rewrite


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


def cases(rand: Random) -> Iterator[Case]:
    def lists(L: int, S: int, d: int, d_v: int) -> tuple[list, list, list]:
        query, key, value = rand.qkv(L=L, S=S, d=d, d_v=d_v)
        return query.tolist(), key.tolist(), value.tolist()

    def plain(S: int, d: int, d_v: int) -> tuple[list, list, list]:
        queries, keys, values = lists(1, S, d, d_v)
        return queries[0], keys, values

    usual = {"drive": several, "dtype": "float64"}
    yield Case("every size different", lists(4, 5, 3, 2), public=True, **usual)
    yield Case("one query, as lists", plain(4, 2, 3), public=True)
    yield Case("a scale", lists(3, 4, 6, 2), {"scale": 0.4}, family="scaling", public=True, **usual)
    yield Case("a scale above 1", lists(3, 6, 4, 5), {"scale": 1.7}, family="scaling", **usual)
    yield Case(
        "whole numbers",
        ([[1, 0], [2, 1], [0, -1]], [[1, 1], [0, 1], [3, -2], [1, 0]], [[1], [3], [-4], [0]]),
        **usual,
    )
    yield Case("one key takes all", lists(2, 1, 3, 4), family="normalization", **usual)
    # The best keys differ by a little, so that the weights are neither uniform nor one-hot.
    queries, values = [[1000.0, 1.0], [999.0, -0.5]], [[1.5], [-2.0], [0.7]]
    yield Case("scores near 1000", (queries, [[1.0, 0.3], [1.0, -0.9], [1.0, 1.2]], values), **usual)
    yield Case("scores near −1000", (queries, [[-1.0, 0.3], [-1.0, -0.9], [-1.0, 1.2]], values), **usual)
    yield Case(
        "scores of −1000 and 1000 together",
        ([*queries, [-1000.0, 0.5]], [[-1.0, 0.4], [1.0, -0.6], [-1.0, 1.1], [1.0, 0.2]], [*values, [3.0]]),
        **usual,
    )
    yield Case(
        "scores near 1000, and a scale",
        (queries, [[1.0, 0.3], [-1.0, -0.9], [1.0, 1.2]], values),
        {"scale": 0.5},
        **usual,
    )
    yield Case(
        "scores near 2000, and a scale above 1",
        (queries, [[2.0, 0.3], [2.0, -0.9], [1.0, 1.2]], values),
        {"scale": 1.5},
        **usual,
    )
    refused = {"raises": "ValueError", "family": "interface"}
    query, keys, values = plain(3, 4, 2)
    yield Case("keys longer than the query", (query[:3], keys, values), public=True, **refused)
    yield Case("one key shorter than the query", (query, [*keys[:2], keys[2][:3]], values), **refused)
    yield Case("more values than keys", (query, keys[:2], values), **refused)
    yield Case("more keys than values", (query, keys, values[:2]), **refused)
    yield Case("no keys", (query, [], []), **refused)
    yield Case("the lists are left as they were", plain(3, 5, 4), {"scale": 0.5}, drive=left_alone, family="state")

    # Two units of the fourth decimal, relative to the smaller of two numbers.
    by_hand = {"drive": itself, "public": True}
    yield Case("by hand: weights", target="unscaled_weights", tolerance=7.5e-4, **by_hand)
    yield Case("by hand: output", target="unscaled_output", tolerance=1.6e-4, **by_hand)
    yield Case("by hand: scaled weights", target="scaled_weights", tolerance=7.5e-4, family="scaling", **by_hand)
    yield Case("by hand: scaled output", target="scaled_output", tolerance=1.6e-4, family="scaling", **by_hand)


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

mistakes = (
    mistake(
        "scale-ignored",
        "scaling",
        edit(SCALED, "sum("),
        en="`scale` has no effect: multiply every score by it, before the softmax.",
        zh="`scale` 没有起作用：请在 softmax 之前把每个打分乘以它。",
    ),
    mistake(
        "divided-by-scale",
        "scaling",
        edit(SCALED, "1 / scale * sum("),
        en="Your scores are divided by `scale`; they are multiplied by it.",
        zh="打分除以了 `scale`；应当乘以它。",
    ),
    mistake(
        "scale-made-up",
        "scaling",
        edit(SCALED, "len(query) ** -0.5 * sum("),
        edit(SCALED, "scale * len(query) ** -0.5 * sum("),
        edit(SCALED, "(scale if scale != 1.0 else len(query) ** -0.5) * sum("),
        en="Your scores are divided by √d of your own accord: `attend` scales by its argument `scale` alone.",
        zh="你自行把打分除以了 √d：`attend` 只按参数 `scale` 缩放，不再乘除其他数。",
    ),
    mistake(
        "scale-after-softmax",
        "scaling",
        edit((SCALED, "sum("), (WEIGHTS, "[scale * e / total for e in exps]")),
        en="The scale is applied after the softmax: the weights no longer sum to 1. Scale the scores.",
        zh="缩放放到了 softmax 之后：权重之和不再为 1。应当缩放打分。",
    ),
    mistake(
        "exp-overflow",
        "numerics",
        edit(HIGHEST, "0.0"),
        edit((HIGHEST, "0.0"), ("score - highest", "min(score, 700.0)")),
        edit(HIGHEST, "scores[0]"),
        edit(HIGHEST, "min(scores)"),
        edit(HIGHEST, "sum(scores) / len(scores)"),
        en="Scores near ±1000 overflow or underflow in `math.exp`: subtract the largest score from all of them first.",
        zh="打分在 ±1000 附近时 `math.exp` 会上溢或下溢：请先把每个打分减去其中最大的一个。",
    ),
    mistake(
        "not-normalised",
        "normalization",
        edit(WEIGHTS, "exps"),
        edit((HIGHEST, "0.0"), (WEIGHTS, "exps")),
        edit("return output, weights", "return output, exps"),
        edit(("return output, weights", "return output, exps"), (HIGHEST, "0.0")),
        edit(WEIGHTS, "[e / len(exps) for e in exps]"),
        edit((HIGHEST, "0.0"), (WEIGHTS, "[e / len(exps) for e in exps]")),
        en="Your weights do not sum to 1: divide every exponential by the sum of all of them, before the weighted sum.",
        zh="权重之和不为 1：请在加权求和之前，把每个指数除以所有指数之和。",
    ),
    mistake(
        "no-softmax",
        "normalization",
        edit(WEIGHTS, "scores"),
        edit(WEIGHTS, "[score / sum(scores) for score in scores]"),
        en="There is no exponential in your weights: take the softmax of the scores, not the scores themselves.",
        zh="权重里没有指数：应当对打分做 softmax，而不是直接使用打分。",
    ),
    mistake(
        "softmax-over-features",
        "normalization",
        rewrite(products_normalised),
        rewrite(weights_per_feature),
        rewrite(feature_softmaxes_averaged),
        en="Your softmax runs over the features of a vector. First add the products up to one score a key; the softmax "
        "then runs over the keys.",
        zh="softmax 沿特征做了。先把乘积加起来，每个键得到一个打分；softmax 应当沿键做。",
    ),
    mistake(
        "values-not-weighted",
        "numerics",
        edit("sum(w * value[j]", "sum(value[j] / len(values)"),
        edit("sum(w * value[j]", "sum(value[j]"),
        en="Every value counts the same in your output: multiply each by its weight before adding up.",
        zh="输出中每个值的分量都一样：求和之前应当先乘以各自的权重。",
    ),
    mistake(
        "keys-for-values",
        "numerics",
        edit((" value in zip(weights, values)", " value in zip(weights, keys)"), ("len(values[0])", "len(keys[0])")),
        en="Your output is a sum of keys: the weights come from the keys, but what is added up are the values.",
        zh="输出是键的加权和：权重来自键，而加权求和的应当是值。",
    ),
    mistake(
        "output-and-weights-swapped",
        "interface",
        edit("return output, weights", "return weights, output"),
        en="The weights come first in what you return: it is (output, weights).",
        zh="返回值的顺序反了：应当是 (output, weights)。",
    ),
    mistake(
        "lengths-unchecked",
        "interface",
        edit(CHECK, "if False:"),
        edit(CHECK, "if not keys:"),
        edit(CHECK, "if not keys or len(keys) != len(values):"),
        edit(CHECK, "if not keys or any(len(key) != len(query) for key in keys):"),
        edit(CHECK, "if not keys or len(keys) != len(values) or len(keys[0]) != len(query):"),
        edit(
            (CHECK, "if False:"),
            ("for q, k in zip(query, key)", "for q, k in ((query[i], key[i]) for i in range(len(query)))"),
        ),
        edit('raise ValueError("one value', 'raise AssertionError("one value'),
        edit(
            (CHECK, "if False:"),
            (HIGHEST, "max(scores, default=0.0)"),
            ("range(len(values[0]))", "range(len((values or [[]])[0]))"),
        ),
        edit((CHECK, "if not keys:"), ('raise ValueError("one value', 'raise IndexError("one value')),
        en="Not every disagreement of lengths raises ValueError: `zip` stops silently at the shorter list. Check that "
        "there are keys, as many values as keys, and that every key is as long as the query.",
        zh="并非所有长度不一致都抛出 ValueError：`zip` 会在较短的列表处悄悄停下。"
        "请检查：至少有一个键，值与键一样多，每个键与查询一样长。",
    ),
    mistake(
        "inputs-changed",
        "state",
        edit("scores = [scale *", "query[:] = [scale * q for q in query]\n    scores = ["),
        edit(
            "output = [sum(w * value[j] for w, value in zip(weights, values)) for j in range(len(values[0]))]",
            "for w, value in zip(weights, values):\n        value[:] = [w * x for x in value]\n"
            "    output = [sum(column) for column in zip(*values)]",
        ),
        en="Your function changes the lists that it is given (the query, or the values): build new lists.",
        zh="你的函数改动了传入的列表（查询或值）：请新建列表。",
    ),
    mistake(
        "hand-divided-by-d",
        "scaling",
        edit(("[0.6698, 0.3302]", "[0.6225, 0.3775]"), ("[1.6605, 2.6605]", "[1.7551, 2.7551]")),
        en="Your scaled numbers divide the scores by d_k = 2; the scale is 1/√d_k, so divide by √2 ≈ 1.4142.",
        zh="缩放后的数字把打分除以了 d_k = 2；缩放是 1/√d_k，应当除以 √2 ≈ 1.4142。",
    ),
    mistake(
        "hand-multiplied-by-root-d",
        "scaling",
        edit(("[0.6698, 0.3302]", "[0.8044, 0.1956]"), ("[1.6605, 2.6605]", "[1.3911, 2.3911]")),
        en="Your scaled numbers multiply the scores by √2; divide by it.",
        zh="缩放后的数字把打分乘以了 √2；应当除以它。",
    ),
    mistake(
        "hand-not-scaled",
        "scaling",
        edit(("[0.6698, 0.3302]", "[0.7311, 0.2689]"), ("[1.6605, 2.6605]", "[1.5379, 2.5379]")),
        en="Your scaled numbers are the unscaled ones: divide the scores 1 and 0 by √2 before the softmax.",
        zh="缩放后的数字与未缩放的相同：在 softmax 之前把打分 1 和 0 除以 √2。",
    ),
    mistake(
        "hand-always-scaled",
        "scaling",
        edit(("[0.7311, 0.2689]", "[0.6698, 0.3302]"), ("[1.5379, 2.5379]", "[1.6605, 2.6605]")),
        edit(
            ("unscaled_weights = [0.7311, 0.2689]", "unscaled_weights = [0.6698, 0.3302]"),
            ("unscaled_output = [1.5379, 2.5379]", "unscaled_output = [1.6605, 2.6605]"),
            ("\nscaled_weights = [0.6698, 0.3302]", "\nscaled_weights = [0.7311, 0.2689]"),
            ("\nscaled_output = [1.6605, 2.6605]", "\nscaled_output = [1.5379, 2.5379]"),
        ),
        en="Your unscaled numbers are the scaled ones: there the scores 1 and 0 go into the softmax as they are.",
        zh="未缩放的数字用成了缩放后的：这里打分 1 和 0 直接进入 softmax。",
    ),
    mistake(
        "hand-scaled-after-softmax",
        "scaling",
        edit(("[0.6698, 0.3302]", "[0.5169, 0.1902]"), ("[1.6605, 2.6605]", "[1.0874, 1.7946]")),
        en="You divided the weights by √2, and they no longer sum to 1: divide the scores, then take the softmax.",
        zh="你把权重除以了 √2，它们之和不再为 1：应当先缩放打分，再做 softmax。",
    ),
    mistake(
        "hand-not-normalised",
        "normalization",
        edit(
            ("[0.7311, 0.2689]", "[2.7183, 1.0]"),
            ("[1.5379, 2.5379]", "[5.7183, 9.4366]"),
            ("[0.6698, 0.3302]", "[2.0281, 1.0]"),
            ("[1.6605, 2.6605]", "[5.0281, 8.0562]"),
        ),
        en="The weights that you worked out are the exponentials: divide them by their sum.",
        zh="你算出的权重只是指数：还要除以它们的和。",
    ),
    mistake(
        "hand-no-softmax",
        "normalization",
        edit(
            ("[0.7311, 0.2689]", "[1.0, 0.0]"),
            ("[1.5379, 2.5379]", "[1.0, 2.0]"),
            ("[0.6698, 0.3302]", "[0.7071, 0.0]"),
            ("[1.6605, 2.6605]", "[0.7071, 1.4142]"),
        ),
        en="The weights that you worked out are the scores themselves: take their softmax.",
        zh="你算出的权重就是打分本身：还要做 softmax。",
    ),
    mistake(
        "hand-keys-swapped",
        "numerics",
        edit(
            ("[0.7311, 0.2689]", "[0.2689, 0.7311]"),
            ("[1.5379, 2.5379]", "[2.4621, 3.4621]"),
            ("[0.6698, 0.3302]", "[0.3302, 0.6698]"),
            ("[1.6605, 2.6605]", "[2.3395, 3.3395]"),
        ),
        en="Your weights are in the wrong order: the first key, [1, 1], scores 1 and gets the larger one.",
        zh="权重的顺序反了：第一个键 [1, 1] 的打分是 1，应当得到较大的权重。",
    ),
    mistake(
        "hand-text-believed",
        "numerics",
        edit("[1.5379, 2.5379]", "[1.54, 2.08]"),
        edit("[1.5379, 2.5379]", "[1.5379, 2.0758]"),
        edit("[1.5379, 2.5379]", "[1.5379, 2.08]"),
        en="The second entry of the output is the one that the text has wrong: it is 2·0.7311 + 4·0.2689.",
        zh="资料中错的是输出的第二项：应当是 2·0.7311 + 4·0.2689。",
    ),
    mistake(
        "hand-two-decimals",
        "numerics",
        edit(
            ("[0.7311, 0.2689]", "[0.73, 0.27]"),
            ("[1.5379, 2.5379]", "[1.54, 2.54]"),
            ("[0.6698, 0.3302]", "[0.67, 0.33]"),
            ("[1.6605, 2.6605]", "[1.66, 2.66]"),
        ),
        edit(("[0.7311, 0.2689]", "[0.73, 0.27]"), ("[1.5379, 2.5379]", "[1.54, 2.54]")),
        edit("[1.5379, 2.5379]", "[1.54, 2.54]"),
        edit(("[1.5379, 2.5379]", "[1.54, 2.54]"), ("[1.6605, 2.6605]", "[1.66, 2.66]")),
        en="Your numbers are rounded too much: give four decimals, and compute on from unrounded weights.",
        zh="数字舍入得太多：请保留 4 位小数，并用未舍入的权重继续计算。",
    ),
)

exercise = Exercise(
    targets=("attend", "unscaled_weights", "unscaled_output", "scaled_weights", "scaled_output"),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(attend,),
    forbidden_imports=("torch", "numpy"),
)
