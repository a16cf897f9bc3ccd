"""How local attention is graded."""

from collections.abc import Iterator

import torch
from shared import huge_scores, scores_far_below, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite

LONG = 300
"""Long enough for a right answer that takes its queries in blocks of 256 to stay below L·L."""


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "every size different",
        call(*rand.qkv(2, 3, L=11, S=11, d=6, d_v=4), 2),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("no leading axes", call(*rand.qkv(L=7, S=7, d=5, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", call(*rand.qkv(2, L=9, S=9, d=20, d_v=3), 2), family="scaling")
    yield Case("as many leading axes as one likes", call(*rand.qkv(2, 1, 3, L=8, S=8, d=4, d_v=5), 1), family="shape")
    yield Case("one token", call(*rand.qkv(1, 1, L=1, S=1, d=3, d_v=2), 2), family="shape")
    q, k, v = rand.qkv(2, 3, L=10, S=10, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        call(q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT, 3),
        family="shape",
    )
    yield Case(
        "causal",
        call(*rand.qkv(2, 3, L=12, S=12, d=5, d_v=4), 3, causal=True),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("a window of 0: itself alone", call(*rand.qkv(2, L=5, S=5, d=4, d_v=3), 0), family="masking")
    yield Case("a window wider than the sequence", call(*rand.qkv(2, L=6, S=6, d=5, d_v=3), 9), family="masking")
    yield Case(
        "a window wider than the sequence, causal",
        call(*rand.qkv(2, L=5, S=5, d=6, d_v=3), 7, causal=True),
        family="masking",
    )
    yield Case(
        "scores near −10,000",
        call(*scores_far_below(rand, 2, L=9, S=9, d=16, d_v=3), 2),
        family="masking",
        tolerance=1e-3,
    )
    yield Case("scores near 10,000", call(*huge_scores(rand, 2, L=9, S=9, d=16, d_v=3), 3), tolerance=1e-3)
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor with L·L elements",
            call(*rand.qkv(1, L=LONG, S=LONG, d=3, d_v=2), 2, causal=causal),
            family="resources",
            max_elements=LONG * LONG - 1,
        )
    yield Case(
        "a negative window", call(*rand.qkv(2, L=5, S=5, d=4, d_v=3), -1), family="interface", raises="ValueError"
    )
    yield Case("float64", call(*rand.qkv(2, L=7, S=7, d=6, d_v=5), 2), family="dtype", dtype="float64")
    yield Case(
        "bfloat16, causal", call(*rand.qkv(2, L=6, S=6, d=8, d_v=5), 2, causal=True), family="dtype", dtype="bfloat16"
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

mistakes = known(
    one_too_narrow=[
        replace(OFFSETS, "torch.arange(-window + 1, max(window, 1), device=q.device)"),
        replace(EXISTS, "seen = (j >= 0) & (j < L) & ((i - j).abs() < window)"),
        replace(
            (EXISTS, "seen = (j >= 0) & (j < L) & ((i - j).abs() < window)"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)")
        ),
        replace(EXISTS, "seen = (j >= 0) & (j < L) & ((i - j).abs() < max(window, 1))"),
    ],
    end_not_included=[
        replace(EXISTS, "seen = (j >= 0) & (j < L) & ((j < i + window) | (window == 0) & (j == i))"),
        replace(EXISTS, "seen = (j >= 0) & (j < L) & ((j < i + window) | causal)"),
        replace(
            (EXISTS, "seen = (j >= 0) & (j < L) & ((j < i + window) | causal)"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)")
        ),
        replace(EXISTS, "seen = (j >= 0) & (j < L) & (j < i + window)"),
        replace((EXISTS, "seen = (j >= 0) & (j < L) & (j < i + window)"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)")),
    ],
    one_too_wide=replace(OFFSETS, "torch.arange(-window - 1, window + 2, device=q.device)"),
    window_is_whole_width=replace(OFFSETS, "torch.arange(-(window // 2), window // 2 + 1, device=q.device)"),
    one_sided=[
        replace(CAUSAL, "seen = seen & (j <= i)"),
        replace((CAUSAL, "seen = seen & (j <= i) if causal else seen & (j >= i)")),
    ],
    causal_ignored=replace(CAUSAL, "pass"),
    causal_strict=[replace("j <= i", "j < i"), replace(("j <= i", "j < i"), (SOFTMAX, f"{SOFTMAX}.nan_to_num(0.0)"))],
    causal_reversed=replace("j <= i", "j >= i"),
    wraps_around=[
        replace(*WRAPPED),
        replace(
            *WRAPPED,
            (CAUSAL, ""),
            (KEYS, "k[..., j, :]"),
            ("scores = ", "seen = seen & ((j <= i) | (not causal))\n    scores = "),
        ),
        replace((EXISTS, "seen = j < L"), (CLAMP, "j = j.clamp(-L, L - 1)")),
        replace((EXISTS, "seen = j >= 0"), (CLAMP, "j = j % L")),
    ],
    padding_counted=replace(
        (EXISTS, "real = ((j >= 0) & (j < L)).unsqueeze(-1)\n    seen = torch.ones_like(j, dtype=torch.bool)"),
        (KEYS, "(k[..., j, :] * real)"),
        ("v[..., j, :]", "(v[..., j, :] * real)"),
    ),
    ends_repeated=replace(EXISTS, "seen = torch.ones_like(j, dtype=torch.bool)"),
    window_shifted_at_ends=replace(
        f"j = i + {OFFSETS}",
        "width = min(2 * window + 1, L)\n    "
        "j = (i - window).clamp(0, L - width) + torch.arange(width, device=q.device)",
    ),
    blocks_do_not_overlap=[rewrite(blocks), rewrite(wide_blocks), rewrite(blocks_from_itself)],
    no_window=rewrite(unlimited),
    masked_scores_zero=[replace('float("-inf")', "0.0"), rewrite(scores_outside_zero)],
    mask_after_softmax=[replace(SOFTMAX, "torch.softmax(scores, dim=-1) * seen"), rewrite(masked_late)],
    negative_window_accepted=[
        replace(NEGATIVE, "window = max(window, 0)"),
        replace(NEGATIVE, "window = abs(window)"),
        replace(NEGATIVE, ""),
    ],
    zero_window_refused=replace("if window < 0", "if window <= 0"),
    quadratic=[rewrite(quadratic), rewrite(mask_of_all_pairs)],
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_by_window=replace(SCALE, "(2 * window + 1) ** -0.5"),
    softmax_over_queries=[
        replace(SOFTMAX, f"torch.softmax({FILLED}, dim=-2)"),
        replace(SOFTMAX, f"torch.softmax({FILLED}, dim=-2).nan_to_num(0.0)"),
    ],
    **softmax_by_fixed_axis(SOFTMAX, FILLED, ".nan_to_num(0.0)"),
    overflow=replace(SOFTMAX, f"torch.exp({FILLED})\n    weights = weights / weights.sum(-1, keepdim=True)"),
    weights_returned=replace(
        'return torch.einsum("...lw,...lwd->...ld", weights, v[..., j, :])',
        'return torch.einsum("...lw,...lwd->...ld", weights, v[..., j, :]), weights',
    ),
    returns_float32=[
        replace(
            (f'"...ld,...lwd->...lw", q, {KEYS}', f'"...ld,...lwd->...lw", q.float(), {KEYS}.float()'),
            ("weights, v[..., j, :]", "weights, v[..., j, :].float()"),
        ),
        replace("weights, v[..., j, :])", "weights, v[..., j, :]).float()"),
    ],
    inputs_changed=[
        replace("scores = torch", "q.mul_(2.0)\n    q = q / 2\n    scores = torch"),
        replace((", q, ", ", q.detach().mul_(0.5) * 2, ")),
    ],
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
    library_called=rewrite(library),
)

exercise = Exercise(
    targets=("local_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(local_attention,),
    forbidden=LIBRARY_ATTENTION,
)
