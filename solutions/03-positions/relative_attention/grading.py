"""How relative attention is graded."""

from collections.abc import Iterator

import torch
from shared import causal, huge_scores, rows_empty, scores_far_below, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite


def index_values(relative_index, *sizes):
    return relative_index(*sizes).long()


def index_dtype(relative_index, *sizes):
    return str(relative_index(*sizes).dtype)


def cases(rand: Inputs) -> Iterator[Case]:
    def attend(reason, *batch, m, mask=None, L=5, S=7, d=6, d_v=3, **more):  # type: ignore[no-untyped-def]
        inputs = (*rand.qkv(*batch, L=L, S=S, d=d, d_v=d_v), rand.normal(2 * m + 1, d), m)
        keywords = {} if mask is None else {"mask": mask}
        return Case(reason, call(*inputs, **keywords), target="relative_attention", **more)

    def index(reason, *sizes, **more):  # type: ignore[no-untyped-def]
        return Case(reason, call(*sizes), target="relative_index", **{"probe": index_values} | more)

    yield index("index: more keys than queries", 5, 7, 2, public=True)
    yield index("index: more queries than keys", 6, 3, 1)
    yield index("index: a largest distance of 0", 3, 4, 0)
    yield index("index: nothing is far enough to be clipped", 4, 3, 9)
    yield index("index: int64", 2, 3, 1, probe=index_dtype, family="dtype")
    yield attend("every size different", 2, 3, m=2, d_v=4, gradients=True, twice=True, public=True)
    yield attend("no leading axes, more queries than keys", m=1, L=6, S=4, d=5, d_v=2)
    yield attend("one distance for all, one query", 2, m=0, L=1, S=4, d=3, d_v=5)
    yield attend("a table longer than the sequence", 2, m=8, L=3, S=4, d=6, d_v=5)
    yield attend("another head size: a fixed scale shows", 2, m=1, L=4, S=5, d=20, family="scaling")
    yield attend("causal, as the mask says", 2, 4, m=2, mask=causal(5, 7), family="masking", public=True)
    mask = rand.mask(2, 1, 5, 7)
    yield attend("a mask for every sequence", 2, 3, m=3, mask=mask, family="masking", gradients=True)
    mask = rows_empty(4, 5, [1])
    empty = "a query that may see nothing"
    yield attend(empty, 2, m=1, L=4, S=5, d=8, mask=mask, family="masking", gradients=True)
    q, k, v = huge_scores(rand, 2, L=4, S=6, d=16, d_v=3)
    rel_k = torch.zeros(5, 16)
    rel_k[:, 1] = torch.tensor([0.5, -0.5, 0.0, 1.0, -1.0])
    yield Case("scores near 10,000", call(q, k, v, rel_k, 2), target="relative_attention", tolerance=1e-3)
    low = (*scores_far_below(rand, 2, L=4, S=6, d=16, d_v=3), rel_k, 2)
    hidden = {"mask": rand.mask(4, 6)}
    yield Case(
        "scores near −10,000, some of them hidden",
        call(*low, **hidden),
        family="masking",
        target="relative_attention",
        tolerance=1e-3,
    )
    yield attend("float64", 2, m=1, L=3, S=4, d=6, d_v=5, dtype="float64", family="dtype")
    mask = rand.mask(3, 6)
    yield attend("bfloat16 with a mask", 2, m=2, L=3, S=6, d=8, d_v=5, mask=mask, dtype="bfloat16", family="dtype")
    mask = rand.mask(3, 6)
    yield attend("float16 with a mask", 2, m=2, L=3, S=6, d=8, d_v=5, mask=mask, dtype="float16", family="dtype")


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


def library(q, k, v, rel_k, max_distance, mask=None):
    bias = torch.einsum("...id,ijd->...ij", q, rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance)])
    bias = bias * q.shape[-1] ** -0.5
    if mask is not None:
        bias = bias.masked_fill(~mask, float("-inf"))
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    weights = torch.nn.functional.scaled_dot_product_attention(q, k, identity, attn_mask=bias)
    return weights @ v, weights


