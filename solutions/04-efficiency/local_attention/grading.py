"""How local attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import huge_scores, scores_far_below

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite

LONG = 300
"""Long enough for a right answer that takes its queries in blocks of 256 to stay below L·L."""


def cases(rand: Random) -> Iterator[Case]:
    yield Case(
        "every size different",
        (*rand.qkv(2, 3, L=11, S=11, d=6, d_v=4), 2),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("no leading axes", (*rand.qkv(L=7, S=7, d=5, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", (*rand.qkv(2, L=9, S=9, d=20, d_v=3), 2), family="scaling")
    yield Case("as many leading axes as one likes", (*rand.qkv(2, 1, 3, L=8, S=8, d=4, d_v=5), 1), family="shape")
    yield Case("one token", (*rand.qkv(1, 1, L=1, S=1, d=3, d_v=2), 2), family="shape")
    q, k, v = rand.qkv(2, 3, L=10, S=10, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        (q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT, 3),
        family="shape",
    )
    yield Case(
        "causal",
        (*rand.qkv(2, 3, L=12, S=12, d=5, d_v=4), 3),
        {"causal": True},
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("a window of 0: itself alone", (*rand.qkv(2, L=5, S=5, d=4, d_v=3), 0), family="masking")
    yield Case("a window wider than the sequence", (*rand.qkv(2, L=6, S=6, d=5, d_v=3), 9), family="masking")
    yield Case(
        "a window wider than the sequence, causal",
        (*rand.qkv(2, L=5, S=5, d=6, d_v=3), 7),
        {"causal": True},
        family="masking",
    )
    yield Case("scores near −10,000", (*scores_far_below(rand, 2, L=9, S=9, d=16, d_v=3), 2), family="masking", tolerance=1e-3)
    yield Case("scores near 10,000", (*huge_scores(rand, 2, L=9, S=9, d=16, d_v=3), 3), tolerance=1e-3)
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor with L·L elements",
            (*rand.qkv(1, L=LONG, S=LONG, d=3, d_v=2), 2),
            {"causal": causal},
            family="resources",
            max_elements=LONG * LONG - 1,
        )
    yield Case("a negative window", (*rand.qkv(2, L=5, S=5, d=4, d_v=3), -1), raises="ValueError", family="interface")
    yield Case("float64", (*rand.qkv(2, L=7, S=7, d=6, d_v=5), 2), dtype="float64", family="dtype")
    yield Case(
        "bfloat16, causal",
        (*rand.qkv(2, L=6, S=6, d=8, d_v=5), 2),
        {"causal": True},
        dtype="bfloat16",
        family="dtype",
    )


def local_attention(q, k, v, window, causal=False):
    """The oracle: the library on slices, query by query."""
    import torch.nn.functional as F

    if window < 0:
        raise ValueError("window")
    rows = []
    for i in range(q.shape[-2]):
        seen = slice(max(i - window, 0), i + 1 if causal else i + window + 1)
        rows.append(F.scaled_dot_product_attention(q[..., i : i + 1, :], k[..., seen, :], v[..., seen, :]))
    return torch.cat(rows, dim=-2)


SCALE = "q.shape[-1] ** -0.5"
OFFSETS = "torch.arange(-window, window + 1, device=q.device)"
EXISTS = "seen = (j >= 0) & (j < L)"
CAUSAL = "if causal:\n        seen = seen & (j <= i)"
CLAMP = "j = j.clamp(0, L - 1)"
KEYS = "k[..., j, :]"
FILLED = 'scores.masked_fill(~seen, float("-inf"))'
SOFTMAX = f"torch.softmax({FILLED}, dim=-1)"
NEGATIVE = 'if window < 0:\n        raise ValueError("window must not be negative")'


def quadratic(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    L = q.shape[-2]
    distance = torch.arange(L, device=q.device) - torch.arange(L, device=q.device).unsqueeze(-1)
    seen = distance.abs() <= window
    if causal:
        seen = seen & (distance <= 0)
    scores = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def mask_of_all_pairs(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    L = q.shape[-2]
    ones = torch.ones(L, L, dtype=torch.bool, device=q.device)
    seen = ones.triu(-window).tril(0 if causal else window)
    rows = []
    for i in range(L):
        scores = q[..., i : i + 1, :] @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        rows.append(torch.softmax(scores.masked_fill(~seen[i], float("-inf")), dim=-1) @ v)
    return torch.cat(rows, dim=-2)


def unlimited(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    L = q.shape[-2]
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if causal:
        scores = scores.masked_fill(torch.ones(L, L, dtype=torch.bool, device=q.device).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def blocks(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    size, rows = max(window, 1), []
    for start in range(0, q.shape[-2], size):
        block = slice(start, start + size)
        scores = q[..., block, :] @ k[..., block, :].transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
        rows.append(torch.softmax(scores, dim=-1) @ v[..., block, :])
    return torch.cat(rows, dim=-2)


def wide_blocks(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    size, rows = 2 * window + 1, []
    for start in range(0, q.shape[-2], size):
        block = slice(start, start + size)
        scores = q[..., block, :] @ k[..., block, :].transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
        rows.append(torch.softmax(scores, dim=-1) @ v[..., block, :])
    return torch.cat(rows, dim=-2)


def blocks_from_itself(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    size, rows = window + 1, []
    for start in range(0, q.shape[-2], size):
        block = slice(start, start + size)
        scores = q[..., block, :] @ k[..., block, :].transpose(-2, -1) * q.shape[-1] ** -0.5
        if causal:
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
        rows.append(torch.softmax(scores, dim=-1) @ v[..., block, :])
    return torch.cat(rows, dim=-2)


def scores_outside_zero(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    L = q.shape[-2]
    distance = torch.arange(L, device=q.device) - torch.arange(L, device=q.device).unsqueeze(-1)
    seen = distance.abs() <= window
    if causal:
        seen = seen & (distance <= 0)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return torch.softmax(scores * seen, dim=-1) @ v


def masked_late(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    L = q.shape[-2]
    distance = torch.arange(L, device=q.device) - torch.arange(L, device=q.device).unsqueeze(-1)
    seen = distance.abs() <= window
    if causal:
        seen = seen & (distance <= 0)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return (torch.softmax(scores, dim=-1) * seen) @ v


def library(q, k, v, window, causal=False):
    import torch.nn.functional as F

    if window < 0:
        raise ValueError("window")
    rows = []
    for i in range(q.shape[-2]):
        seen = slice(max(i - window, 0), i + 1 if causal else i + window + 1)
        rows.append(F.scaled_dot_product_attention(q[..., i : i + 1, :], k[..., seen, :], v[..., seen, :]))
    return torch.cat(rows, dim=-2)


WRAPPED = ((EXISTS, "seen = torch.ones_like(j, dtype=torch.bool)"), (CLAMP, "j = j % L"))
"""A causal mask may then be made from the positions before or after they wrap."""

mistakes = (
    mistake(
        "one-too-narrow",
        "masking",
        edit(OFFSETS, "torch.arange(-window + 1, max(window, 1), device=q.device)"),
        edit(
            EXISTS,
            "seen = (j >= 0) & (j < L) & ((i - j).abs() < window)",
        ),
        edit(
            (EXISTS, "seen = (j >= 0) & (j < L) & ((i - j).abs() < window)"),
            (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)"),
        ),
        edit(
            EXISTS,
            "seen = (j >= 0) & (j < L) & ((i - j).abs() < max(window, 1))",
        ),
        en="Your window is one key too narrow: |i − j| = window is still seen. Use <=, not <.",
        zh="窗口窄了一个键：|i − j| = window 的键也看得到。应当用 <=，而不是 <。",
    ),
    mistake(
        "end-not-included",
        "masking",
        edit(
            EXISTS,
            "seen = (j >= 0) & (j < L) & ((j < i + window) | (window == 0) & (j == i))",
        ),
        edit(EXISTS, "seen = (j >= 0) & (j < L) & ((j < i + window) | causal)"),
        edit(
            (EXISTS, "seen = (j >= 0) & (j < L) & ((j < i + window) | causal)"),
            (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)"),
        ),
        edit(EXISTS, "seen = (j >= 0) & (j < L) & (j < i + window)"),
        edit((EXISTS, "seen = (j >= 0) & (j < L) & (j < i + window)"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)")),
        en="The last key of the window is left out on the right: a slice or a range excludes its end. It runs to i + window + 1.",
        zh="窗口右端少了一个键：切片和 range 不包含终点。终点应为 i + window + 1。",
    ),
    mistake(
        "one-too-wide",
        "masking",
        edit(OFFSETS, "torch.arange(-window - 1, window + 2, device=q.device)"),
        en="Your window is one key too wide on each side: |i − j| <= window, and no further.",
        zh="窗口每侧宽了一个键：只到 |i − j| <= window 为止。",
    ),
    mistake(
        "window-is-whole-width",
        "masking",
        edit(OFFSETS, "torch.arange(-(window // 2), window // 2 + 1, device=q.device)"),
        en="You take window for the width of the whole window; it is the reach on each side: 2·window + 1 keys.",
        zh="你把 window 当成了窗口的总宽度；它是每一侧的距离，共 2·window + 1 个键。",
    ),
    mistake(
        "one-sided",
        "masking",
        edit(CAUSAL, "seen = seen & (j <= i)"),
        edit((CAUSAL, "seen = seen & (j <= i) if causal else seen & (j >= i)")),
        en="Your window looks to one side only although causal is False: query i sees keys before and after it.",
        zh="causal 为 False 时你的窗口只看一侧：查询 i 应当看到前后两侧的键。",
    ),
    mistake(
        "causal-ignored",
        "masking",
        edit(CAUSAL, "pass"),
        en="causal=True has no effect: queries see keys after them.",
        zh="causal=True 没有起作用：查询看到了它之后的键。",
    ),
    mistake(
        "causal-strict",
        "masking",
        edit("j <= i", "j < i"),
        edit(("j <= i", "j < i"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)")),
        en="With causal=True a query does not see itself: j <= i, not j < i.",
        zh="causal=True 时查询看不到自己了：条件是 j <= i，而不是 j < i。",
    ),
    mistake(
        "causal-reversed",
        "masking",
        edit("j <= i", "j >= i"),
        en="With causal=True queries see the keys after them and not those before: the comparison is the wrong way round.",
        zh="causal=True 时查询看到的是之后而不是之前的键：比较的方向反了。",
    ),
    mistake(
        "wraps-around",
        "masking",
        edit(*WRAPPED),
        edit(*WRAPPED, (CAUSAL, ""), (KEYS, "k[..., j, :]"), ("scores = ", "seen = seen & ((j <= i) | (not causal))\n    scores = ")),
        edit((EXISTS, "seen = j < L"), (CLAMP, "j = j.clamp(-L, L - 1)")),
        edit((EXISTS, "seen = j >= 0"), (CLAMP, "j = j % L")),
        en="Your window wraps around: at the start of the sequence keys from its end are seen, or the other way round "
        "(a roll, a modulo or a negative index). Mask what does not exist.",
        zh="窗口绕回了另一端：序列开头看到了结尾的键，或者相反（roll、取模或负下标）。不存在的位置应当屏蔽。",
    ),
    mistake(
        "padding-counted",
        "masking",
        edit(
            (EXISTS, "real = ((j >= 0) & (j < L)).unsqueeze(-1)\n    seen = torch.ones_like(j, dtype=torch.bool)"),
            (KEYS, "(k[..., j, :] * real)"),
            ("v[..., j, :]", "(v[..., j, :] * real)"),
        ),
        en="The padding at the ends of the sequence counts as keys: its scores of 0 still get weight (e⁰ = 1). Mask it with −∞.",
        zh="序列两端的填充被当成了键：它的打分为 0，仍会得到权重（e⁰ = 1）。应当用 −∞ 屏蔽。",
    ),
    mistake(
        "ends-repeated",
        "masking",
        edit(EXISTS, "seen = torch.ones_like(j, dtype=torch.bool)"),
        en="The first and the last key are counted several times near the ends: clamped positions must be masked too.",
        zh="在两端附近，第一个和最后一个键被重复计算：被截断的位置也必须屏蔽。",
    ),
    mistake(
        "window-shifted-at-ends",
        "masking",
        edit(
            f"j = i + {OFFSETS}",
            "width = min(2 * window + 1, L)\n    "
            "j = (i - window).clamp(0, L - width) + torch.arange(width, device=q.device)",
        ),
        en="Near the ends your window is moved inward to keep its width: queries see keys further than `window` away. "
        "Fewer keys are seen there.",
        zh="在两端附近你把窗口往里移以保持宽度：查询看到了距离超过 window 的键。那里看到的键本来就更少。",
    ),
    mistake(
        "blocks-do-not-overlap",
        "masking",
        rewrite(blocks),
        rewrite(wide_blocks),
        rewrite(blocks_from_itself),
        en="The sequence is cut into blocks, and a query sees its own block only. The window slides: it is centred on each query.",
        zh="序列被切成了互不相干的块，查询只看到自己的块。窗口是滑动的：以每个查询为中心。",
    ),
    mistake(
        "no-window",
        "masking",
        rewrite(unlimited),
        en="The window has no effect: this is attention over the whole sequence.",
        zh="窗口没有起作用：这是对整个序列的注意力。",
    ),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        rewrite(scores_outside_zero),
    ),
    shared.masked_after_softmax(edit(SOFTMAX, "torch.softmax(scores, dim=-1) * seen"), rewrite(masked_late)),
    mistake(
        "negative-window-accepted",
        "interface",
        edit(NEGATIVE, "window = max(window, 0)"),
        edit(NEGATIVE, "window = abs(window)"),
        edit(NEGATIVE, ""),
        en="A negative window should raise ValueError.",
        zh="window 为负时应当抛出 ValueError。",
    ),
    mistake(
        "zero-window-refused",
        "interface",
        edit("if window < 0", "if window <= 0"),
        en="A window of 0 is refused; it is allowed: each query sees itself alone. Only a negative one raises ValueError.",
        zh="window 为 0 时报了错；0 是允许的：每个查询只看自己。只有负数才抛出 ValueError。",
    ),
    mistake(
        "quadratic",
        "resources",
        rewrite(quadratic),
        rewrite(mask_of_all_pairs),
        en="A tensor with L·L elements is made on the way (the full scores, or a mask of all pairs). "
        "Compute scores for the offsets −window … window only.",
        zh="过程中生成了含 L·L 个元素的张量（完整的打分，或所有位置对的掩码）。只计算偏移 −window … window 的打分。",
    ),
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "q.shape[-1] ** -1.0")),
    mistake(
        "scale-by-window",
        "scaling",
        edit(SCALE, "(2 * window + 1) ** -0.5"),
        en="Your scale comes from the width of the window; it is 1/√d, from the size of one key vector.",
        zh="缩放用了窗口的宽度；应当是 1/√d，d 是单个键向量的维度。",
    ),
    shared.softmax_over_queries(
        edit(SOFTMAX, f"torch.softmax({FILLED}, dim=-2)"),
        edit(SOFTMAX, f"torch.softmax({FILLED}, dim=-2).nan_to_num(0.0)"),
    ),
    *shared.softmax_by_fixed_axis(SOFTMAX, FILLED, ".nan_to_num(0.0)"),
    mistake(
        "overflow",
        "numerics",
        edit(SOFTMAX, f"torch.exp({FILLED})\n    weights = weights / weights.sum(-1, keepdim=True)"),
        en="The exponential of a large score overflows: subtract the row's largest score first, or use torch.softmax.",
        zh="较大打分的指数会溢出：先减去该行的最大打分，或使用 torch.softmax。",
    ),
    mistake(
        "weights-returned",
        "interface",
        edit('return torch.einsum("...lw,...lwd->...ld", weights, v[..., j, :])',
             'return torch.einsum("...lw,...lwd->...ld", weights, v[..., j, :]), weights'),
        en="The output alone is asked for, not a pair with the weights.",
        zh="只要求返回输出，不要连同权重一起返回。",
    ),
    shared.returns_float32(
        edit(
            (f'"...ld,...lwd->...lw", q, {KEYS}', f'"...ld,...lwd->...lw", q.float(), {KEYS}.float()'),
            ("weights, v[..., j, :]", "weights, v[..., j, :].float()"),
        ),
        edit("weights, v[..., j, :])", "weights, v[..., j, :]).float()"),
    ),
    shared.inputs_changed(
        edit("scores = torch", "q.mul_(2.0)\n    q = q / 2\n    scores = torch"),
        edit((", q, ", ", q.detach().mul_(0.5) * 2, ")),
    ),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()")),
    shared.library_called(rewrite(library)),
)

exercise = Exercise(
    targets=("local_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(local_attention,),
    forbidden=LIBRARY_ATTENTION,
)
