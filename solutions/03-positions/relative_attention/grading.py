"""How relative attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import (
    EMPTY,
    FILL,
    SOFTMAX,
    causal,
    huge_scores,
    instead_of,
    masks_mistaken,
    rows_empty,
    scores_far_below,
    softmax_by_fixed_axis,
)

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def values_of(index, *sizes):
    return index.long()


def dtype_of(index, *sizes):
    return str(index.dtype)


def cases(rand: Inputs) -> Iterator[Case]:
    index = partial(Case, target="relative_index", summary=values_of)
    attend = partial(Case, target="relative_attention")

    def inputs(*batch: int, m: int, L: int = 5, S: int = 7, d: int = 6, d_v: int = 3) -> tuple[Any, ...]:
        return (*rand.qkv(*batch, L=L, S=S, d=d, d_v=d_v), rand.normal(2 * m + 1, d), m)

    yield index("index: more keys than queries", call(5, 7, 2), public=True)
    yield index("index: more queries than keys", call(6, 3, 1))
    yield index("index: a largest distance of 0", call(3, 4, 0))
    yield index("index: nothing is far enough to be clipped", call(4, 3, 9))
    yield index("index: int64", call(2, 3, 1), "dtype", summary=dtype_of)
    uneven = inputs(2, 3, m=2, d_v=4)
    yield attend("every size different", call(*uneven), gradients=True, twice=True, public=True)
    yield attend("no leading axes, more queries than keys", call(*inputs(m=1, L=6, S=4, d=5, d_v=2)))
    yield attend("one distance for all, one query", call(*inputs(2, m=0, L=1, S=4, d=3, d_v=5)))
    yield attend("a table longer than the sequence", call(*inputs(2, m=8, L=3, S=4, d=6, d_v=5)))
    yield attend("another head size: a fixed scale shows", call(*inputs(2, m=1, L=4, S=5, d=20)), "scaling")

    def masked(reason: str, inputs: tuple[Any, ...], mask: torch.Tensor, **options: Any) -> Case:
        return attend(reason, call(*inputs, mask=mask), "masking", **options)

    yield masked("causal, as the mask says", inputs(2, 4, m=2), causal(5, 7), public=True)
    yield masked("a mask for every sequence", inputs(2, 3, m=3), rand.mask(2, 1, 5, 7), gradients=True)
    blind = rows_empty(4, 5, [1])
    yield masked("a query that may see nothing", inputs(2, m=1, L=4, S=5, d=8), blind, gradients=True)
    rel_k = torch.zeros(5, 16)
    rel_k[:, 1] = torch.tensor([0.5, -0.5, 0.0, 1.0, -1.0])
    far = huge_scores(rand, 2, L=4, S=6, d=16, d_v=3)
    yield attend("scores near 10,000", call(*far, rel_k, 2), tolerance=1e-3)
    low = (*scores_far_below(rand, 2, L=4, S=6, d=16, d_v=3), rel_k, 2)
    yield masked("scores near −10,000, some of them hidden", low, rand.mask(4, 6), tolerance=1e-3)
    yield from standard(
        lambda: call(*inputs(2, m=2, L=3, S=6, d=8, d_v=5), mask=rand.mask(3, 6)), target="relative_attention"
    )


def relative_index(L, S, max_distance):
    """The oracle: one entry after the other."""
    rows = [[max(-max_distance, min(max_distance, j - i)) + max_distance for j in range(S)] for i in range(L)]
    return torch.tensor(rows)


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    """The oracle: the relative scores as a float mask of PyTorch's own attention."""
    every = q @ rel_k.T / q.shape[-1] ** 0.5
    columns = [
        torch.stack(
            [every[..., i, max(0, min(2 * max_distance, j - i + max_distance))] for i in range(q.shape[-2])], -1
        )
        for j in range(k.shape[-2])
    ]
    bias = torch.stack(columns, -1)
    if mask is not None:
        bias = bias.masked_fill(~mask, float("-inf"))
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    weights = torch.nn.functional.scaled_dot_product_attention(q, k, identity, attn_mask=bias)
    return weights @ v, weights


DISTANCE = "torch.arange(S) - torch.arange(L)[:, None]"
FLIPPED = "torch.arange(L)[:, None] - torch.arange(S)"
CLIPPED = "distance.clamp(-max_distance, max_distance) + max_distance"
NOT_SHIFTED = "distance.clamp(-max_distance, max_distance)"
INDEX = "relative_index(q.shape[-2], k.shape[-2], max_distance)"
TERM = 'torch.einsum("...id,ijd->...ij", q, rel_k[index.to(q.device)])'
GATHERED = "torch.gather(q @ rel_k.T, -1, index.expand(*q.shape[:-2], -1, -1))"
SCALE = "q.shape[-1] ** -0.5"
SUM = f"(q @ k.transpose(-2, -1) + relative) * {SCALE}"
CONTENT = f"q @ k.transpose(-2, -1) * {SCALE}"
OUTPUT = "return weights @ v, weights"
UNPATCHED = (EMPTY, "weights.masked_fill(~mask, 0.0)")

