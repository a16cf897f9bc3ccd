"""How top-k attention is graded."""

from collections.abc import Iterator

import torch
from shared import causal, rows_empty, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, Text, call, known, replace, rewrite


def ranked(rand: Inputs, L: int, S: int, ranks: list[int]) -> tuple[torch.Tensor, ...]:
    """Scaled scores 10,240 + ranks/2 or + ranks, exact in float32: ties are those of the ranks, and no others."""
    query, key = torch.zeros(1, L, 16), torch.zeros(1, S, 16)
    query[..., 0] = 512.0
    query[..., 1] = 4.0 * rand.integers(1, 3, 1, L).float()
    key[..., 0] = 80.0
    key[..., 1] = torch.tensor(ranks).float() / 2
    return query, key, rand.normal(1, S, 3)


def beside_product(target, *args, **kwargs):
    """The answer, weights · v, and whether the dtypes are those of the inputs."""
    output, weights = target(*args, **kwargs)
    v = args[2]
    return output, weights, weights.to(v.dtype) @ v, output.dtype == v.dtype and weights.dtype == v.dtype


MANY = Text(
    "More than top_k weights are not zero: where scores tie, only as many of the tied keys are kept as are needed.",
    "非零权重多于 top_k 个：打分并列时，只能保留其中所需的个数。",
)
FEW = Text(
    "Fewer than min(top_k, allowed) weights are not zero: too few keys are kept.",
    "非零权重少于 min(top_k, 允许的键数)：保留的键太少。",
)


def as_many(value, expected):
    """Which of tied keys is kept is free; how many, what they sum to and what is made of them is not."""
    output, weights, product, kept_dtype = value
    if weights.shape != expected[1].shape or output.shape != expected[0].shape:
        return Text("The output or the weights have the wrong shape.", "输出或权重的形状不对。")
    if not kept_dtype:
        return Text("Outputs keep the inputs' dtype; these do not.", "输出应保持输入的 dtype，这里没有。")
    if not bool(weights.isfinite().all()):
        return Text("Some weights are NaN or infinite.", "有的权重是 NaN 或无穷。")
    wanted = expected[1].ne(0).sum(-1)
    if bool((weights.ne(0).sum(-1) > wanted).any()):
        return MANY
    if bool((weights.ne(0).sum(-1) < wanted).any()):
        return FEW
    if bool((weights.double().sum(-1) - expected[1].sum(-1)).abs().max() > 2e-2):
        return Text("The weights of a query do not sum to 1.", "某个查询的权重之和不为 1。")
    if bool((output.double() - product.double()).abs().max() > 5e-2 * product.double().abs().max()):
        return Text("The output is not weights · v.", "输出不等于 weights · v。")
    return None


