"""What the gradings of several exercises share: masks, hard inputs, and the sentences of common mistakes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from grader.authoring import Case, Edit, Elsewhere, Exercise, Mistake, Random, Text, Variant, mistake, sibling


def causal(L: int, S: int | None = None) -> Tensor:
    """(L, S), True where query i may see key j: ``j <= i + S - L``."""
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool).tril(S - L)


def rows_empty(L: int, S: int, rows: list[int]) -> Tensor:
    """(L, S), all True but for the given rows, which may see nothing."""
    mask = torch.ones(L, S, dtype=torch.bool)
    mask[rows] = False
    return mask


def huge_scores(rand: Random, *batch: int, L: int, S: int, d: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key, value whose dot products lie near ±10,000·√d and are exact in float32; ``d`` is a power of four.

    The exponential of such a score overflows. The best keys of a query differ by a few units after scaling, so that
    weights are neither uniform nor one-hot, and come out the same in whatever order one computes. The last query has
    scores of a few units only: the largest score of all is not the one to subtract from its own.
    """
    root = int(d**0.5)
    query, key = torch.zeros(*batch, L, d), torch.zeros(*batch, S, d)
    query[..., :-1, 0] = 128.0 * root
    query[..., 1] = rand.integers(1, 3, *batch, L).float() * root
    key[..., 0] = torch.where(rand.uniform(*batch, S) < 0.7, 80.0, -80.0)
    key[..., 0, 0] = 80.0
    key[..., 1] = rand.integers(-1, 2, *batch, S).float() / 2
    return query, key, rand.normal(*batch, S, d_v)