mistakes = known(
    distance_flipped=[
        replace(DISTANCE, FLIPPED),
        replace((DISTANCE, FLIPPED), (INDEX, f"2 * max_distance - {INDEX}")),
        replace(INDEX, f"2 * max_distance - {INDEX}"),
    ],
    distance_absolute=[
        replace(DISTANCE, f"({DISTANCE}).abs()"),
        replace(INDEX, f"(max_distance - {INDEX}).abs() + max_distance"),
    ],
    not_clipped=[
        *instead_of(
            CLIPPED,
            "distance + max_distance",
            "(distance + max_distance).clamp(min=0)",
            "(distance + max_distance).clamp(max=2 * max_distance)",
            "(distance + max_distance) % (2 * max_distance + 1)",
            "distance.clamp(max=max_distance) + max_distance",
        ),
        replace((CLIPPED, "distance + max_distance"), (TERM, GATHERED)),
    ],
    not_shifted=[
        *instead_of(CLIPPED, NOT_SHIFTED, "distance.clamp(0, 2 * max_distance)"),
        replace((CLIPPED, NOT_SHIFTED), (TERM, GATHERED)),
    ],
    shifted_then_clipped=instead_of(
        CLIPPED,
        "(distance + max_distance).clamp(-max_distance, max_distance)",
        "(distance + max_distance).clamp(0, max_distance)",
    ),
    aligned_bottom_right=[
        replace(DISTANCE, f"{DISTANCE} + L - S"),
        replace(
            INDEX,
            "(torch.arange(k.shape[-2]) - torch.arange(q.shape[-2])[:, None] + q.shape[-2] - k.shape[-2]).clamp("
            "-max_distance, max_distance) + max_distance",
        ),
    ],
    absolute_positions=[
        replace(INDEX, "torch.arange(k.shape[-2]).clamp(max=2 * max_distance).expand(q.shape[-2], -1)"),
        replace(DISTANCE, "torch.arange(S).expand(L, -1)"),
        replace(INDEX, "torch.arange(k.shape[-2]).expand(q.shape[-2], -1) % (2 * max_distance + 1)"),
    ],
    index_transposed=instead_of(
        DISTANCE, "torch.arange(S)[:, None] - torch.arange(L)", "torch.arange(L) - torch.arange(S)[:, None]"
    ),
    index_not_int64=[
        replace(CLIPPED, f"({CLIPPED}).int()"),
        replace((CLIPPED, f"({CLIPPED}).float()"), (INDEX, f"{INDEX}.long()")),
    ],
    relative_term_unscaled=replace(SUM, f"{CONTENT} + relative"),
    relative_term_scaled_twice=replace(SUM, f"(q @ k.transpose(-2, -1) + relative * {SCALE}) * {SCALE}"),
    only_relative_scaled=replace(SUM, f"q @ k.transpose(-2, -1) + relative * {SCALE}"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_fixed=instead_of(SCALE, "64**-0.5", "8**-0.5"),
    relative_term_from_keys=replace(TERM, TERM.replace("...id,ijd", "...jd,ijd").replace('", q,', '", k,')),
    relative_term_without_query=instead_of(TERM, "rel_k[index].sum(-1)", "rel_k[index].mean(-1)"),
    relative_term_missing=replace("+ relative)", ")"),
    relative_term_subtracted=replace("+ relative)", "- relative)"),
    relative_values=replace(OUTPUT, "return weights @ v + weights @ rel_k[index].mean(-1).T @ v, weights"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    **softmax_by_fixed_axis(SOFTMAX, "scores"),
    relative_term_not_masked=replace(
        (SUM, CONTENT),
        (FILL, "scores.masked_fill(~mask, 0.0)"),
        (SOFTMAX, f"torch.softmax(scores + relative * {SCALE}, dim=-1)"),
    ),
    relative_term_after_softmax=[
        replace((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + {term}"), *patch)
        for term in (f"relative * {SCALE}", "relative")
        for patch in ((), (UNPATCHED,))
    ],
    **masks_mistaken,
    softmax_overflow=replace(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
    inputs_changed=[
        replace(("    index =", f"    q.data.mul_({SCALE})\n    index ="), (f" * {SCALE}\n", "\n")),
        replace("    index =", "    rel_k.data.clamp_(-1, 1)\n    index ="),
    ],
    detached_weights=[replace(SOFTMAX, f"{SOFTMAX}.detach()"), replace(OUTPUT, f"{OUTPUT}.detach()")],
    table_detached=replace("rel_k[index", "rel_k.detach()[index"),
)

exercise = Exercise(
    targets=("relative_index", "relative_attention"),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(relative_index, relative_attention),
    forbidden=LIBRARY_ATTENTION,
)
