"""How chunked attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import huge_scores

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite


def cases(rand: Random) -> Iterator[Case]:
    yield Case("one chunk holds every key", (*rand.qkv(2, L=4, S=6, d=5, d_v=3), 6))
    yield Case(
        "every size different, two full chunks",
        (*rand.qkv(2, 3, L=5, S=8, d=6, d_v=7), 4),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("chunks of one key, no leading axes", (*rand.qkv(L=3, S=5, d=4, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", (*rand.qkv(2, L=4, S=6, d=20, d_v=3), 2), family="scaling")
    yield Case("the last chunk is not full", (*rand.qkv(2, L=4, S=11, d=6, d_v=5), 3), family="shape", public=True)
    yield Case("a chunk larger than S", (*rand.qkv(2, L=4, S=5, d=6, d_v=3), 8), family="shape")
    yield Case("as many leading axes as one likes", (*rand.qkv(2, 1, 3, L=2, S=6, d=4, d_v=5), 3), family="shape")
    q, k, v = rand.qkv(2, 3, L=5, S=6, d=8, d_v=7)
    yield Case(
        "memory in another order (non-contiguous)",
        (q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT, 2),
        family="shape",
    )
    yield Case(
        "causal: later chunks are hidden from the first queries",
        (*rand.qkv(2, L=7, S=7, d=5, d_v=4), 2),
        {"causal": True},
        family="masking",
        gradients=True,
    )
    yield Case(
        "decoding: fewer queries than keys, causal",
        (*rand.qkv(2, L=3, S=8, d=4, d_v=5), 3),
        {"causal": True},
        family="masking",
    )
    yield Case(
        "more queries than keys, causal: the first see nothing",
        (*rand.qkv(2, L=6, S=4, d=5, d_v=3), 3),
        {"causal": True},
        family="masking",
        gradients=True,
    )
    yield Case("scores near 10,000", (*huge_scores(rand, 2, L=4, S=9, d=16, d_v=3), 2), tolerance=1e-3)
    q, k, v = huge_scores(rand, 2, L=4, S=7, d=16, d_v=3)
    k[..., 0] = -80.0
    yield Case("every score near −10,000", (q, k, v, 3), tolerance=1e-3)
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor larger than allowed",
            (*rand.qkv(1, L=40, S=150, d=4, d_v=3), 5),
            {"causal": causal},
            family="resources",
            max_elements=150 * 4,
        )
    yield Case("float64", (*rand.qkv(2, L=3, S=5, d=6, d_v=4), 2), dtype="float64", family="dtype")
    yield Case(
        "bfloat16, causal",
        (*rand.qkv(2, L=4, S=6, d=8, d_v=5), 4),
        {"causal": True},
        dtype="bfloat16",
        family="dtype",
    )


def chunked_attention(q, k, v, chunk_size, causal=False):
    """The oracle: the library, all keys at once."""
    import torch.nn.functional as F

    L, S = q.shape[-2], k.shape[-2]
    mask = torch.ones(L, S, dtype=torch.bool).tril(S - L) if causal else None
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


SCALE = "q = q * q.shape[-1] ** -0.5"
LAST = "+ (S - L)"
LOOP = "range(0, S, chunk_size)"
CAUSAL = 'scores = scores.masked_fill(place > last, float("-inf"))'
NEW = "torch.maximum(top, scores.detach().amax(dim=-1, keepdim=True))"
SHIFT = 'new_top.masked_fill(new_top == float("-inf"), 0.0)'
TOTAL = "total * correction"
OUTPUT = "output * correction"
RESULT = "output / total.masked_fill(total == 0, 1.0)"


def quadratic(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if not causal:
        return torch.softmax(scores, dim=-1) @ v
    seen = torch.ones(L, S, dtype=torch.bool, device=q.device).tril(S - L)
    weights = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
    return weights.masked_fill(~seen.any(dim=-1, keepdim=True), 0.0) @ v


def averaged(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    parts = []
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        parts.append(torch.softmax(scores, dim=-1).nan_to_num(0.0) @ values)
    return sum(parts) / len(parts)


def averaged_nan(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    parts = []
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        parts.append(torch.softmax(scores, dim=-1) @ values)
    return sum(parts) / len(parts)


def averaged_over_seen(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    output, count = 0.0, 0.0
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        output = output + torch.softmax(scores, dim=-1).nan_to_num(0.0) @ values
        count = count + scores.isfinite().any(dim=-1, keepdim=True).to(q.dtype)
    return output / count.clamp(min=1)


def summed(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    parts = []
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        parts.append(torch.softmax(scores, dim=-1).nan_to_num(0.0) @ values)
    return sum(parts)


def weighted_by_length(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    parts = []
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        parts.append(torch.softmax(scores, dim=-1).nan_to_num(0.0) @ values * keys.shape[-2] / S)
    return sum(parts)


def merged_by_lse(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    output, lse = None, None
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, float("-inf"))
        part, part_lse = torch.softmax(scores, dim=-1) @ values, torch.logsumexp(scores, dim=-1, keepdim=True)
        if output is None:
            output, lse = part, part_lse
        else:
            both = torch.logaddexp(lse, part_lse)
            output = output * torch.exp(lse - both) + part * torch.exp(part_lse - both)
            lse = both
    return output


def parts_stacked(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    parts, lses = [], []
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.arange(start, start + keys.shape[-2], device=q.device) > last
            scores = scores.masked_fill(hidden, -1e30)
        parts.append(torch.softmax(scores, dim=-1) @ values)
        lses.append(torch.logsumexp(scores, dim=-1))
    lse = torch.stack(lses, dim=-1)
    weights = torch.softmax(lse, dim=-1).masked_fill(lse < -1e29, 0.0)
    return (torch.stack(parts, dim=-1) * weights.unsqueeze(-2)).sum(-1)


def library(q, k, v, chunk_size, causal=False):
    import torch.nn.functional as F

    L, S = q.shape[-2], k.shape[-2]
    rows = []
    for i in range(L):
        seen = max(i + 1 + S - L, 0) if causal else S
        rows.append(F.scaled_dot_product_attention(q[..., i : i + 1, :], k[..., :seen, :], v[..., :seen, :]))
    return torch.cat(rows, dim=-2)


mistakes = (
    mistake(
        "not-rescaled",
        "numerics",
        edit((TOTAL, "total"), (OUTPUT, "output")),
        edit(TOTAL, "total"),
        edit(OUTPUT, "output"),
        en="What was summed before a larger maximum came is not rescaled: multiply both the sum and the weighted sum by "
        "exp(m_old − m_new) whenever the running max grows.",
        zh="最大值变大时，此前累加的部分没有重新缩放：每当最大值更新，指数之和与加权和都要乘以 exp(m_旧 − m_新)。",
    ),
    mistake(
        "rescaled-the-wrong-way",
        "numerics",
        edit("torch.exp(top - shift)", 'torch.exp(shift - top.masked_fill(top == float("-inf"), 0.0))'),
        edit("torch.exp(top - shift)", "torch.exp(shift - top)"),
        edit("torch.exp(top - shift)", 'torch.where(top == float("-inf"), 0.0, torch.exp(shift - top))'),
        en="The correction is the wrong way round: what is there is multiplied by exp(m_old − m_new), which is at most 1.",
        zh="修正因子的方向反了：已有的应当乘以 exp(m_旧 − m_新)，它不超过 1。",
    ),
    mistake(
        "max-not-running",
        "numerics",
        edit(NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
        edit(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            ("torch.exp(top - shift)", 'torch.exp(top.masked_fill(top == float("-inf"), 0.0) - shift)'),
        ),
        en="The maximum is that of the current chunk alone: when a later chunk is far lower, the correction overflows. "
        "Keep the larger of the old and the new one.",
        zh="只用了当前块的最大值：后面的块低很多时，修正因子会溢出。应当取新旧两者中较大的。",
    ),
    mistake(
        "overflow",
        "numerics",
        edit((NEW, "torch.maximum(top, torch.zeros_like(top))")),
        en="There is no running max: the exponential of a large score overflows (or, far below zero, they all vanish). "
        "Subtract the largest score so far.",
        zh="没有减去最大值：较大打分的指数会溢出（很负时则全部变为零）。应当减去目前最大的打分。",
    ),
    mistake(
        "max-starts-at-zero",
        "numerics",
        edit('q.new_full((*q.shape[:-1], 1), float("-inf"))', "q.new_zeros(*q.shape[:-1], 1)"),
        edit(
            ('q.new_full((*q.shape[:-1], 1), float("-inf"))', "q.new_zeros(*q.shape[:-1], 1)"),
            (RESULT, "output / total"),
        ),
        en="The running max starts at 0: where all scores are far below zero, every exponential vanishes. Start it at −∞.",
        zh="最大值从 0 开始：所有打分都很负时，指数全部变为零。应当从 −∞ 开始。",
    ),
    mistake(
        "chunks-averaged",
        "normalization",
        rewrite(averaged),
        rewrite(averaged_nan),
        rewrite(averaged_over_seen),
        rewrite(summed),
        rewrite(weighted_by_length),
        en="Each chunk gets a softmax of its own, and the results are averaged or added: chunks with small scores count as much as "
        "those with large ones. Normalise once, over all keys.",
        zh="每一块各做一次 softmax，再取平均或相加：打分小的块与打分大的块分量一样。应当对所有键统一归一化一次。",
    ),
    mistake(
        "not-divided",
        "normalization",
        edit(f"return {RESULT}", "return output"),
        en="The division by the sum of exponentials is missing at the end.",
        zh="最后没有除以指数之和。",
    ),
    mistake(
        "last-chunk-dropped",
        "shape",
        edit(LOOP, "range(0, S - chunk_size + 1, chunk_size)"),
        edit((LOOP, "range(0, S - chunk_size + 1, chunk_size)"), (RESULT, "output / total")),
        en="The last chunk is left out when it is not full (S is not a multiple of chunk_size): loop over range(0, S, chunk_size).",
        zh="最后一块不满时（S 不是 chunk_size 的倍数）被丢掉了：应当对 range(0, S, chunk_size) 循环。",
    ),
    mistake(
        "chunks-must-fit",
        "shape",
        edit("L, S = ", "k, v = (torch.stack(x.split(chunk_size, -2)).movedim(0, -3).flatten(-3, -2) for x in (k, v))\n    L, S = "),
        edit(
            "L, S = ",
            "k.reshape(*k.shape[:-2], k.shape[-2] // chunk_size, chunk_size, k.shape[-1])\n    L, S = ",
        ),
        en="Your chunks must all be full: it fails where S is not a multiple of chunk_size.",
        zh="你的写法要求每一块都是满的：S 不是 chunk_size 的倍数时会出错。",
    ),
    mistake(
        "padding-counted",
        "masking",
        edit(
            "    for start in",
            "    short = -S % chunk_size\n"
            "    k, v = (torch.nn.functional.pad(x, (0, 0, 0, short)) for x in (k, v))\n"
            "    for start in",
        ),
        en="The zeros that fill up the last chunk count as keys: their score of 0 still gets weight (e⁰ = 1). Mask them with −∞.",
        zh="用来补满最后一块的零被当成了键：它们的打分为 0，仍会得到权重（e⁰ = 1）。应当用 −∞ 屏蔽。",
    ),
    mistake(
        "causal-ignored",
        "masking",
        edit(CAUSAL, "pass"),
        en="causal=True has no effect: queries see keys after them.",
        zh="causal=True 没有起作用：查询看到了它之后的键。",
    ),
    mistake(
        "causal-top-left",
        "masking",
        edit(LAST, ""),
        en="Your causal mask is aligned at the top left: when L ≠ S, query i sees key j for j ≤ i + (S − L), so that the last query "
        "sees every key.",
        zh="你的因果掩码是左上角对齐的：L ≠ S 时，查询 i 能看到 j ≤ i + (S − L) 的键，即最后一个查询能看到所有键。",
    ),
    mistake(
        "causal-within-chunk",
        "masking",
        edit("torch.arange(start, start + keys.shape[-2], device=q.device)", "torch.arange(keys.shape[-2], device=q.device)"),
        edit(
            ("torch.arange(start, start + keys.shape[-2], device=q.device)", "torch.arange(keys.shape[-2], device=q.device)"),
            (LAST, ""),
        ),
        en="Your causal mask counts the keys from the start of each chunk: add the chunk's first position.",
        zh="你的因果掩码在每一块里都从 0 开始数键：应当加上该块的起始位置。",
    ),
    mistake(
        "causal-strict",
        "masking",
        edit("place > last", "place >= last"),
        en="Your causal mask hides one key too many: a query sees its own position, j ≤ i + (S − L).",
        zh="你的因果掩码多屏蔽了一个键：查询看得到自己的位置，j ≤ i + (S − L)。",
    ),
    mistake(
        "causal-reversed",
        "masking",
        edit("place > last", "place <= last"),
        edit("place > last", "place < last"),
        en="With causal=True queries see the keys after them and not those before: the mask is inverted.",
        zh="causal=True 时查询看到的是之后而不是之前的键：掩码反了。",
    ),
    shared.masked_scores_zero(edit(CAUSAL, "scores = scores.masked_fill(place > last, 0.0)")),
    mistake(
        "hidden-chunk-nan",
        "masking",
        edit(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            (SHIFT, "torch.maximum(top, new_top)"),
            ("torch.exp(scores - shift)", "torch.exp(scores - new_top) * torch.exp(new_top - shift)"),
            ("top = new_top", "top = shift"),
        ),
        edit(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            (SHIFT, "torch.maximum(top, new_top)"),
            ("torch.exp(scores - shift)", "torch.exp(scores - new_top) * torch.exp(new_top - shift)"),
            ("top = new_top", "top = shift"),
            (RESULT, "output / total"),
        ),
        rewrite(merged_by_lse),
        en="A chunk of which a query may see nothing gives NaN (−∞ − (−∞), or a softmax over nothing but −∞), and spoils what "
        "was right before. Such a chunk must add zero.",
        zh="查询看不到某一块的任何键时得到 NaN（−∞ − (−∞)，或对全是 −∞ 的一行做 softmax），毁掉了之前正确的结果。这样的块应当贡献零。",
    ),
    shared.empty_rows_nan(
        edit(RESULT, "output / total"),
        edit(SHIFT, "new_top"),
        edit((SHIFT, "new_top"), (RESULT, "output / total")),
    ),
    shared.empty_rows_uniform(
        edit((CAUSAL, "scores = scores.masked_fill(place > last, -1e9)")),
    ),
    mistake(
        "quadratic",
        "resources",
        rewrite(quadratic),
        rewrite(parts_stacked),
        edit(CAUSAL, "scores = scores.masked_fill((torch.arange(S, device=q.device) > last)[:, place], float('-inf'))"),
        edit(
            "    for start in",
            "    chunk_size = -(-S // min(chunk_size, S))\n    for start in",
        ),
        en="A tensor is too large on the way: all scores at once, a mask of all pairs, the results of every chunk "
        "kept, or chunks larger than chunk_size keys. Hold one chunk of scores at a time.",
        zh="过程中有张量过大：一次算出全部打分、生成所有位置对的掩码、保留每一块的结果，或每块的键多于 chunk_size 个。"
        "任何时刻只应持有一块的打分。",
    ),
    shared.no_scale(edit(SCALE, "q = q * 1.0")),
    shared.scale_by_d(edit(SCALE, "q = q * q.shape[-1] ** -1.0")),
    mistake(
        "scale-by-chunk",
        "scaling",
        edit(SCALE, "q = q * chunk_size ** -0.5"),
        en="Your scale comes from the size of a chunk; it is 1/√d, from the size of one key vector.",
        zh="缩放用了块的大小；应当是 1/√d，d 是单个键向量的维度。",
    ),
    mistake(
        "lse-returned",
        "interface",
        edit(f"return {RESULT}", f"return {RESULT}, total"),
        en="The output alone is asked for, not a pair.",
        zh="只要求返回输出，不要返回二元组。",
    ),
    shared.returns_float32(
        edit(SCALE, "q, k, v = q.float() * q.shape[-1] ** -0.5, k.float(), v.float()"),
        edit(f"return {RESULT}", f"return ({RESULT}).float()"),
    ),
    shared.inputs_changed(
        edit(SCALE, "q.detach().mul_(q.shape[-1] ** -0.5)"),
        edit(SCALE, "q = q.detach().mul_(0.5) * 2 * q.shape[-1] ** -0.5"),
    ),
    mistake(
        "detached-part",
        "gradient",
        edit("torch.exp(scores - shift)", "torch.exp(scores - shift).detach()"),
        edit(f"return {RESULT}", "total = total.detach()\n    return output / total.masked_fill(total == 0, 1.0)"),
        edit("torch.exp(scores - shift)", "torch.exp(scores.detach() - shift)"),
        edit("top = new_top", "top, total, output = new_top, total.detach(), output.detach()"),
        en="Something besides the maximum is detached: gradients flow through every chunk's exponentials and through both sums.",
        zh="除最大值之外还有东西被 detach 了：梯度应当流经每一块的指数以及两个和。",
    ),
    shared.library_called(rewrite(library)),
)

exercise = Exercise(
    targets=("chunked_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(chunked_attention,),
    forbidden=LIBRARY_ATTENTION,
)
