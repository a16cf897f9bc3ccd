"""How the variants of attention scores are graded."""

from collections.abc import Iterator

import shared
import torch

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def weights(kind: str, d_q: int, d_k: int, a: int) -> dict[str, torch.Tensor]:
        if kind == "general":
            return {"W": rand.normal(d_q, d_k)}
        if kind == "additive":
            return {"W_q": rand.normal(a, d_q, std=0.5), "W_k": rand.normal(a, d_k, std=0.5), "w": rand.normal(a)}
        return {}

    def score(reason, kind, *batch, L=3, S=5, d_q=4, d_k=6, a=7, **more):  # type: ignore[no-untyped-def]
        d_k = d_q if "dot" in kind else d_k
        inputs = (rand.normal(*batch, L, d_q), rand.normal(*batch, S, d_k), kind)
        return Case(reason, inputs, weights(kind, d_q, d_k, a), **more)

    def refused(reason, kind, given):  # type: ignore[no-untyped-def]
        inputs = (rand.normal(2, 4), rand.normal(3, 4), kind)
        return Case(reason, inputs, given, raises="ValueError", family="interface")

    yield score("dot", "dot", 2, gradients=True, twice=True, public=True)
    yield score("scaled dot", "scaled_dot", 2, gradients=True, public=True)
    yield score("general: queries and keys of different sizes", "general", 2, gradients=True, twice=True, public=True)
    yield score("general: a square W", "general", 2, L=4, S=3, d_q=5, d_k=5)
    yield score("additive: every size different", "additive", 2, gradients=True, twice=True, public=True)
    yield score("additive: many sizes equal", "additive", 4, L=4, S=4, d_q=4, d_k=4, a=4)
    yield score("dot: no leading axes", "dot", L=2, S=4, d_q=3)
    yield score("scaled dot: two leading axes, another size", "scaled_dot", 2, 3, L=4, S=2, d_q=20)
    yield score("general: no leading axes", "general", L=2, S=4)
    yield score("additive: two leading axes, one query", "additive", 2, 3, L=1, S=4, d_q=5, d_k=2, a=3)
    yield score("additive: no leading axes, one hidden unit", "additive", L=2, S=3, d_q=5, d_k=4, a=1)
    every = {**weights("general", 5, 5, 2), **weights("additive", 5, 5, 2)}
    yield Case("weights of other kinds are ignored", (rand.normal(3, 5), rand.normal(4, 5), "scaled_dot"), every)
    yield refused("an unknown kind", "cosine", {})
    yield refused("general without W", "general", {})
    given = weights("additive", 4, 4, 3)
    for missing in given:
        yield refused(
            f"additive without {missing}", "additive", {name: given[name] for name in given if name != missing}
        )
    yield score("float64, additive", "additive", 2, dtype="float64", family="dtype")
    yield score("bfloat16, scaled dot", "scaled_dot", 2, dtype="bfloat16", family="dtype")
    yield score("bfloat16, general", "general", 4, L=2, S=3, d_q=3, d_k=5, dtype="bfloat16", family="dtype")
    yield score("bfloat16, additive", "additive", 4, L=2, S=3, d_q=3, d_k=5, a=2, dtype="bfloat16", family="dtype")


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    """The oracle: one pair of vectors after the other."""
    needed = {"dot": (), "scaled_dot": (), "general": (W,), "additive": (W_q, W_k, w)}
    if kind not in needed or any(weight is None for weight in needed[kind]):
        raise ValueError
    score = {
        "dot": lambda x, y: (x * y).sum(-1),
        "scaled_dot": lambda x, y: (x * y).sum(-1) / x.shape[-1] ** 0.5,
        "general": lambda x, y: torch.einsum("...i,ij,...j->...", x, W, y),
        "additive": lambda x, y: torch.einsum(
            "a,...a->...", w, (torch.nn.functional.linear(x, W_q) + torch.nn.functional.linear(y, W_k)).tanh()
        ),
    }[kind]
    rows = [
        torch.stack([score(q[..., i, :], k[..., j, :]) for j in range(k.shape[-2])], -1) for i in range(q.shape[-2])
    ]
    return torch.stack(rows, -2)


