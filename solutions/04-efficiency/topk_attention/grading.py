"""How top-k attention is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import causal, nan_or_patched, rows_empty, softmax_by_fixed_axis
from torch import Tensor

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, Text, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    qkv, mask = rand.qkv, rand.mask
    yield Case(
        "every size different", call(*qkv(2, 3, L=5, S=7, d=6, d_v=4), 3), gradients=True, twice=True, public=True
    )
    yield Case("no leading axes", call(*qkv(L=3, S=6, d=5, d_v=2), 2), public=True)
    yield Case("another head size: a fixed scale shows", call(*qkv(2, L=4, S=6, d=20, d_v=3), 3), family="scaling")
    yield Case("one key of many: k is neither rounded nor a share of S", call(*qkv(1, L=3, S=49, d=4, d_v=2), 1))
    yield Case("more asked for than there are keys", call(*qkv(2, L=3, S=4, d=6, d_v=5), 9))
    yield Case("as many leading axes as one likes", call(*qkv(2, 1, 3, L=2, S=5, d=4, d_v=6), 2), family="shape")

    def masked(reason: str, qkv: tuple[Tensor, ...], top_k: int, mask: Tensor, **options: Any) -> Case:
        return Case(reason, call(*qkv, top_k, mask=mask), family="masking", **options)

    each = qkv(2, 3, L=4, S=7, d=6, d_v=3)
    some = mask(2, 1, 4, 7, keep=0.5)
    yield masked("a mask that hides some of the best keys", each, 2, some, gradients=True, public=True)
    few = "causal: the first queries have fewer allowed keys than top_k"
    yield masked(few, qkv(2, L=5, S=6, d=4, d_v=3), 4, causal(5, 6), gradients=True)
    padded = qkv(3, L=4, S=6, d=5, d_v=2)
    yield masked("padding: a mask without a query axis of its own", padded, 3, mask(3, 1, 6))
    blind = rows_empty(4, 5, [1])
    yield masked("a query that may see nothing", qkv(2, L=4, S=5, d=8, d_v=3), 2, blind, gradients=True)
    ties = call(*ranked(rand, 4, 7, [3, 6, 3, 1, 6, 3, 0]), 4)
    yield Case(
        "tied scores: exactly top_k keys are kept", ties, family="masking", summary=beside_product, fault=best_kept
    )
    yield Case("scores near 10,000", call(*ranked(rand, 4, 6, [2, 5, 0, 3, 1, 4]), 3), tolerance=1e-3)
    low = ranked(rand, 4, 6, [2, 5, 0, 3, 1, 4], sign=-1.0)
    yield masked("scores near −10,000", low, 3, mask(4, 6, keep=0.8), tolerance=1e-3)
    yield masked("a mask as large as the scores", qkv(2, L=4, S=6, d=5, d_v=3), 2, mask(2, 4, 6), twice=True)
    for top_k, said in ((0, "top_k = 0"), (-2, "top_k < 0")):
        yield Case(said, call(*qkv(2, L=3, S=4, d=6, d_v=5), top_k), family="interface", raises="ValueError")

    yield from standard(lambda: call(*qkv(2, 3, L=3, S=5, d=8, d_v=4), 2, mask=mask(3, 5)), dtypes=("float64",))
    half = call(*qkv(2, L=3, S=7, d=8, d_v=5), 3, mask=mask(3, 7))
    yield Case("bfloat16 with a mask", half, family="dtype", dtype="bfloat16", summary=beside_product, fault=as_many)


def ranked(rand: Inputs, L: int, S: int, ranks: list[int], sign: float = 1.0) -> tuple[Tensor, ...]:
    """Scaled scores ±10,240 + ranks/2 or + ranks, exact in float32: ties are those of the ranks, and no others."""
    query, key = torch.zeros(1, L, 16), torch.zeros(1, S, 16)
    query[..., 0] = 512.0
    query[..., 1] = 4.0 * rand.integers(1, 3, 1, L).float()
    key[..., 0] = sign * 80.0
    key[..., 1] = torch.tensor(ranks).float() / 2
    return query, key, rand.normal(1, S, 3)


def beside_product(answer, q, k, v, *args, **kwargs):
    """The answer, weights · v, and whether the dtypes are those of the inputs."""
    output, weights = answer
    return output, weights, weights.to(v.dtype) @ v, output.dtype == v.dtype == weights.dtype


TOO_MANY = (
    "More than top_k weights are not zero: where scores tie, only as many of the tied keys are kept as are needed.",
    "非零权重多于 top_k 个：得分并列时，只能保留其中所需的个数。",
)
TOO_FEW = (
    "Fewer than min(top_k, allowed) weights are not zero: too few keys are kept.",
    "非零权重少于 min(top_k, 允许的键数)：保留的键太少。",
)


def as_many(value, expected):
    """Which of tied keys is kept is free; how many, what they sum to and what is made of them is not."""
    (output, weights, product, kept_dtype), (right_output, right_weights, *_) = value, expected
    if weights.shape != right_weights.shape or output.shape != right_output.shape:
        return Text("The output or the weights have the wrong shape.", "输出或权重的形状不对。")
    more = weights.ne(0).sum(-1) - right_weights.ne(0).sum(-1)
    sums = (weights.double().sum(-1) - right_weights.sum(-1)).abs()
    apart, size = (output.double() - product.double()).abs().max(), product.double().abs().max()
    faults = (
        (not kept_dtype, "Outputs keep the inputs' dtype; these do not.", "输出应保持输入的 dtype，这里没有。"),
        (not weights.isfinite().all(), "Some weights are NaN or infinite.", "有的权重是 NaN 或无穷。"),
        (more.max() > 0, *TOO_MANY),
        (more.min() < 0, *TOO_FEW),
        (sums.max() > 2e-2, "The weights of a query do not sum to 1.", "某个查询的权重之和不为 1。"),
        (apart > 5e-2 * size, "The output is not weights · v.", "输出不等于 weights · v。"),
    )
    return next((Text(en, zh) for wrong, en, zh in faults if wrong), None)


def best_kept(value, expected):
    """As above, where the weights are exact: sorted, they must be the expected ones."""
    mine, right = (weights.double().sort(-1).values for _, weights, *_ in (value, expected))
    wrong = as_many(value, expected)
    if wrong is None and (mine - right).abs().max() > 1e-4:
        wrong = Text("The weights of the kept keys are wrong.", "所保留键的权重不对。")
    return wrong


def topk_attention(q, k, v, top_k, mask=None):
    """The oracle: PyTorch's own, of the keys that rank among the first top_k."""
    import torch.nn.functional as F

    if top_k < 1:
        raise ValueError("top_k")
    allowed = torch.ones(k.shape[-2], dtype=torch.bool) if mask is None else mask
    scores = (q @ k.transpose(-2, -1)).masked_fill(~allowed, float("-inf"))
    rank = scores.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    kept, identity = (rank < top_k) & allowed, torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return tuple(F.scaled_dot_product_attention(q, k, values, attn_mask=kept) for values in (v, identity))