DISTANCE = "torch.arange(S) - torch.arange(L)[:, None]"
FLIPPED = "torch.arange(L)[:, None] - torch.arange(S)"
CLIPPED = "distance.clamp(-max_distance, max_distance) + max_distance"
INDEX = "relative_index(q.shape[-2], k.shape[-2], max_distance)"
TERM = 'torch.einsum("...id,ijd->...ij", q, rel_k[index.to(q.device)])'
GATHERED = "torch.gather(q @ rel_k.T, -1, index.expand(*q.shape[:-2], -1, -1))"
SUM = "(q @ k.transpose(-2, -1) + relative) * q.shape[-1] ** -0.5"
SCALE = "q.shape[-1] ** -0.5"
CONTENT = f"q @ k.transpose(-2, -1) * {SCALE}"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"

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
        replace(CLIPPED, "distance + max_distance"),
        replace(CLIPPED, "(distance + max_distance).clamp(min=0)"),
        replace(CLIPPED, "(distance + max_distance).clamp(max=2 * max_distance)"),
        replace(CLIPPED, "(distance + max_distance) % (2 * max_distance + 1)"),
        replace(CLIPPED, "distance.clamp(max=max_distance) + max_distance"),
        replace((CLIPPED, "distance + max_distance"), (TERM, GATHERED)),
    ],
    not_shifted=[
        replace(CLIPPED, "distance.clamp(-max_distance, max_distance)"),
        replace(CLIPPED, "distance.clamp(0, 2 * max_distance)"),
        replace((CLIPPED, "distance.clamp(-max_distance, max_distance)"), (TERM, GATHERED)),
    ],
    shifted_then_clipped=[
        replace(CLIPPED, "(distance + max_distance).clamp(-max_distance, max_distance)"),
        replace(CLIPPED, "(distance + max_distance).clamp(0, max_distance)"),
    ],
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
    index_transposed=[
        replace(DISTANCE, FLIPPED.replace("(L)", "(X)").replace("(S)", "(L)").replace("(X)", "(S)")),
        replace(DISTANCE, DISTANCE.replace("(S)", "(X)").replace("(L)", "(S)").replace("(X)", "(L)")),
    ],
    index_not_int64=[
        replace(CLIPPED, f"({CLIPPED}).int()"),
        replace((CLIPPED, f"({CLIPPED}).float()"), (INDEX, f"{INDEX}.long()")),
    ],
    relative_term_unscaled=replace(SUM, f"q @ k.transpose(-2, -1) * {SCALE} + relative"),
    relative_term_scaled_twice=replace(SUM, f"(q @ k.transpose(-2, -1) + relative * {SCALE}) * {SCALE}"),
    only_relative_scaled=replace(SUM, f"q @ k.transpose(-2, -1) + relative * {SCALE}"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_fixed=[replace(SCALE, "64**-0.5"), replace(SCALE, "8**-0.5")],
    relative_term_from_keys=replace(TERM, TERM.replace("...id,ijd", "...jd,ijd").replace('", q,', '", k,')),
    relative_term_without_query=[replace(TERM, "rel_k[index].sum(-1)"), replace(TERM, "rel_k[index].mean(-1)")],
    relative_term_missing=replace("+ relative)", ")"),
    relative_term_subtracted=replace("+ relative)", "- relative)"),
    relative_values=replace(
        "return weights @ v, weights", "return weights @ v + weights @ rel_k[index].mean(-1).T @ v, weights"
    ),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    **softmax_by_fixed_axis(SOFTMAX, "scores"),
    mask_inverted=replace("~mask,", "mask,"),
    mask_ignored=replace((FILL, "scores"), (EMPTY, "weights")),
    relative_term_not_masked=replace(
        (SUM, f"q @ k.transpose(-2, -1) * {SCALE}"),
        (FILL, "scores.masked_fill(~mask, 0.0)"),
        (SOFTMAX, f"torch.softmax(scores + relative * {SCALE}, dim=-1)"),
    ),
    relative_term_after_softmax=[
        replace((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative * {SCALE}")),
        replace(
            (SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative * {SCALE}"), (EMPTY, "weights.masked_fill(~mask, 0.0)")
        ),
        replace((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative")),
        replace((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    ],
    mask_after_softmax=replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    masked_scores_zero=[replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    empty_rows_nan=replace(EMPTY, "weights"),
    empty_rows_uniform=replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
    softmax_overflows=replace(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
    returns_float32=[
        replace((SUM, f"({SUM}).float()"), ("weights @ v", "weights @ v.float()")),
        replace("return weights @ v, weights", "return (weights @ v).float(), weights.float()"),
    ],
    inputs_changed=[
        replace(("    index =", f"    q.data.mul_({SCALE})\n    index ="), (f" * {SCALE}\n", "\n")),
        replace("    index =", "    rel_k.data.clamp_(-1, 1)\n    index ="),
    ],
    detached_weights=[
        replace(SOFTMAX, f"{SOFTMAX}.detach()"),
        replace("weights @ v, weights", "weights @ v, weights.detach()"),
    ],
    table_detached=replace("rel_k[index", "rel_k.detach()[index"),
    library_called=rewrite(library, "relative_attention"),
)

exercise = Exercise(
    targets=("relative_index", "relative_attention"),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(relative_index, relative_attention),
    forbidden=LIBRARY_ATTENTION,
)
