"""How the masked softmax is graded."""

from collections.abc import Iterator

import torch
from shared import rows_empty

from grader.authoring import Case, Exercise, Inputs, call, known, replace, rewrite


def cases(rand: Inputs) -> Iterator[Case]:
    everything = torch.ones(2, 5, 7, dtype=torch.bool)
    yield Case("nothing hidden", call(rand.normal(2, 5, 7), everything), family="normalization", public=True)
    yield Case("a matrix of scores", call(rand.normal(4, 6), rand.mask(4, 6)), family="masking", public=True)
    yield Case(
        "a mask of the same shape",
        call(rand.normal(2, 3, 5, 6), rand.mask(2, 3, 5, 6)),
        family="masking",
        gradients=True,
        twice=True,
    )
    yield Case("one row of mask for all", call(rand.normal(3, 4, 6), rand.mask(6)), family="masking")
    yield Case("a mask with axes of size 1", call(rand.normal(2, 3, 4, 5), rand.mask(2, 1, 1, 5)), family="masking")
    along = rand.mask(3, 5, 4).mT
    yield Case("along another axis", call(rand.normal(3, 4, 5), along, dim=1), family="normalization", public=True)
    yield Case(
        "along the first axis, which the mask does not have",
        call(rand.normal(3, 4, 6), rand.mask(4, 6), dim=0),
        family="masking",
    )
    yield Case(
        "a mask of size 1 along the softmax", call(rand.normal(3, 4, 5), rand.mask(3, 1, 5), dim=-2), family="masking"
    )
    yield Case(
        "a row that is hidden altogether",
        call(rand.normal(3, 4, 5), rows_empty(4, 5, [1])),
        family="masking",
        public=True,
    )
    yield Case(
        "the gradient where a row is hidden altogether",
        call(rand.normal(2, 4, 6), rows_empty(4, 6, [0, 2]) & rand.mask(4, 6)),
        family="gradient",
        gradients=True,
    )
    yield Case(
        "a column that is hidden altogether",
        call(rand.normal(2, 5, 4), rows_empty(4, 5, [2]).mT, dim=-2),
        family="masking",
        gradients=True,
    )
    yield Case("everything hidden", call(rand.normal(2, 3), torch.zeros(2, 3, dtype=torch.bool)), family="masking")
    # Looser than usual: a logarithm of the sum, near 10,000, is off by 5e-4 in float32.
    near = rand.normal(3, 4, 6) + torch.tensor([10_000.0, -10_000.0, 0.0]).view(3, 1, 1)
    yield Case("scores near ±10,000", call(near, rand.mask(3, 4, 6)), tolerance=2e-3, gradients=True)
    counts = rand.mask(4, 7, keep=0.5)
    counts[:, 0] = False
    counts[:, 1] = True
    yield Case(
        "a hidden score far above those that count",
        call(torch.where(counts, -10_000.0, 10_000.0) + rand.normal(4, 7), counts),
        tolerance=2e-3,
    )
    yield Case("float64", call(rand.normal(3, 5), rand.mask(3, 5)), family="dtype", dtype="float64")
    yield Case("bfloat16", call(rand.normal(3, 6), rand.mask(3, 6)), family="dtype", dtype="bfloat16")
    hidden = (rand.normal(4, 6), rows_empty(4, 6, [3]))
    yield Case("float16 with a row hidden altogether", call(*hidden), family="dtype", dtype="float16")


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