def scores_far_below(rand: Random, *batch: int, L: int, S: int, d: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
    """As `huge_scores`, but that every score is near −10,000·√d: what is hidden must be lower than that."""
    query, key, value = huge_scores(rand, *batch, L=L, S=S, d=d, d_v=d_v)
    query[..., 0] = 128.0 * int(d**0.5)
    key[..., 0] = -80.0
    return query, key, value


def built(module):  # type: ignore[no-untyped-def]
    """For cases in which building the module has to raise: nothing is called."""


def layers_named(*init: Any, **init_kwargs: Any) -> Case:
    """A module's ``state_dict`` has the names and shapes of the reference's: put it first, as nothing else can load."""
    built = ", ".join([*map(str, init), *(f"{name}={value}" for name, value in init_kwargs.items())])
    return Case(
        f"layers by the names asked for, built with ({built})",
        init=init,
        init_kwargs=init_kwargs,
        load_state=False,
        drive=state_shapes,
        judge=state_differs,
        family="state",
    )


def modes(module, *inputs):  # type: ignore[no-untyped-def]
    """One module taken from mode to mode: does the mode decide alone whether something is dropped?"""
    import torch

    def drops(training):  # type: ignore[no-untyped-def]
        module.train(training)
        first, second = (module(*(x.clone() for x in inputs)) for _ in range(2))
        return not torch.equal(first, second)

    turns = (False, True, False, True, False, True)
    follows = [drops(training) == training for training in turns]
    with torch.no_grad():
        return {
            "dropping follows the mode, whatever it was before": all(follows),
            "and so it does under no_grad": drops(True),
        }


def state_shapes(module):  # type: ignore[no-untyped-def]
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def state_differs(value: Any, expected: Any) -> Text | None:
    """What is missing from a state_dict, what is too much, and what has another shape."""
    missing = ", ".join(name for name in expected if name not in value)
    extra = ", ".join(sorted(name for name in value if name not in expected))
    other = ", ".join(name for name in expected if name in value and list(value[name]) != list(expected[name]))
    wrong = [
        (missing, "lacks", "缺少"),
        (extra, "has, in excess,", "多出了"),
        (other, "has another shape for", "形状不对："),
    ]
    if not any(names for names, _, _ in wrong):
        return None
    en = "; ".join(f"{verb} {names}" for names, verb, _ in wrong if names)
    zh = "；".join(f"{verb} {names}" for names, _, verb in wrong if names)
    return Text(f"The module's state_dict {en}.", f"模块的 state_dict {zh}。")


def another_scale(value: Any, expected: Tensor) -> Text | None:
    """Judges weights (..., 4), and finds one thing alone: scores that are multiplied by another number than 1/√d.

    Whatever else is wrong, or not a tensor at all, passes: it shows in the plain cases, which explain it better.
    """
    if not isinstance(value, Tensor) or value.shape != expected.shape or not bool((value > 0).all()):
        return None
    mine, right = (weights.double().unflatten(-1, (-1, 4)).log() for weights in (value, expected))
    mine, right = (logs - logs.mean(dim=-1, keepdim=True) for logs in (mine, right))
    factor = float((mine * right).sum() / (right * right).sum())
    if abs(factor - 1) < 1e-2 or float((mine - factor * right).abs().max()) > 1e-2 * float(mine.abs().max()):
        return None
    return Text(
        "The scores are multiplied by a number other than 1/√d, d being the size of the vectors that are dotted.",
        "打分所乘的数不是 1/√d，其中 d 是做点积的向量的维度。",
    )


def no_scale(*variants: Variant) -> Mistake:
    """Scores that are not scaled at all."""
    return mistake(
        "no-scale",
        "scaling",
        *variants,
        en="Your weights match attention without the 1/√d scale: divide the scores by √d before the softmax.",
        zh="你的权重与没有 1/√d 缩放的注意力一致：在 softmax 之前把打分除以 √d。",
    )


def scale_by_d(*variants: Variant) -> Mistake:
    """Scores divided by d."""
    return mistake(
        "scale-by-d",
        "scaling",
        *variants,
        en="Your scores are divided by d; the scale is 1/√d, the square root is missing.",
        zh="打分除以了 d；缩放应为 1/√d，少了开方。",
    )


def softmax_over_queries(*variants: Variant) -> Mistake:
    """Softmax along the wrong axis of the scores."""
    return mistake(
        "softmax-over-queries",
        "normalization",
        *variants,
        en="Your softmax runs over the queries: every column sums to 1. It runs over the keys (the last axis), so that "
        "every query's weights sum to 1.",
        zh="softmax 沿查询方向做了：每一列之和为 1。应当沿键（最后一个维度）做，使每个查询的权重之和为 1。",
    )


def softmax_without_axis(*variants: Variant) -> Mistake:
    """``softmax(scores)``, where scores may have any number of axes."""
    return mistake(
        "softmax-without-axis",
        "normalization",
        *variants,
        en="Your softmax is given no axis: PyTorch then takes axis 0 where the scores have 1 or 3 axes, and axis 1 "
        "otherwise, which are the keys only by chance. Say dim=-1, the last axis.",
        zh="softmax 没有指定维度：打分有 1 或 3 个维度时 PyTorch 取第 0 维，否则取第 1 维，只有碰巧时才是键的维度。"
        "请写明 dim=-1，即最后一个维度。",
    )


def softmax_over_first_axis(*variants: Variant) -> Mistake:
    """dim=0, where scores may have any number of axes."""
    return mistake(
        "softmax-over-first-axis",
        "normalization",
        *variants,
        en="Your softmax runs over axis 0: with two axes these are the queries, with more the batch. It runs over the "
        "keys, the last axis however many there are: dim=-1.",
        zh="softmax 沿第 0 维做了：打分有两个维度时那是查询，更多时那是批。应当沿键做，无论有多少维，键都是最后一个：dim=-1。",
    )


def softmax_over_second_axis(*variants: Variant) -> Mistake:
    """dim=1, where scores may have any number of axes."""
    return mistake(
        "softmax-over-second-axis",
        "normalization",
        *variants,
        en="Your softmax runs over axis 1: with two axes these are the keys, with three the queries, with more a leading "
        "axis such as the heads. It runs over the keys, the last axis however many there are: dim=-1.",
        zh="softmax 沿第 1 维做了：打分有两个维度时那是键，三个时是查询，更多时是头等前面的维度。"
        "应当沿键做，无论有多少维，键都是最后一个：dim=-1。",
    )


def softmax_by_fixed_axis(old: str, scores: str, patched: str = "") -> tuple[Mistake, ...]:
    """A softmax along an axis counted from the front, or along none, in place of ``old``, the softmax of ``scores``."""

    def along(axis: str) -> Edit:
        return Edit(old, f"torch.softmax({scores}, dim={axis}){patched}")

    return (
        softmax_without_axis(along(f"0 if {scores}.dim() in (0, 1, 3) else 1")),
        softmax_over_first_axis(along("0")),
        softmax_over_second_axis(along("1")),
    )


def mask_inverted(*variants: Variant) -> Mistake:
    """True taken to mean "may not attend"."""
    return mistake(
        "mask-inverted",
        "masking",
        *variants,
        en="Your mask works the wrong way round: True means that a query may attend to a key, and you hide those.",
        zh="掩码用反了：True 表示查询可以关注该键，而你把这些位置屏蔽了。",
    )


def mask_ignored(*variants: Variant) -> Mistake:
    """The mask has no effect."""
    return mistake(
        "mask-ignored",
        "masking",
        *variants,
        en="Your mask has no effect: the result is that of attention without a mask.",
        zh="掩码没有起作用：结果与不加掩码的注意力相同。",
    )


def empty_rows_nan(*variants: Variant) -> Mistake:
    """A softmax over nothing but −∞."""
    return mistake(
        "empty-rows-nan",
        "masking",
        *variants,
        en="A query that may attend to nothing gets NaN (a softmax over nothing but −∞); its weights should be zeros.",
        zh="不能关注任何键的查询得到了 NaN（对全是 −∞ 的一行做 softmax）；它的权重应当为零。",
    )


def nan_gradient(*variants: Variant) -> Mistake:
    """0/0 that is patched in the forward pass: by −∞ added to whole rows, or in a softmax by hand."""
    return mistake(
        "nan-gradient",
        "gradient",
        *variants,
        en="The values are right, but the gradient is NaN where everything is hidden: the softmax is 0/0 there, and its NaN "
        "is patched in the forward pass only (0 · NaN is NaN). Before torch.softmax, hide with masked_fill, which stops the "
        "gradient too; in a softmax of your own, make a denominator of zero safe (1) before you divide.",
        zh="结果是对的，但全部被屏蔽之处梯度是 NaN：那里的 softmax 是 0/0，产生的 NaN 只在前向传播中被修补（0 · NaN 仍是 NaN）。"
        "若用 torch.softmax，请先用 masked_fill 屏蔽（它也会截断梯度）；若自己写 softmax，请在相除之前把为零的分母换成安全的值（1）。",
    )


def empty_rows_uniform(*variants: Variant) -> Mistake:
    """A large finite fill value: a fully masked row becomes uniform."""
    return mistake(
        "empty-rows-uniform",
        "masking",
        *variants,
        en="A query that may attend to nothing attends to everything equally: a large negative number in place of −∞ "
        "makes a fully masked row uniform. Its weights should be zeros.",
        zh="不能关注任何键的查询反而均匀地关注了所有键：用很大的负数代替 −∞，整行被屏蔽时会变成均匀分布。它的权重应当为零。",
    )


def masked_after_softmax(*variants: Variant) -> Mistake:
    """Weights set to zero after the softmax, without renormalising."""
    return mistake(
        "mask-after-softmax",
        "masking",
        *variants,
        en="You mask after the softmax without renormalising: the weights that remain no longer sum to 1. "
        "Mask the scores, before the softmax.",
        zh="你在 softmax 之后才屏蔽且没有重新归一化：剩下的权重之和不再为 1。应当在 softmax 之前屏蔽打分。",
    )


def masked_scores_zero(*variants: Variant) -> Mistake:
    """Masked scores set to 0: e⁰ = 1 still gets weight."""
    return mistake(
        "masked-scores-zero",
        "masking",
        *variants,
        en="You set masked scores to 0, but e⁰ = 1: those keys still get weight. They must be −∞ before the softmax.",
        zh="你把被屏蔽的打分置为 0，但 e⁰ = 1：这些键仍有权重。softmax 之前应当为 −∞。",
    )


def scale_by_model(*variants: Variant) -> Mistake:
    """√embed_dim in place of √head_dim."""
    return mistake(
        "scale-by-model-size",
        "scaling",
        *variants,
        en="Your weights match attention scaled by 1/√embed_dim; the scale is per head, 1/√head_dim.",
        zh="你的权重与按 1/√embed_dim 缩放的注意力一致；缩放是按头的，应为 1/√head_dim。",
    )


def heads_not_split(*variants: Variant) -> Mistake:
    """`view` straight to (B, H, L, head_dim)."""
    return mistake(
        "heads-not-split",
        "shape",
        *variants,
        en="You split the heads by view(B, H, L, head_dim) alone: that cuts the tokens apart instead of the features. "
        "First view(B, L, H, head_dim), then transpose(1, 2).",
        zh="你只用 view(B, H, L, head_dim) 来分头：这样切开的是词元而不是特征。应当先 view(B, L, H, head_dim)，再 transpose(1, 2)。",
    )


def heads_not_merged(*variants: Variant) -> Mistake:
    """The transpose back is missing when heads are put together."""
    return mistake(
        "heads-not-merged",
        "shape",
        *variants,
        en="You merge the heads without transposing back: the rows of different tokens are mixed. "
        "First transpose(1, 2), then reshape(B, L, E).",
        zh="合并各头之前没有转置回来：不同词元的内容混在了一起。应当先 transpose(1, 2)，再 reshape(B, L, E)。",
    )


def attention_over_heads(*variants: Variant) -> Mistake:
    """(B, L, H, d) times its own transpose."""
    return mistake(
        "attention-over-heads",
        "shape",
        *variants,
        en="The heads of one token attend to each other, not the tokens: in (B, L, H, head_dim) the last two axes are "
        "heads and features. Transpose to (B, H, L, head_dim) before the scores.",
        zh="同一个词元的各个头在互相关注，而不是词元之间：(B, L, H, head_dim) 的最后两维是头和特征。计算打分之前先转置为 (B, H, L, head_dim)。",
    )


def one_head(*variants: Variant) -> Mistake:
    """The features are never split."""
    return mistake(
        "one-head",
        "shape",
        *variants,
        en="There is one head of full width whatever num_heads is: the features are never split.",
        zh="无论 num_heads 是多少，都只有一个全宽的头：特征没有被切分。",
    )


def out_proj_unused(*variants: Variant) -> Mistake:
    """The merged heads are returned as they are."""
    return mistake(
        "out-proj-unused",
        "state",
        *variants,
        en="The heads are put together but out_proj is never applied: return out_proj of the merged heads.",
        zh="各头拼接之后没有经过 out_proj：应当返回合并结果的 out_proj。",
    )


def no_out_proj(*variants: Variant) -> Mistake:
    """The last layer is not there."""
    return mistake(
        "no-out-proj",
        "state",
        *variants,
        en="There is no out_proj: the heads are put together and then mixed by a fourth nn.Linear(embed_dim, embed_dim).",
        zh="缺少 out_proj：各头拼接之后，还要由第四个 nn.Linear(embed_dim, embed_dim) 混合。",
    )


def one_projection(*variants: Variant) -> Mistake:
    """One layer where there should be several."""
    return mistake(
        "one-projection",
        "state",
        *variants,
        en="One projection does the work of several: queries, keys and values each have a matrix of their own.",
        zh="多处共用了同一个投影：查询、键、值应当各有自己的矩阵。",
    )


def query_key_swapped(*variants: Variant) -> Mistake:
    """Each of two layers does the other's work."""
    return mistake(
        "query-key-swapped",
        "numerics",
        *variants,
        en="q_proj and k_proj are swapped: q_proj belongs to the query, k_proj to the key.",
        zh="q_proj 与 k_proj 用反了：q_proj 用于 query，k_proj 用于 key。",
    )


def softmax_over_heads(*variants: Variant) -> Mistake:
    """Softmax along axis 1 of (B, H, L, S)."""
    return mistake(
        "softmax-over-heads",
        "normalization",
        *variants,
        en="Your softmax runs over the heads: axis 1, which PyTorch also takes of four axes when no axis is given. It runs "
        "over the keys, the last axis of (B, H, L, S): say dim=-1.",
        zh="softmax 沿头的维度做了：第 1 维；打分有四维而不指定维度时，PyTorch 取的也是它。"
        "应当沿键，即 (B, H, L, S) 的最后一个维度做：请写明 dim=-1。",
    )


def softmax_over_batch(*variants: Variant) -> Mistake:
    """Softmax along axis 0."""
    return mistake(
        "softmax-over-batch",
        "normalization",
        *variants,
        en="Your softmax runs over axis 0, the batch (with the heads, where they are folded into it): of three axes PyTorch "
        "also takes that one when no axis is given. It runs over the keys, the last axis: say dim=-1.",
        zh="softmax 沿第 0 维做了，那是批（若把头并入了批，也包括头）；打分有三维而不指定维度时，PyTorch 取的也是它。"
        "应当沿键，即最后一个维度做：请写明 dim=-1。",
    )


def no_softmax(*variants: Variant) -> Mistake:
    """The scores serve as weights."""
    return mistake(
        "no-softmax",
        "normalization",
        *variants,
        en="There is no softmax: the values are weighted with the scores themselves.",
        zh="没有做 softmax：直接用打分对值加权了。",
    )


def softmax_overflow(*variants: Variant) -> Mistake:
    """A softmax by hand without the maximum taken off."""
    return mistake(
        "softmax-overflow",
        "numerics",
        *variants,
        en="The exponential of a large score overflows to infinity: subtract each row's maximum first, or use softmax.",
        zh="较大的打分取指数会溢出为无穷大：先减去每行的最大值，或者使用 softmax。",
    )


def pair_not_unpacked(*variants: Variant) -> Mistake:
    """What nn.MultiheadAttention returns is used as if it were one tensor."""
    return mistake(
        "pair-not-unpacked",
        "interface",
        *variants,
        en="nn.MultiheadAttention returns a pair (output, weights), and you use it as if it were one tensor: take the "
        "first, as in output, _ = self.attention(…) or self.attention(…)[0].",
        zh="nn.MultiheadAttention 返回的是一对 (output, weights)，而你把它当成了一个张量：请取第一个，"
        "例如 output, _ = self.attention(…) 或 self.attention(…)[0]。",
    )


def mode_kept(*variants: Variant) -> Mistake:
    """What one mode sets is still there in the next."""
    return mistake(
        "mode-kept",
        "state",
        *variants,
        en="Dropout keeps the mode of an earlier call: one object goes from train() to eval() and back, and in training "
        "it must drop again (and in evaluation stop again), whatever mode it was in before. Ask self.training in every "
        "call, and do not store what follows from it (as in self.p = 0).",
        zh="dropout 记住了之前调用时的模式：同一个对象会在 train() 和 eval() 之间来回切换，无论之前处于哪种模式，"
        "训练时都必须重新丢弃（评估时必须停止）。请在每次调用时查看 self.training，不要把由它得出的结果存起来（例如 self.p = 0）。",
    )


def mode_from_gradients(*variants: Variant) -> Mistake:
    """no_grad taken for evaluation mode."""
    return mistake(
        "mode-from-gradients",
        "state",
        *variants,
        en="Dropout asks whether gradients are recorded (is_grad_enabled, requires_grad): the mode, train() or eval(), "
        "decides alone. Ask self.training; under no_grad a module in training mode still drops.",
        zh="dropout 取决于是否记录梯度（is_grad_enabled、requires_grad）：应当只由 train() 或 eval() 的模式决定。"
        "请查看 self.training；处于训练模式的模块在 no_grad 下仍要丢弃。",
    )


def heads_not_checked(*variants: Variant) -> Mistake:
    """No ValueError where heads do not divide the features."""
    return mistake(
        "no-value-error",
        "interface",
        *variants,
        en="embed_dim must be divisible by num_heads: raise ValueError in __init__ (not an assertion) when it is not.",
        zh="embed_dim 必须能被 num_heads 整除：否则应在 __init__ 中抛出 ValueError（而不是 assert）。",
    )


def detached(*variants: Variant) -> Mistake:
    """The graph is cut at the weights."""
    return mistake(
        "detached-weights",
        "gradient",
        *variants,
        en="The weights are detached: no gradient flows through them to the queries and keys, so nothing would learn "
        "where to look. Remove detach() or no_grad().",
        zh="权重被 detach 了：梯度无法经由权重流向查询和键，模型学不到该看哪里。请去掉 detach() 或 no_grad()。",
    )


def inputs_changed(*variants: Variant) -> Mistake:
    """An in-place operation on an argument."""
    return mistake(
        "inputs-changed",
        "state",
        *variants,
        en="Your function changes its inputs in place (an operation like q.mul_() or q /= …): the caller's tensors are "
        "altered. Make a new tensor.",
        zh="你的函数原地修改了输入（例如 q.mul_() 或 q /= …）：调用者的张量被改变了。请生成新的张量。",
    )


def returns_float32(*variants: Variant) -> Mistake:
    """The result is left in float32 whatever the inputs were."""
    return mistake(
        "returns-float32",
        "dtype",
        *variants,
        en="The result is float32 whatever the inputs are: computing in float32 is fine, but cast back to the inputs' "
        "dtype before returning.",
        zh="无论输入是什么类型，结果都是 float32：用 float32 计算没问题，但返回前要转回输入的 dtype。",
    )


def library_called(*variants: Variant) -> Mistake:
    """PyTorch's ready-made attention."""
    return mistake(
        "library-called",
        "rules",
        *variants,
        en="PyTorch's ready-made attention is called: this exercise asks you to write it yourself.",
        zh="调用了 PyTorch 现成的注意力：本题要求自己实现。",
    )


BUGS = (
    "sigmoid-weights",
    "wrong-scale",
    "heads-not-split",
    "shared-projection",
    "dropout-in-eval",
    "zeros-not-minus-inf",
)


def debugging(mends: str, bug: str) -> Exercise:
    """The grading of a debugging exercise: that of the exercise it mends, and the name of the bug.

    ``mends`` is ``<assignment>/<exercise>``.
    """
    mended, reference = sibling(mends)

    def cases(rand: Random) -> Iterator[Case]:
        yield from mended.cases(rand)
        yield Case("the bug is named", target="bug", drive=itself, judge=names_the_bug, family="interface")

    misnamed = mistake(
        "bug-misnamed",
        "interface",
        Edit(f'bug = "{bug}"', f'bug = "{BUGS[BUGS.index(bug) - 1]}"'),
        Edit(f'bug = "{bug}"', 'bug = ""'),
        en="The code may be mended, but `bug` does not name what was wrong with it: choose the slug from the list.",
        zh="代码也许修好了，但 `bug` 没有说对问题所在：请从列表中选择正确的标识。",
    )
    moved = tuple(
        dataclasses.replace(known, variants=tuple(Elsewhere(variant, reference) for variant in known.variants))
        for known in mended.mistakes
    )
    return dataclasses.replace(mended, targets=(*mended.targets, "bug"), cases=cases, mistakes=(*moved, misnamed))


def names_the_bug(value: Any, expected: Any) -> Text | None:
    """The message does not give the answer away."""
    if value == expected:
        return None
    return Text(
        "`bug` does not name what was wrong with the code: choose the slug from the list.",
        "`bug` 没有说对代码的问题所在：请从列表中选择正确的标识。",
    )


def itself(value):  # type: ignore[no-untyped-def]
    return value
