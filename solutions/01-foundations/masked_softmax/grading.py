"""How the masked softmax is graded."""

from collections.abc import Iterator
from functools import partial

import torch
from shared import rows_empty

from grader.authoring import Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    normal, mask = rand.normal, rand.mask
    masked = partial(Case, family="masking")
    everything = torch.ones(2, 5, 7, dtype=torch.bool)
    yield masked("nothing hidden", call(normal(2, 5, 7), everything), family="normalization", public=True)
    yield masked("a matrix of scores", call(normal(4, 6), mask(4, 6)), public=True)
    yield masked("a mask of the same shape", call(normal(2, 3, 5, 6), mask(2, 3, 5, 6)), gradients=True, twice=True)
    yield masked("one row of mask for all", call(normal(3, 4, 6), mask(6)))
    yield masked("a mask with axes of size 1", call(normal(2, 3, 4, 5), mask(2, 1, 1, 5)))
    columns = mask(3, 5, 4).mT
    yield masked("along another axis", call(normal(3, 4, 5), columns, dim=1), family="normalization", public=True)
    yield masked("along the first axis, which the mask does not have", call(normal(3, 4, 6), mask(4, 6), dim=0))
    yield masked("a mask of size 1 along the softmax", call(normal(3, 4, 5), mask(3, 1, 5), dim=-2))
    yield masked("a row that is hidden altogether", call(normal(3, 4, 5), rows_empty(4, 5, [1])), public=True)
    blind = normal(2, 4, 6), rows_empty(4, 6, [0, 2]) & mask(4, 6)
    yield masked("the gradient where a row is hidden altogether", call(*blind), family="gradient", gradients=True)
    column = normal(2, 5, 4), rows_empty(4, 5, [2]).mT
    yield masked("a column that is hidden altogether", call(*column, dim=-2), gradients=True)
    yield masked("everything hidden", call(normal(2, 3), torch.zeros(2, 3, dtype=torch.bool)))
    # Looser than usual: a logarithm of the sum, near 10,000, is off by 5e-4 in float32.
    near = normal(3, 4, 6) + torch.tensor([10_000.0, -10_000.0, 0.0]).view(3, 1, 1)
    yield Case("scores near ±10,000", call(near, mask(3, 4, 6)), tolerance=2e-3, gradients=True)
    counts = mask(4, 7, keep=0.5)
    counts[:, 0], counts[:, 1] = False, True
    far = torch.where(counts, -10_000.0, 10_000.0) + normal(4, 7)
    yield Case("a hidden score far above those that count", call(far, counts), tolerance=2e-3)
    yield from standard(lambda: call(normal(3, 6), mask(3, 6)), dtypes=("float64", "bfloat16"), strides=False)
    hidden = call(normal(4, 6), rows_empty(4, 6, [3]))
    yield Case("float16 with a row hidden altogether", hidden, family="dtype", dtype="float16")


def masked_softmax(scores, mask, dim=-1):
    """The oracle: slice by slice, over nothing but the entries that count."""
    moved, counts = scores.movedim(dim, -1), mask.expand(scores.shape).movedim(dim, -1)
    rows = []
    for row, which in zip(moved.flatten(0, -2), counts.flatten(0, -2), strict=True):
        weights = torch.zeros_like(row)
        weights[which] = torch.softmax(row[which], dim=0)
        rows.append(weights)
    return torch.stack(rows).view(moved.shape).movedim(-1, dim)


EXPAND = "mask = mask.expand(scores.shape)"
MINUS_INF = 'float("-inf")'
FILL = f"scores.masked_fill(~mask, {MINUS_INF})"
SOFTMAX = "torch.softmax(hidden, dim=dim)"
EMPTY = "weights.masked_fill(~mask.any(dim=dim, keepdim=True), 0.0)"

INVERTED = ("~mask, float", "mask, float")
UNMASKED = (FILL, "scores")
ADDED = (FILL, "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))")
SUBTRACTED = (FILL, "scores - 1e4 * ~mask")
LOWEST = "torch.finfo(scores.dtype).min"

UNPATCHED = (EMPTY, "weights")
NAN_PATCHED = (EMPTY, "weights.nan_to_num(0.0)")
TOTAL = "weights.sum(dim=dim, keepdim=True)"
DIVIDED = (EMPTY, f"weights / {TOTAL}.masked_fill({TOTAL} == 0, 1.0)")
ZERO_OVER_ZERO = (EMPTY, f"torch.where({TOTAL} > 0, weights / {TOTAL}, 0.0)")
HIGHEST = "hidden.amax(dim=dim, keepdim=True)"
KEPT = "(weights * mask)"
TOTAL_KEPT = f"{KEPT}.sum(dim=dim, keepdim=True)"