mistakes = known(
    mask_inverted=[
        replace(EXPAND, "mask = ~mask.expand(scores.shape)"),
        replace(("~mask, float", "mask, float"), ("~mask.any", "mask.all")),
        replace("~mask, float", "mask, float"),
        replace(("~mask, float", "mask, float"), (EMPTY, "weights")),
        replace(("~mask, float", "mask, float"), (EMPTY, "weights.nan_to_num(0.0)")),
    ],
    mask_ignored=[replace((FILL, "scores"), (EMPTY, "weights")), replace(FILL, "scores")],
    mask_after_softmax=[
        replace((FILL, "scores"), (EMPTY, "weights * mask")),
        replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    ],
    masked_scores_zero=[
        replace('float("-inf")', "0.0"),
        replace(('float("-inf")', "0.0"), (EMPTY, "weights")),
        replace(('float("-inf")', "1e-9"), (EMPTY, "weights")),
    ],
    empty_slices_nan=[
        replace(EMPTY, "weights"),
        replace((FILL, ADD), (EMPTY, "weights")),
        replace((FILL, "scores"), (EMPTY, f"{KEPT} / {TOTAL}")),
        replace((SOFTMAX, "torch.log_softmax(hidden, dim=dim).exp()"), (EMPTY, "weights")),
    ],
    empty_slices_uniform=[
        replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
        replace(('float("-inf")', "torch.finfo(scores.dtype).min"), (EMPTY, "weights")),
        replace((FILL, "scores + (~mask) * -1e9"), (EMPTY, "weights")),
    ],
    empty_along_another_axis=[
        replace(("dim=dim, keepdim", "dim=-1, keepdim"), ('float("-inf")', "torch.finfo(scores.dtype).min")),
        replace("dim=dim, keepdim", "dim=-1, keepdim"),
    ],
    mask_too_weak=[
        replace('float("-inf")', "-1.0"),
        replace(('float("-inf")', "-1.0"), (EMPTY, "weights")),
        replace('float("-inf")', "-100.0"),
        replace('float("-inf")', "-1e4"),
        replace(('float("-inf")', "-1e4"), (EMPTY, "weights")),
        replace(FILL, "scores - 1e4 * ~mask"),
        replace((FILL, "scores - 1e4 * ~mask"), (EMPTY, "weights")),
    ],
    zero_over_zero=[
        rewrite(divided_by_zero),
        replace((FILL, "scores"), (EMPTY, f"({KEPT} / {TOTAL}).nan_to_num(0.0)")),
    ],
    nan_gradient=[
        replace(FILL, ADD),
        replace((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)")),
        replace((FILL, ADD), (EMPTY, "torch.where(mask, weights, 0.0)")),
        rewrite(hidden_first_then_divided_by_zero),
    ],
    dim_ignored=[
        replace("dim=dim", "dim=-1"),
        replace(SOFTMAX, "torch.softmax(hidden, dim=-1)"),
        replace((SOFTMAX, "torch.softmax(hidden, dim=-1)"), (EMPTY, "weights.nan_to_num(0.0)")),
    ],
    dim_of_the_mask=replace(EXPAND, "pass"),
    exp_overflow=[
        rewrite(exponentials),
        rewrite(exponentials_filled),
        rewrite(one_maximum),
        replace(SOFTMAX, "hidden.exp() / hidden.exp().sum(dim=dim, keepdim=True)"),
        replace(FILL, 'scores.clamp(-80.0, 80.0).masked_fill(~mask, float("-inf"))'),
    ],
    hidden_score_counts=[
        replace((FILL, "scores"), (EMPTY, f"{KEPT} / {TOTAL}.clamp_min(1e-12)")),
        replace((FILL, "scores"), (EMPTY, f"{KEPT} / ({TOTAL} + 1e-9)")),
    ],
    no_softmax=[
        replace((SOFTMAX, "scores * mask"), (EMPTY, "weights")),
        replace(SOFTMAX, "torch.sigmoid(hidden)"),
        replace(SOFTMAX, "torch.exp(hidden)"),
        replace(SOFTMAX, "torch.log_softmax(hidden, dim=dim)"),
    ],
    returns_float32=[
        replace(SOFTMAX, "torch.softmax(hidden, dim=dim, dtype=torch.float32)"),
        replace(SOFTMAX, "torch.softmax(hidden.float(), dim=dim)"),
    ],
    inputs_changed=[
        replace(FILL, FILL.replace("masked_fill", "masked_fill_")),
        replace("hidden = scores", "scores -= scores.amax(dim=dim, keepdim=True)\n    hidden = scores"),
        replace(EXPAND, "mask.logical_not_()\n    mask = ~mask.expand(scores.shape)"),
    ],
    detached=[replace(SOFTMAX, f"{SOFTMAX}.detach()"), replace("hidden = scores", "hidden = scores.detach()")],
)

exercise = Exercise(
    targets=("masked_softmax",), outputs=("weights",), cases=cases, mistakes=mistakes, oracles=(masked_softmax,)
)