SCALED = "q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5"
GENERAL = "q @ W @ k.transpose(-2, -1)"
HIDDEN = "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)"
ADDITIVE = "torch.tanh(hidden) @ w"
NEEDS_W = "if W is None:"
NEEDS_ALL = "if W_q is None or W_k is None or w is None:"
UNKNOWN = 'raise ValueError(f"unknown kind {kind!r}")'

mistakes = (
    mistake(
        "scaled-dot-unscaled",
        "scaling",
        edit(SCALED, "q @ k.transpose(-2, -1)"),
        en='"scaled_dot" is not scaled: divide by √d, the size of one key vector.',
        zh='"scaled_dot" 没有缩放：应当除以 √d（单个键向量的维度）。',
    ),
    mistake(
        "scaled-dot-by-d",
        "scaling",
        edit(SCALED, "q @ k.transpose(-2, -1) / k.shape[-1]"),
        en='"scaled_dot" divides by d; the scale is 1/√d, the square root is missing.',
        zh='"scaled_dot" 除以了 d；缩放应为 1/√d，少了开方。',
    ),
    mistake(
        "scale-inverted",
        "scaling",
        edit(SCALED, "q @ k.transpose(-2, -1) * k.shape[-1] ** 0.5"),
        en='"scaled_dot" multiplies by √d; it divides by it.',
        zh='"scaled_dot" 乘以了 √d；应当除以 √d。',
    ),
    mistake(
        "scale-by-length",
        "scaling",
        edit(SCALED, "q @ k.transpose(-2, -1) * k.shape[-2] ** -0.5"),
        edit(SCALED, "q @ k.transpose(-2, -1) * q.shape[-2] ** -0.5"),
        en='"scaled_dot" is scaled by the number of queries or keys; the scale is 1/√d, from the size of one vector.',
        zh='"scaled_dot" 用查询或键的个数做了缩放；应为 1/√d，d 是单个向量的维度。',
    ),
    mistake(
        "all-scaled",
        "scaling",
        edit((SCALED, "q @ k.transpose(-2, -1)"), ("q @ k.transpose(-2, -1)", SCALED)),
        edit(GENERAL, f"{GENERAL} * k.shape[-1] ** -0.5"),
        edit(GENERAL, f"{GENERAL} * q.shape[-1] ** -0.5"),
        edit(ADDITIVE, f"{ADDITIVE} * w.shape[0] ** -0.5"),
        edit(ADDITIVE, f"{ADDITIVE} * k.shape[-1] ** -0.5"),
        en='A kind other than "scaled_dot" is scaled; only that one is.',
        zh='除 "scaled_dot" 之外的打分也做了缩放；只有它需要缩放。',
    ),
    mistake(
        "W-transposed",
        "shape",
        edit(GENERAL, "q @ W.T @ k.transpose(-2, -1)"),
        edit(GENERAL, "(k @ W @ q.transpose(-2, -1)).transpose(-2, -1)"),
        en='W is transposed in "general": it is (d_q, d_k) and stands between q and kᵀ as it is. With d_q = d_k the '
        "mistake "
        "raises nothing and gives other numbers.",
        zh='"general" 中的 W 被转置了：它是 (d_q, d_k)，直接放在 q 与 kᵀ 之间。d_q = d_k 时这个错误不会报错，'
        "但数值不同。",
    ),
    mistake(
        "W-ignored",
        "numerics",
        edit(GENERAL, "q @ k.transpose(-2, -1)"),
        en='"general" does not use W: the score is q W kᵀ.',
        zh='"general" 没有用到 W：打分是 q W kᵀ。',
    ),
    mistake(
        "no-tanh",
        "numerics",
        edit(ADDITIVE, "hidden @ w"),
        en='"additive" has no tanh. Without it the score is one number of the query plus one of the key, and after '
        "the softmax "
        "every query looks at the same keys.",
        zh='"additive" 没有 tanh。没有它，打分只是查询的一个数加上键的一个数，softmax 之后所有查询看的键都一样。',
    ),
    mistake(
        "other-nonlinearity",
        "numerics",
        edit(ADDITIVE, "torch.relu(hidden) @ w"),
        edit(ADDITIVE, "torch.sigmoid(hidden) @ w"),
        edit(ADDITIVE, "torch.nn.functional.gelu(hidden) @ w"),
        en='The nonlinearity of "additive" is tanh, and you use another.',
        zh='"additive" 的非线性是 tanh，你用了别的函数。',
    ),
    mistake(
        "tanh-before-sum",
        "numerics",
        edit(ADDITIVE, "(torch.tanh((q @ W_q.T).unsqueeze(-2)) + torch.tanh((k @ W_k.T).unsqueeze(-3))) @ w"),
        en='In "additive" the tanh is taken of W_q q and W_k k each, and then added; it is taken of their sum.',
        zh='"additive" 中你分别对 W_q q 和 W_k k 取了 tanh 再相加；应当先相加再取 tanh。',
    ),
    mistake(
        "tanh-outside",
        "numerics",
        edit(ADDITIVE, "torch.tanh(hidden @ w)"),
        en='In "additive" the tanh comes last, over wᵀ(…); it goes inside: wᵀ tanh(W_q q + W_k k).',
        zh='"additive" 中 tanh 放到了最外面；应当在里面：wᵀ tanh(W_q q + W_k k)。',
    ),
    mistake(
        "summed-over-wrong-axes",
        "shape",
        edit(HIDDEN, "(q @ W_q.T).unsqueeze(-3) + (k @ W_k.T).unsqueeze(-2)"),
        edit(HIDDEN, "(q @ W_q.T) + (k @ W_k.T)"),
        edit(HIDDEN, "(q @ W_q.T).sum(-2, keepdim=True).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)"),
        edit(HIDDEN, "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).sum(-2, keepdim=True).unsqueeze(-3)"),
        edit(ADDITIVE, "torch.tanh(hidden).transpose(-3, -2) @ w"),
        en='In "additive" queries and keys are not paired: every query i meets every key j, (..., L, 1, a) + (..., 1, '
        "S, a) gives "
        "(..., L, S, a), and w sums the last axis away.",
        zh='"additive" 中查询和键没有正确配对：每个查询 i 都要遇到每个键 j，'
        "(..., L, 1, a) + (..., 1, S, a) 得到 (..., L, S, a)，"
        "再由 w 对最后一个维度求和。",
    ),
    mistake(
        "w-ignored",
        "numerics",
        edit(ADDITIVE, "torch.tanh(hidden).sum(-1)"),
        edit(ADDITIVE, "torch.tanh(hidden).mean(-1)"),
        en='"additive" does not use w: the hidden units are weighed by it, not just added up.',
        zh='"additive" 没有用到 w：隐藏单元要用它加权，而不是直接相加。',
    ),
    mistake(
        "product-for-sum",
        "numerics",
        edit(HIDDEN, HIDDEN.replace("+", "*")),
        en='In "additive" the two projections are multiplied; they are added.',
        zh='"additive" 中两个投影相乘了；应当相加。',
    ),
    mistake(
        "one-projection-for-both",
        "numerics",
        edit(HIDDEN, HIDDEN.replace("W_k", "W_q")),
        edit(HIDDEN, HIDDEN.replace("W_q", "W_k")),
        edit(HIDDEN, HIDDEN.replace("W_q", "X").replace("W_k", "W_q").replace("X", "W_k")),
        en="W_q and W_k are mixed up: W_q projects the queries, W_k the keys.",
        zh="W_q 和 W_k 用混了：W_q 投影查询，W_k 投影键。",
    ),
    mistake(
        "projections-transposed",
        "shape",
        edit(HIDDEN, HIDDEN.replace(".T", "")),
        en="W_q and W_k are (a, d): the projection of a row vector is q @ W_q.T, and yours leaves out the transpose.",
        zh="W_q 和 W_k 的形状是 (a, d)：行向量的投影是 q @ W_q.T，你少了转置。",
    ),
    mistake(
        "softmax-applied",
        "normalization",
        edit(
            ("return q @", "return torch.softmax(q @"),
            ("k.transpose(-2, -1)\n", "k.transpose(-2, -1), dim=-1)\n"),
            ("** -0.5\n", "** -0.5, dim=-1)\n"),
            (f"return {ADDITIVE}", f"return torch.softmax({ADDITIVE}, dim=-1)"),
        ),
        en="A softmax is applied: what is asked for are the scores before it.",
        zh="做了 softmax：要求的是 softmax 之前的打分。",
    ),
    mistake(
        "scores-transposed",
        "shape",
        edit("return q @ k.transpose(-2, -1)", "return k @ q.transpose(-2, -1)"),
        en="The scores are (S, L): queries are the rows and keys the columns, (..., L, S).",
        zh="打分的形状成了 (S, L)：查询是行、键是列，应为 (..., L, S)。",
    ),
    mistake(
        "unknown-kind-accepted",
        "interface",
        edit(UNKNOWN, "return None"),
        edit(UNKNOWN, "return q @ k.transpose(-2, -1)"),
        edit(UNKNOWN, "raise KeyError(kind)"),
        edit(UNKNOWN, "raise NotImplementedError(kind)"),
        en="An unknown kind does not raise ValueError: without it, a misspelt name goes unnoticed.",
        zh="未知的 kind 没有抛出 ValueError：名字拼错时就会被忽略。",
    ),
    mistake(
        "missing-weight-accepted",
        "interface",
        edit((NEEDS_W, "if False:"), (NEEDS_ALL, "if False:")),
        edit(NEEDS_W, "if False:"),
        edit(NEEDS_ALL, "if False:"),
        edit(NEEDS_ALL, "if W_q is None and W_k is None and w is None:"),
        edit(NEEDS_ALL, "if W_q is None or W_k is None:"),
        edit(
            (NEEDS_ALL, "if False:"),
            (ADDITIVE, "torch.tanh(hidden) @ (w if w is not None else torch.ones(hidden.shape[-1]))"),
        ),
        edit(NEEDS_W, "if W is None:\n            return q @ k.transpose(-2, -1)\n        if False:"),
        en="A missing weight does not raise ValueError: check what the kind needs before computing.",
        zh="缺少参数时没有抛出 ValueError：计算之前应检查该打分所需的参数。",
    ),
    shared.returns_float32(
        edit(SCALED, f"({SCALED}).float()"),
        edit((f"return {GENERAL}", f"return ({GENERAL}).float()"), (ADDITIVE, f"({ADDITIVE}).float()")),
        edit(ADDITIVE, f"({ADDITIVE}).float()"),
    ),
    shared.inputs_changed(
        edit(SCALED, "q.data.mul_(k.shape[-1] ** -0.5) @ k.transpose(-2, -1)"),
        edit(SCALED, "q.mul_(k.shape[-1] ** -0.5) @ k.transpose(-2, -1)"),
    ),
    mistake(
        "weights-detached",
        "gradient",
        edit(GENERAL, "q @ W.detach() @ k.transpose(-2, -1)"),
        edit(ADDITIVE, "torch.tanh(hidden) @ w.detach()"),
        en="No gradient reaches the weights of the score: they are learned, so do not detach or copy them.",
        zh="梯度没有到达打分的参数：它们是要学习的，不要 detach 或复制。",
    ),
)

exercise = Exercise(
    targets=("attention_scores",),
    outputs=("scores",),
    cases=cases,
    mistakes=mistakes,
    oracles=(attention_scores,),
)