SCALE = "q.shape[-1] ** -0.5"
TOO_SMALL = 'if top_k < 1:\n        raise ValueError("top_k must be at least 1")'
MASKED = 'scores = scores.masked_fill(~mask, float("-inf"))'
COUNT = "min(top_k, k.shape[-2])"
BEST = f"scores.topk({COUNT}, dim=-1).indices"
KEPT = "torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)"
DROPPED = 'scores.masked_fill(~kept, float("-inf"))'
WEIGHTS = f"torch.softmax({DROPPED}, dim=-1)"
EMPTY = "weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
RETURN = "return weights @ v, weights"

MASK_LATE = (MASKED, "pass"), (KEPT, f"{KEPT} & (True if mask is None else mask)")
BEST_QUERIES = (BEST, "scores.topk(min(top_k, q.shape[-2]), dim=-2).indices"), ("scatter(-1,", "scatter(-2,")
SMALLEST = f"scores.topk({COUNT}, dim=-1, largest=False).indices"
THRESHOLD = f"(scores >= scores.topk({COUNT}, dim=-1).values[..., -1:])"
SHARE = f"int({COUNT} / k.shape[-2] * k.shape[-2])"
TWICE = "torch.softmax(torch.softmax(scores, dim=-1).nan_to_num(0.0) * kept, dim=-1)"
OVER_QUERIES = f"torch.softmax({DROPPED}, dim=-2)"