mistakes = known(
    mask_inverted=[
        replace(EXPAND, "mask = ~mask.expand(scores.shape)"),
        replace(INVERTED, ("~mask.any", "mask.all")),
        replace(INVERTED),
        replace(INVERTED, UNPATCHED),
        replace(INVERTED, NAN_PATCHED),
    ],
    mask_ignored=[replace(UNMASKED, UNPATCHED), replace(UNMASKED)],
    mask_after_softmax=[
        replace(UNMASKED, (EMPTY, zeroed)) for zeroed in ("weights * mask", "weights.masked_fill(~mask, 0.0)")
    ],
    masked_scores_zero=[
        replace(MINUS_INF, "0.0"),
        replace((MINUS_INF, "0.0"), UNPATCHED),
        replace((MINUS_INF, "1e-9"), UNPATCHED),
    ],
    empty_slices_nan=[
        replace(UNPATCHED),
        replace(ADDED, UNPATCHED),
        replace(UNMASKED, (EMPTY, f"{KEPT} / {TOTAL_KEPT}")),
        replace((SOFTMAX, "torch.log_softmax(hidden, dim=dim).exp()"), UNPATCHED),
    ],
    empty_slices_uniform=[
        replace((MINUS_INF, "-1e9"), UNPATCHED),
        replace((MINUS_INF, LOWEST), UNPATCHED),
        replace((FILL, "scores + (~mask) * -1e9"), UNPATCHED),
    ],
    empty_along_another_axis=[
        replace(("dim=dim, keepdim", "dim=-1, keepdim"), (MINUS_INF, LOWEST)),
        replace("dim=dim, keepdim", "dim=-1, keepdim"),
    ],
    mask_too_weak=[
        *(replace(MINUS_INF, low) for low in ("-1.0", "-100.0", "-1e4")),
        *(replace((MINUS_INF, low), UNPATCHED) for low in ("-1.0", "-1e4")),
        replace(SUBTRACTED),
        replace(SUBTRACTED, UNPATCHED),
    ],
    zero_over_zero=[
        replace((SOFTMAX, f"(scores - {HIGHEST}).exp() * mask"), ZERO_OVER_ZERO),
        replace(UNMASKED, (EMPTY, f"({KEPT} / {TOTAL_KEPT}).nan_to_num(0.0)")),
    ],
    nan_gradient=[
        replace(ADDED),
        replace(ADDED, NAN_PATCHED),
        replace(ADDED, (EMPTY, "torch.where(mask, weights, 0.0)")),
        replace(ADDED, (SOFTMAX, f"(hidden - {HIGHEST}.clamp_min({LOWEST})).exp()"), ZERO_OVER_ZERO),
    ],
    dim_ignored=[
        replace("dim=dim", "dim=-1"),
        replace(SOFTMAX, "torch.softmax(hidden, dim=-1)"),
        replace((SOFTMAX, "torch.softmax(hidden, dim=-1)"), NAN_PATCHED),
    ],
    dim_of_the_mask=replace(EXPAND, "pass"),
    exp_overflow=[
        replace((SOFTMAX, "scores.exp() * mask"), DIVIDED),
        replace((SOFTMAX, "hidden.exp()"), (EMPTY, f"weights / {TOTAL}.clamp_min(1e-12)")),
        replace((MINUS_INF, LOWEST), (SOFTMAX, "(hidden - hidden.max()).exp() * mask"), DIVIDED),
        replace(SOFTMAX, "hidden.exp() / hidden.exp().sum(dim=dim, keepdim=True)"),
        replace("scores.masked_fill", "scores.clamp(-80.0, 80.0).masked_fill"),
    ],
    hidden_score_counts=[
        replace(UNMASKED, (EMPTY, f"{KEPT} / {TOTAL_KEPT}.clamp_min(1e-12)")),
        replace(UNMASKED, (EMPTY, f"{KEPT} / ({TOTAL_KEPT} + 1e-9)")),
    ],
    no_softmax=[
        replace((SOFTMAX, "scores * mask"), UNPATCHED),
        replace(SOFTMAX, "torch.sigmoid(hidden)"),
        replace(SOFTMAX, "torch.exp(hidden)"),
        replace(SOFTMAX, "torch.log_softmax(hidden, dim=dim)"),
    ],
    # The one that the grader makes changes whatever it is given; where nothing is hidden, filling changes nothing.
    inputs_changed=[
        replace("scores.masked_fill", "scores.masked_fill_"),
        replace("hidden = scores", "scores -= scores.amax(dim=dim, keepdim=True)\n    hidden = scores"),
        replace(EXPAND, "mask.logical_not_()\n    mask = ~mask.expand(scores.shape)"),
    ],
)

exercise = Exercise(
    targets=("masked_softmax",), outputs=("weights",), cases=cases, mistakes=mistakes, oracles=(masked_softmax,)
)
