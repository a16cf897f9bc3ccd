"""How scaled dot-product attention is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import causal, huge_scores, rows_empty, scores_far_below, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    qkv, mask = rand.qkv, rand.mask
    yield Case("every size different", call(*qkv(2, 3, L=5, S=7, d=6, d_v=4)), gradients=True, twice=True, public=True)
    yield Case("no leading axes", call(*qkv(L=3, S=4, d=5, d_v=2)), public=True)
    yield Case("another head size: a fixed scale shows", call(*qkv(2, L=4, S=6, d=20, d_v=3)), family="scaling")
    yield Case("as many leading axes as one likes", call(*qkv(2, 1, 3, L=2, S=5, d=4, d_v=6)), family="shape")
    yield Case("one query, one key", call(*qkv(1, 1, L=1, S=1, d=3, d_v=2)), family="shape")

    def masked(reason: str, inputs: tuple[torch.Tensor, ...], mask: torch.Tensor, **options: Any) -> Case:
        return Case(reason, call(*inputs, mask=mask), family="masking", **options)

    decoding = qkv(2, L=3, S=8, d=4, d_v=5)
    yield masked("decoding: fewer queries than keys, causal", decoding, causal(3, 8), public=True)
    each = qkv(2, 3, L=4, S=5, d=6, d_v=3)
    yield masked("a mask for every sequence, broadcast over heads", each, mask(2, 1, 4, 5), gradients=True)
    yield masked("padding: a mask without a query axis of its own", qkv(3, L=4, S=6, d=5, d_v=2), mask(3, 1, 6))
    blind = rows_empty(4, 5, [1])
    yield masked("a query that may see nothing", qkv(2, L=4, S=5, d=8, d_v=3), blind, gradients=True)
    blind = mask(2, 3, 4, 5)
    blind[1, 2, 0] = False
    yield masked("a query that may see nothing in one head", qkv(2, 3, L=4, S=5, d=6, d_v=3), blind)
    square = qkv(3, 3, L=2, S=4, d=5, d_v=6)
    yield masked("a mask (H, L, S) where there are as many sequences as heads", square, mask(3, 2, 4))
    yield Case("scores near 10,000", call(*huge_scores(rand, 2, L=4, S=6, d=16, d_v=3)), tolerance=1e-3)
    low = scores_far_below(rand, 2, L=4, S=6, d=16, d_v=3)
    yield masked("scores near −10,000, some of them hidden", low, mask(4, 6), tolerance=1e-3)
    yield from standard(lambda: call(*qkv(2, 3, L=3, S=6, d=8, d_v=5), mask=mask(3, 6)))


def scaled_dot_product_attention(q, k, v, mask=None):
    """The oracle: PyTorch's own."""
    import torch.nn.functional as F

    output = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return output, F.scaled_dot_product_attention(q, k, identity, attn_mask=mask)


SCALE = "q.shape[-1] ** -0.5"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
ADD = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"


mistakes = known(
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    multiplied_by_root_d=replace(SCALE, "q.shape[-1] ** 0.5"),
    scale_by_keys=replace(SCALE, "k.shape[-2] ** -0.5"),
    scale_by_queries=replace(SCALE, "q.shape[-2] ** -0.5"),
    scale_by_values=replace(SCALE, "v.shape[-1] ** -0.5"),
    scale_fixed=replace(SCALE, "64**-0.5"),
    scale_after_softmax=replace((f" * {SCALE}", ""), (SOFTMAX, f"{SOFTMAX} * {SCALE}")),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    **softmax_by_fixed_axis(SOFTMAX, "scores"),
    no_softmax=replace(SOFTMAX, "scores"),
    mask_inverted=replace("~mask,", "mask,"),
    mask_ignored=replace((FILL, "scores"), (EMPTY, "weights")),
    mask_after_softmax=replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    masked_scores_zero=[replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    mask_too_weak=[
        replace(FILL, "scores + torch.where(mask, 0.0, -1.0)"),
        replace(FILL, "scores.masked_fill(~mask, -1.0)"),
        replace((FILL, "scores.masked_fill(~mask, -1.0)"), (EMPTY, "weights")),
        replace((FILL, "scores + torch.where(mask, 0.0, -1.0)"), (EMPTY, "weights")),
    ],
    empty_rows_nan=replace(EMPTY, "weights"),
    nan_gradient=[replace(FILL, ADD), replace((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)"))],
    empty_rows_uniform=replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
    detached_weights=[
        replace(SOFTMAX, f"{SOFTMAX}.detach()"),
        replace("weights @ v, weights", "weights @ v, weights.detach()"),
    ],
)

exercise = Exercise(
    targets=("scaled_dot_product_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(scaled_dot_product_attention,),
    forbidden=LIBRARY_ATTENTION,
)
