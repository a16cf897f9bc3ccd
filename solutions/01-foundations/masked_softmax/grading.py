"""How the masked softmax is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import rows_empty

from grader.authoring import Case, Exercise, Random, edit, mistake, rewrite


def cases(rand: Random) -> Iterator[Case]:
    everything = torch.ones(2, 5, 7, dtype=torch.bool)
    yield Case("nothing hidden", (rand.normal(2, 5, 7), everything), family="normalization", public=True)
    yield Case("a matrix of scores", (rand.normal(4, 6), rand.mask(4, 6)), family="masking", public=True)
    yield Case(
        "a mask of the same shape", (rand.normal(2, 3, 5, 6), rand.mask(2, 3, 5, 6)), family="masking", gradients=True, twice=True
    )
    yield Case("one row of mask for all", (rand.normal(3, 4, 6), rand.mask(6)), family="masking")
    yield Case("a mask with axes of size 1", (rand.normal(2, 3, 4, 5), rand.mask(2, 1, 1, 5)), family="masking")
    along = rand.mask(3, 5, 4).mT
    yield Case("along another axis", (rand.normal(3, 4, 5), along), {"dim": 1}, family="normalization", public=True)
    yield Case(
        "along the first axis, which the mask does not have",
        (rand.normal(3, 4, 6), rand.mask(4, 6)),
        {"dim": 0},
        family="masking",
    )
    yield Case(
        "a mask of size 1 along the softmax",
        (rand.normal(3, 4, 5), rand.mask(3, 1, 5)),
        {"dim": -2},
        family="masking",
    )
    yield Case("a row that is hidden altogether", (rand.normal(3, 4, 5), rows_empty(4, 5, [1])), family="masking", public=True)
    yield Case(
        "the gradient where a row is hidden altogether",
        (rand.normal(2, 4, 6), rows_empty(4, 6, [0, 2]) & rand.mask(4, 6)),
        family="gradient",
        gradients=True,
    )
    yield Case(
        "a column that is hidden altogether",
        (rand.normal(2, 5, 4), rows_empty(4, 5, [2]).mT),
        {"dim": -2},
        family="masking",
        gradients=True,
    )
    yield Case("everything hidden", (rand.normal(2, 3), torch.zeros(2, 3, dtype=torch.bool)), family="masking")
    # Looser than usual: a logarithm of the sum, near 10,000, is off by 5e-4 in float32.
    near = rand.normal(3, 4, 6) + torch.tensor([10_000.0, -10_000.0, 0.0]).view(3, 1, 1)
    yield Case("scores near ±10,000", (near, rand.mask(3, 4, 6)), tolerance=2e-3, gradients=True)
    counts = rand.mask(4, 7, keep=0.5)
    counts[:, 0] = False
    counts[:, 1] = True
    yield Case(
        "a hidden score far above those that count",
        (torch.where(counts, -10_000.0, 10_000.0) + rand.normal(4, 7), counts),
        tolerance=2e-3,
    )
    yield Case("float64", (rand.normal(3, 5), rand.mask(3, 5)), dtype="float64", family="dtype")
    yield Case("bfloat16", (rand.normal(3, 6), rand.mask(3, 6)), dtype="bfloat16", family="dtype")
    hidden = (rand.normal(4, 6), rows_empty(4, 6, [3]))
    yield Case("float16 with a row hidden altogether", hidden, dtype="float16", family="dtype")


def masked_softmax(scores, mask, dim=-1):
    """The oracle: slice by slice, over nothing but the entries that count."""
    moved, counts = scores.movedim(dim, -1), mask.expand(scores.shape).movedim(dim, -1)
    rows = []
    for row, which in zip(moved.flatten(0, -2), counts.flatten(0, -2), strict=True):
        weights = torch.zeros_like(row)
        weights[which] = torch.softmax(row[which], dim=0)
        rows.append(weights)
    return torch.stack(rows).view(moved.shape).movedim(-1, dim)


FILL = 'scores.masked_fill(~mask, float("-inf"))'
SOFTMAX = "torch.softmax(hidden, dim=dim)"
EMPTY = "weights.masked_fill(~mask.any(dim=dim, keepdim=True), 0.0)"
ADD = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"
EXPAND = "mask = mask.expand(scores.shape)"
KEPT = "(weights * mask)"
TOTAL = f"{KEPT}.sum(dim=dim, keepdim=True)"


def exponentials(scores, mask, dim=-1):
    weights = scores.exp() * mask
    total = weights.sum(dim=dim, keepdim=True)
    return weights / total.masked_fill(total == 0, 1.0)


def exponentials_filled(scores, mask, dim=-1):
    weights = scores.masked_fill(~mask, float("-inf")).exp()
    return weights / weights.sum(dim=dim, keepdim=True).clamp_min(1e-12)


def divided_by_zero(scores, mask, dim=-1):
    highest = scores.masked_fill(~mask, float("-inf")).amax(dim=dim, keepdim=True)
    weights = (scores - highest).exp() * mask
    total = weights.sum(dim=dim, keepdim=True)
    return torch.where(total > 0, weights / total, torch.zeros_like(weights))


def hidden_first_then_divided_by_zero(scores, mask, dim=-1):
    hidden = scores + torch.zeros_like(scores).masked_fill(~mask, float("-inf"))
    highest = hidden.amax(dim=dim, keepdim=True).clamp_min(torch.finfo(scores.dtype).min)
    weights = (hidden - highest).exp()
    total = weights.sum(dim=dim, keepdim=True)
    return torch.where(total > 0, weights / total, torch.zeros_like(weights))


def one_maximum(scores, mask, dim=-1):
    hidden = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = (hidden - hidden.max()).exp() * mask
    total = weights.sum(dim=dim, keepdim=True)
    return weights / total.masked_fill(total == 0, 1.0)


mistakes = (
    shared.mask_inverted(
        edit(EXPAND, "mask = ~mask.expand(scores.shape)"),
        edit(("~mask, float", "mask, float"), ("~mask.any", "mask.all")),
        edit("~mask, float", "mask, float"),
        edit(("~mask, float", "mask, float"), (EMPTY, "weights")),
        edit(("~mask, float", "mask, float"), (EMPTY, "weights.nan_to_num(0.0)")),
    ),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights")), edit(FILL, "scores")),
    shared.masked_after_softmax(
        edit((FILL, "scores"), (EMPTY, "weights * mask")),
        edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    ),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
        edit(('float("-inf")', "1e-9"), (EMPTY, "weights")),
    ),
    mistake(
        "empty-slices-nan",
        "masking",
        edit(EMPTY, "weights"),
        edit((FILL, ADD), (EMPTY, "weights")),
        edit((FILL, "scores"), (EMPTY, f"{KEPT} / {TOTAL}")),
        edit((SOFTMAX, "torch.log_softmax(hidden, dim=dim).exp()"), (EMPTY, "weights")),
        en="A slice that is hidden altogether comes out NaN (0/0, a softmax over nothing but −∞); it should be all zeros.",
        zh="整体被屏蔽的切片得到了 NaN（0/0，对全是 −∞ 的切片做 softmax）；它应当全为零。",
    ),
    mistake(
        "empty-slices-uniform",
        "masking",
        edit(('float("-inf")', "-1e9"), (EMPTY, "weights")),
        edit(('float("-inf")', "torch.finfo(scores.dtype).min"), (EMPTY, "weights")),
        edit((FILL, "scores + (~mask) * -1e9"), (EMPTY, "weights")),
        en="A slice that is hidden altogether comes out uniform: a large negative number in place of −∞ is the same for all "
        "of its entries, and the softmax does not see it. It should be all zeros.",
        zh="整体被屏蔽的切片变成了均匀分布：用很大的负数代替 −∞ 时，切片里所有元素都一样，softmax 看不出区别。它应当全为零。",
    ),
    mistake(
        "empty-along-another-axis",
        "masking",
        edit(("dim=dim, keepdim", "dim=-1, keepdim"), ('float("-inf")', "torch.finfo(scores.dtype).min")),
        edit("dim=dim, keepdim", "dim=-1, keepdim"),
        en="Slices that are hidden altogether are looked for along the last axis, whatever `dim` is: look along the axis of the softmax, "
        "mask.any(dim=dim, keepdim=True).",
        zh="无论 `dim` 是多少，你都沿最后一个维度寻找整体被屏蔽的切片：应当沿 softmax 的维度找，mask.any(dim=dim, keepdim=True)。",
    ),
    mistake(
        "mask-too-weak",
        "masking",
        edit('float("-inf")', "-1.0"),
        edit(('float("-inf")', "-1.0"), (EMPTY, "weights")),
        edit('float("-inf")', "-100.0"),
        edit('float("-inf")', "-1e4"),
        edit(('float("-inf")', "-1e4"), (EMPTY, "weights")),
        edit(FILL, "scores - 1e4 * ~mask"),
        edit((FILL, "scores - 1e4 * ~mask"), (EMPTY, "weights")),
        en="Hidden scores get a finite number that is too small to hide them: those entries still get weight. Use −∞.",
        zh="被屏蔽的打分只换成了不够小的有限数，这些元素仍有权重。请用 −∞。",
    ),
    mistake(
        "zero-over-zero",
        "gradient",
        rewrite(divided_by_zero),
        edit((FILL, "scores"), (EMPTY, f"({KEPT} / {TOTAL}).nan_to_num(0.0)")),
        en="Your denominator is zero where a slice is hidden altogether, and where a hidden score outweighs the others: 0/0 is "
        "NaN, and torch.where or nan_to_num mends the weights alone, the gradient stays NaN (0 · NaN is NaN). Hide before "
        "you take the exponential, and make the denominator safe before you divide: 1 where it is zero.",
        zh="整体被屏蔽的切片，以及被屏蔽的打分远高于其他打分时，你的分母为零：0/0 是 NaN，torch.where 或 nan_to_num "
        "只修补了权重，梯度仍是 NaN（0 · NaN 仍是 NaN）。请先屏蔽再取指数，并在相除之前让分母安全：为零时换成 1。",
    ),
    shared.nan_gradient(
        edit(FILL, ADD),
        edit((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)")),
        edit((FILL, ADD), (EMPTY, "torch.where(mask, weights, 0.0)")),
        rewrite(hidden_first_then_divided_by_zero),
    ),
    mistake(
        "dim-ignored",
        "normalization",
        edit("dim=dim", "dim=-1"),
        edit(SOFTMAX, "torch.softmax(hidden, dim=-1)"),
        edit((SOFTMAX, "torch.softmax(hidden, dim=-1)"), (EMPTY, "weights.nan_to_num(0.0)")),
        en="`dim` has no effect: your softmax always runs along the last axis.",
        zh="`dim` 没有起作用：你的 softmax 总是沿最后一个维度。",
    ),
    mistake(
        "dim-of-the-mask",
        "masking",
        edit(EXPAND, "pass"),
        en="`dim` is applied to the mask as it came, which may have fewer axes than the scores. Broadcast the mask to the shape "
        "of the scores first.",
        zh="`dim` 直接用在了原来的掩码上，而它的维数可能比打分少。请先把掩码广播到打分的形状。",
    ),
    mistake(
        "exp-overflow",
        "numerics",
        rewrite(exponentials),
        rewrite(exponentials_filled),
        rewrite(one_maximum),
        edit(SOFTMAX, "hidden.exp() / hidden.exp().sum(dim=dim, keepdim=True)"),
        edit(FILL, 'scores.clamp(-80.0, 80.0).masked_fill(~mask, float("-inf"))'),
        en="Large scores overflow (or underflow) in your exponential: subtract the largest score of each slice first, as torch.softmax "
        "does.",
        zh="打分很大时指数会上溢（或下溢）：请先减去每个切片的最大打分，torch.softmax 就是这样做的。",
    ),
    mistake(
        "hidden-score-counts",
        "numerics",
        edit((FILL, "scores"), (EMPTY, f"{KEPT} / {TOTAL}.clamp_min(1e-12)")),
        edit((FILL, "scores"), (EMPTY, f"{KEPT} / ({TOTAL} + 1e-9)")),
        en="A hidden score still takes part: it sets the maximum that is subtracted (or the softmax that you renormalise), and when it is far "
        "above the others, these underflow to 0. Hide first, then take the softmax.",
        zh="被屏蔽的打分仍在起作用：它决定了被减去的最大值（或你重新归一化的那个 softmax），当它远高于其他打分时，"
        "其他的全部下溢为 0。应当先屏蔽，再做 softmax。",
    ),
    mistake(
        "no-softmax",
        "normalization",
        edit((SOFTMAX, "scores * mask"), (EMPTY, "weights")),
        edit(SOFTMAX, "torch.sigmoid(hidden)"),
        edit(SOFTMAX, "torch.exp(hidden)"),
        edit(SOFTMAX, "torch.log_softmax(hidden, dim=dim)"),
        en="There is no softmax: the weights of a slice have to be exponentials divided by their sum.",
        zh="没有做 softmax：一个切片的权重应当是指数除以它们的和。",
    ),
    shared.returns_float32(
        edit(SOFTMAX, "torch.softmax(hidden, dim=dim, dtype=torch.float32)"),
        edit(SOFTMAX, "torch.softmax(hidden.float(), dim=dim)"),
    ),
    mistake(
        "inputs-changed",
        "state",
        edit(FILL, FILL.replace("masked_fill", "masked_fill_")),
        edit("hidden = scores", "scores -= scores.amax(dim=dim, keepdim=True)\n    hidden = scores"),
        edit(EXPAND, "mask.logical_not_()\n    mask = ~mask.expand(scores.shape)"),
        en="Your function changes its inputs in place (an operation like scores.masked_fill_() or scores[~mask] = …): the caller's "
        "tensors are altered. Make a new tensor.",
        zh="你的函数原地修改了输入（例如 scores.masked_fill_() 或 scores[~mask] = …）：调用者的张量被改变了。请生成新的张量。",
    ),
    mistake(
        "detached",
        "gradient",
        edit(SOFTMAX, f"{SOFTMAX}.detach()"),
        edit("hidden = scores", "hidden = scores.detach()"),
        en="The scores are detached on the way: no gradient comes back through the weights. Remove detach(), no_grad() or .data.",
        zh="打分在中途被 detach 了：梯度无法经由权重传回。请去掉 detach()、no_grad() 或 .data。",
    ),
)

exercise = Exercise(
    targets=("masked_softmax",), outputs=("weights",), cases=cases, mistakes=mistakes, oracles=(masked_softmax,)
)