def best_kept(value, expected):
    """As above, where the weights are exact: sorted, they must be the expected ones."""
    wrong = as_many(value, expected)
    if wrong is None:
        mine, right = value[1].double().sort(-1).values, expected[1].double().sort(-1).values
        if bool((mine - right).abs().max() > 1e-4):
            wrong = Text("The weights of the kept keys are wrong.", "所保留键的权重不对。")
    return wrong


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "every size different", call(*rand.qkv(2, 3, L=5, S=7, d=6, d_v=4), 3), gradients=True, twice=True, public=True
    )
    yield Case("no leading axes", call(*rand.qkv(L=3, S=6, d=5, d_v=2), 2), public=True)
    yield Case("another head size: a fixed scale shows", call(*rand.qkv(2, L=4, S=6, d=20, d_v=3), 3), family="scaling")
    yield Case("one key of many: k is neither rounded nor a share of S", call(*rand.qkv(1, L=3, S=49, d=4, d_v=2), 1))
    yield Case("more asked for than there are keys", call(*rand.qkv(2, L=3, S=4, d=6, d_v=5), 9))
    yield Case("as many leading axes as one likes", call(*rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6), 2), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        call(q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT, 3),
        family="shape",
    )
    yield Case(
        "a mask that hides some of the best keys",
        call(*rand.qkv(2, 3, L=4, S=7, d=6, d_v=3), 2, mask=rand.mask(2, 1, 4, 7, keep=0.5)),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case(
        "causal: the first queries have fewer allowed keys than top_k",
        call(*rand.qkv(2, L=5, S=6, d=4, d_v=3), 4, mask=causal(5, 6)),
        family="masking",
        gradients=True,
    )
    yield Case(
        "padding: a mask without a query axis of its own",
        call(*rand.qkv(3, L=4, S=6, d=5, d_v=2), 3, mask=rand.mask(3, 1, 6)),
        family="masking",
    )
    yield Case(
        "a query that may see nothing",
        call(*rand.qkv(2, L=4, S=5, d=8, d_v=3), 2, mask=rows_empty(4, 5, [1])),
        family="masking",
        gradients=True,
    )
    yield Case(
        "tied scores: exactly top_k keys are kept",
        call(*ranked(rand, 4, 7, [3, 6, 3, 1, 6, 3, 0]), 4),
        family="masking",
        probe=beside_product,
        fault=best_kept,
    )
    yield Case("scores near 10,000", call(*ranked(rand, 4, 6, [2, 5, 0, 3, 1, 4]), 3), tolerance=1e-3)
    q, k, v = ranked(rand, 4, 6, [2, 5, 0, 3, 1, 4])
    low = (q, k * torch.tensor([-1.0, *[1.0] * 15]), v, 3)
    yield Case("scores near −10,000", call(*low, mask=rand.mask(4, 6, keep=0.8)), family="masking", tolerance=1e-3)
    whole = (*rand.qkv(2, L=4, S=6, d=5, d_v=3), 2)
    yield Case("a mask as large as the scores", call(*whole, mask=rand.mask(2, 4, 6)), family="masking", twice=True)
    yield Case("top_k = 0", call(*rand.qkv(2, L=3, S=4, d=6, d_v=5), 0), family="interface", raises="ValueError")
    yield Case("top_k < 0", call(*rand.qkv(2, L=3, S=4, d=6, d_v=5), -2), family="interface", raises="ValueError")
    yield Case("float64", call(*rand.qkv(2, L=3, S=5, d=6, d_v=4), 2), family="dtype", dtype="float64")
    yield Case(
        "bfloat16 with a mask",
        call(*rand.qkv(2, L=3, S=7, d=8, d_v=5), 3, mask=rand.mask(3, 7)),
        family="dtype",
        dtype="bfloat16",
        probe=beside_product,
        fault=as_many,
    )


def topk_attention(q, k, v, top_k, mask=None):
    """The oracle: query by query."""
    if top_k < 1:
        raise ValueError("top_k")
    weights = q.new_zeros(*q.shape[:-1], k.shape[-2])
    allowed = torch.ones_like(weights, dtype=torch.bool) if mask is None else mask.expand(weights.shape)
    for place in torch.cartesian_prod(*(torch.arange(size) for size in q.shape[:-1])).reshape(-1, q.dim() - 1):
        *batch, i = place.tolist()
        scores = [float(q[(*batch, i)].detach() @ key) / q.shape[-1] ** 0.5 for key in k[tuple(batch)].detach()]
        keys = [j for j in range(len(scores)) if allowed[(*batch, i, j)]]
        keys = sorted(sorted(keys, key=lambda j: -scores[j])[:top_k])
        if keys:
            chosen = k[tuple(batch)][keys] @ q[(*batch, i)] / q.shape[-1] ** 0.5
            row = torch.zeros_like(weights[(*batch, i)]).index_put((torch.tensor(keys),), torch.softmax(chosen, 0))
            weights = weights.index_put(tuple(torch.tensor(n) for n in (*batch, i)), row)
    return weights @ v, weights


SCALE = "q.shape[-1] ** -0.5"
MASKED = 'scores = scores.masked_fill(~mask, float("-inf"))'
COUNT = "min(top_k, k.shape[-2])"
BEST = f"scores.topk({COUNT}, dim=-1).indices"
KEPT = "torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)"
DROPPED = 'scores.masked_fill(~kept, float("-inf"))'
WEIGHTS = f"torch.softmax({DROPPED}, dim=-1)"
EMPTY = "weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
TOO_SMALL = 'if top_k < 1:\n        raise ValueError("top_k must be at least 1")'
THRESHOLD = f"scores >= scores.topk({COUNT}, dim=-1).values[..., -1:]"


def library(q, k, v, top_k, mask=None):
    import torch.nn.functional as F

    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    kept = kept if mask is None else kept & mask
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return (
        F.scaled_dot_product_attention(q, k, v, attn_mask=kept),
        F.scaled_dot_product_attention(q, k, identity, attn_mask=kept),
    )


def masked_later(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    kept = kept if mask is None else kept & mask
    weights = torch.softmax(scores.masked_fill(~kept, float("-inf")), dim=-1)
    weights = weights.masked_fill(~kept.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


def masked_later_patched_by_mask(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    kept = kept if mask is None else kept & mask
    weights = torch.softmax(scores.masked_fill(~kept, float("-inf")), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


def masked_last(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    weights = torch.softmax(scores.masked_fill(~kept, float("-inf")), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ v, weights


def zeros_before_softmax(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand(scores.shape)
    best = scores.masked_fill(~allowed, float("-inf")).topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True) & allowed
    weights = torch.softmax(scores * kept, dim=-1)
    weights = weights.masked_fill(~allowed.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


def weights_softmaxed_again(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    dense = torch.softmax(scores, dim=-1)
    if mask is not None:
        dense = dense.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    best = dense.topk(min(top_k, k.shape[-2]), dim=-1).indices
    weights = torch.softmax(dense * torch.zeros_like(dense).scatter(-1, best, 1.0), dim=-1)
    return weights @ v, weights


def not_scattered(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    found, best = scores.topk(min(top_k, k.shape[-2]), dim=-1)
    weights = torch.softmax(found, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    rows = torch.zeros_like(scores).scatter(-1, best, weights)
    return rows @ v, weights


mistakes = known(
    dropped_scores_zero=[
        replace(DROPPED, "scores.masked_fill(~kept, 0.0)"),
        rewrite(zeros_before_softmax),
        rewrite(weights_softmaxed_again),
    ],
    topk_over_queries=[
        replace(
            (BEST, "scores.topk(min(top_k, q.shape[-2]), dim=-2).indices"),
            ("scatter(-1,", "scatter(-2,"),
            (EMPTY, "weights = weights"),
        ),
        replace(
            (BEST, "scores.topk(min(top_k, q.shape[-2]), dim=-2).indices"),
            ("scatter(-1,", "scatter(-2,"),
            (WEIGHTS, f"{WEIGHTS}.nan_to_num(0.0)"),
        ),
    ],
    topk_before_mask=[rewrite(masked_later), rewrite(masked_later_patched_by_mask), rewrite(masked_last)],
    all_keys_kept=[replace(DROPPED, "scores"), replace(DROPPED, "scores.masked_fill(~kept, -1.0)")],
    smallest_kept=[
        replace(BEST, f"scores.topk({COUNT}, dim=-1, largest=False).indices"),
        replace(
            (BEST, f"scores.topk({COUNT}, dim=-1, largest=False).indices"), (WEIGHTS, f"{WEIGHTS}.nan_to_num(0.0)")
        ),
        replace(BEST, f"scores.argsort(dim=-1)[..., :{COUNT}]"),
    ],
    by_magnitude=replace(
        BEST, f"scores.abs().masked_fill(scores == float('-inf'), -1.0).topk({COUNT}, dim=-1).indices"
    ),
    ties_all_kept=[
        replace(f"kept = {KEPT}", f"kept = {THRESHOLD}"),
        replace(f"kept = {KEPT}", f"kept = ({THRESHOLD}) & (scores > float('-inf'))"),
    ],
    one_too_few=[
        replace(f"kept = {KEPT}", f"kept = {THRESHOLD}".replace(">=", ">")),
        replace((f"kept = {KEPT}", f"kept = {THRESHOLD}".replace(">=", ">")), (WEIGHTS, f"{WEIGHTS}.nan_to_num(0.0)")),
        replace(COUNT, "min(max(top_k - 1, 1), k.shape[-2])"),
    ],
    one_too_many=replace(COUNT, "min(top_k + 1, k.shape[-2])"),
    k_rounded=[
        replace(COUNT, "int(min(top_k, k.shape[-2]) / k.shape[-2] * k.shape[-2])"),
        replace(
            (COUNT, "int(min(top_k, k.shape[-2]) / k.shape[-2] * k.shape[-2])"), (WEIGHTS, f"{WEIGHTS}.nan_to_num(0.0)")
        ),
        replace(COUNT, "int(0.1 * k.shape[-2])"),
        replace((COUNT, "int(0.1 * k.shape[-2])"), (WEIGHTS, f"{WEIGHTS}.nan_to_num(0.0)")),
        replace(COUNT, "max(1, int(0.1 * k.shape[-2]))"),
    ],
    more_than_there_are=replace(COUNT, "top_k"),
    small_top_k_accepted=[
        replace(TOO_SMALL, "top_k = max(top_k, 1)"),
        replace(TOO_SMALL, ""),
        replace("if top_k < 1", "if top_k < 0"),
    ],
    not_renormalised=replace(WEIGHTS, "torch.softmax(scores, dim=-1).masked_fill(~kept, 0.0)"),
    not_scattered=rewrite(not_scattered),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_fixed=replace(SCALE, "64**-0.5"),
    softmax_over_queries=[
        replace(WEIGHTS, f"torch.softmax({DROPPED}, dim=-2)"),
        replace(WEIGHTS, f"torch.softmax({DROPPED}, dim=-2).nan_to_num(0.0)"),
    ],
    **softmax_by_fixed_axis(WEIGHTS, DROPPED, ".nan_to_num(0.0)"),
    mask_inverted=[replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    mask_ignored=replace((MASKED, "pass"), (EMPTY, "pass")),
    empty_rows_nan=replace(EMPTY, "pass"),
    empty_rows_uniform=[
        replace((MASKED, MASKED.replace('float("-inf")', "-1e9")), (EMPTY, "pass")),
        replace(('float("-inf")', "-1e9"), (EMPTY, "pass")),
    ],
    returns_float32=[
        replace(("q @ k", "q.float() @ k.float()"), ("weights @ v", "weights @ v.float()")),
        replace("return weights @ v, weights", "return weights @ v, weights.float()"),
    ],
    inputs_changed=[
        replace("scores = q @", "q.mul_(2.0)\n    scores = q / 2 @"),
        replace(
            (f"q @ k.transpose(-2, -1) * {SCALE}", "q.detach().div_(2) @ k.transpose(-2, -1) * 2 * q.shape[-1] ** -0.5")
        ),
    ],
    detached_weights=[
        replace(WEIGHTS, f"{WEIGHTS}.detach()"),
        replace("weights @ v, weights", "weights @ v, weights.detach()"),
    ],
    overflow=replace(
        WEIGHTS,
        "torch.exp(scores.masked_fill(~kept, float('-inf')))\n    weights = weights / weights.sum(-1, keepdim=True)",
    ),
    library_called=rewrite(library),
)

exercise = Exercise(
    targets=("topk_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(topk_attention,),
    forbidden=LIBRARY_ATTENTION,
)