mistakes = known(
    dropped_scores_zero=[
        replace(DROPPED, "scores.masked_fill(~kept, 0.0)"),
        replace(DROPPED, "scores.masked_fill(~kept | scores.isinf(), 0.0)"),
        replace((WEIGHTS, TWICE), (EMPTY, "pass")),
    ],
    topk_over_queries=nan_or_patched(WEIGHTS, *BEST_QUERIES, (EMPTY, "pass")),
    topk_before_mask=[
        replace(*MASK_LATE, ("~mask.any", "~kept.any")),
        replace(*MASK_LATE),
        replace((MASKED, "pass"), (EMPTY, "weights = weights.masked_fill(~mask, 0.0)")),
    ],
    all_keys_kept=[replace(DROPPED, "scores"), replace(DROPPED, "scores.masked_fill(~kept, -1.0)")],
    smallest_kept=[*nan_or_patched(WEIGHTS, (BEST, SMALLEST)), replace(BEST, f"scores.argsort(dim=-1)[..., :{COUNT}]")],
    by_magnitude=replace(BEST, BEST.replace("scores", "scores.abs().masked_fill(scores.isinf(), -1.0)")),
    ties_all_kept=[replace(KEPT, THRESHOLD), replace(KEPT, f"{THRESHOLD} & ~scores.isinf()")],
    one_too_few=[
        *nan_or_patched(WEIGHTS, (KEPT, THRESHOLD.replace(">=", ">"))),
        replace(COUNT, "min(max(top_k - 1, 1), k.shape[-2])"),
    ],
    one_too_many=replace(COUNT, "min(top_k + 1, k.shape[-2])"),
    k_rounded=[
        *nan_or_patched(WEIGHTS, (COUNT, SHARE)),
        *nan_or_patched(WEIGHTS, (COUNT, "int(0.1 * k.shape[-2])")),
        replace(COUNT, "max(1, int(0.1 * k.shape[-2]))"),
    ],
    more_than_there_are=replace(COUNT, "top_k"),
    small_top_k_accepted=[
        replace(TOO_SMALL, new) for new in ("top_k = max(top_k, 1)", "", TOO_SMALL.replace("1:", "0:"))
    ],
    not_renormalised=replace(WEIGHTS, "torch.softmax(scores, dim=-1).masked_fill(~kept, 0.0)"),
    not_scattered=replace(RETURN, f"{RETURN}.gather(-1, best)"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_fixed=replace(SCALE, "64**-0.5"),
    softmax_over_queries=[replace(WEIGHTS, OVER_QUERIES), replace(WEIGHTS, f"{OVER_QUERIES}.nan_to_num(0.0)")],
    **softmax_by_fixed_axis(WEIGHTS, DROPPED, ".nan_to_num(0.0)"),
    mask_inverted=[replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    mask_ignored=replace((MASKED, "pass"), (EMPTY, "pass")),
    empty_rows_nan=replace(EMPTY, "pass"),
    empty_rows_uniform=[
        replace((MASKED, "scores = scores.masked_fill(~mask, -1e9)"), (EMPTY, "pass")),
        replace(('float("-inf")', "-1e9"), (EMPTY, "pass")),
    ],
    returns_float32=[
        replace(RETURN, f"{RETURN}.float()"),
        replace(RETURN, "return (weights @ v).float(), weights.float()"),
    ],
    detached_weights=[replace(WEIGHTS, f"{WEIGHTS}.detach()"), replace(RETURN, f"{RETURN}.detach()")],
    overflow=replace(WEIGHTS, f"torch.exp({DROPPED})\n    weights = weights / weights.sum(-1, keepdim=True)"),
)

exercise = Exercise(
    targets=("topk_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(topk_attention,),
    forbidden=LIBRARY_ATTENTION,
)
