"""How local attention is graded."""

from collections.abc import Iterator

import torch
from shared import huge_scores, nan_or_patched, scores_far_below, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard

LONG = 300
"""Long enough for a right answer that takes its queries in blocks of 256 to stay below L·L."""


def cases(rand: Inputs) -> Iterator[Case]:
    def tokens(*batch: int, L: int, d: int, d_v: int) -> tuple[torch.Tensor, ...]:
        return rand.qkv(*batch, L=L, S=L, d=d, d_v=d_v)

    different = call(*tokens(2, 3, L=11, d=6, d_v=4), 2)
    yield Case("every size different", different, gradients=True, twice=True, public=True)
    yield Case("no leading axes", call(*tokens(L=7, d=5, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", call(*tokens(2, L=9, d=20, d_v=3), 2), family="scaling")
    yield Case("as many leading axes as one likes", call(*tokens(2, 1, 3, L=8, d=4, d_v=5), 1), family="shape")
    yield Case("one token", call(*tokens(1, 1, L=1, d=3, d_v=2), 2), family="shape")
    causal = call(*tokens(2, 3, L=12, d=5, d_v=4), 3, causal=True)
    yield Case("causal", causal, family="masking", gradients=True, public=True)
    yield Case("a window of 0: itself alone", call(*tokens(2, L=5, d=4, d_v=3), 0), family="masking")
    yield Case("a window wider than the sequence", call(*tokens(2, L=6, d=5, d_v=3), 9), family="masking")
    wide = call(*tokens(2, L=5, d=6, d_v=3), 7, causal=True)
    yield Case("a window wider than the sequence, causal", wide, family="masking")
    low, high = (scores(rand, 2, L=9, S=9, d=16, d_v=3) for scores in (scores_far_below, huge_scores))
    yield Case("scores near −10,000", call(*low, 2), family="masking", tolerance=1e-3)
    yield Case("scores near 10,000", call(*high, 3), tolerance=1e-3)
    for causal, said in ((False, "long"), (True, "long, causal")):
        long = call(*tokens(1, L=LONG, d=3, d_v=2), 2, causal=causal)
        reason = f"{said}: no tensor with L·L elements"
        yield Case(reason, long, family="resources", max_elements=LONG * LONG - 1, essential=True)
    yield Case("a negative window", call(*tokens(2, L=5, d=4, d_v=3), -1), family="interface", raises="ValueError")
    yield from standard(lambda: call(*tokens(2, 3, L=10, d=8, d_v=5), 3), dtypes=("float64",))
    yield from standard(lambda: call(*tokens(2, L=6, d=8, d_v=5), 2, causal=True), dtypes=("bfloat16",), strides=False)


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
NEGATIVE = 'if window < 0:\n        raise ValueError("window must not be negative")'
LENGTH = "L = q.shape[-2]"
OFFSETS = "torch.arange(-window, window + 1, device=q.device)"
EXISTS = "seen = (j >= 0) & (j < L)"
CAUSAL = "if causal:\n        seen = seen & (j <= i)"
CLAMP = "j = j.clamp(0, L - 1)"
KEYS, VALUES = "k[..., j, :]", "v[..., j, :]"
FILLED = 'scores.masked_fill(~seen, float("-inf"))'
SOFTMAX = f"torch.softmax({FILLED}, dim=-1)"
RETURN = f'return torch.einsum("...lw,...lwd->...ld", weights, {VALUES})'

ALL_EXIST = (EXISTS, "seen = torch.ones_like(j, dtype=torch.bool)")
WRAPPED = ALL_EXIST, (CLAMP, "j = j % L")
"""A causal mask may then be made from the positions before or after they wrap."""
EVERY_KEY = (OFFSETS, "torch.arange(1 - L, L, device=q.device)")
WINDOW_LATER = EVERY_KEY, (EXISTS, "exists = (j >= 0) & (j < L)\n    seen = (i - j).abs() <= window")
"""All scores first, as in a textbook: what is not within the window is then hidden, more or less well."""
OF_EXISTING = 'scores.masked_fill(~exists, float("-inf"))'
OVER_QUERIES = f"torch.softmax({FILLED}, dim=-2)"


def also(condition: str) -> tuple[str, str]:
    """A key has to meet one more condition in order to be seen."""
    return EXISTS, f"{EXISTS} & ({condition})"


mistakes = known(
    one_too_narrow=[
        replace(OFFSETS, "torch.arange(-window + 1, max(window, 1), device=q.device)"),
        *nan_or_patched(SOFTMAX, also("(i - j).abs() < window")),
        replace(*also("(i - j).abs() < max(window, 1)")),
    ],
    end_not_included=[
        replace(*also("(j < i + window) | (window == 0) & (j == i)")),
        *nan_or_patched(SOFTMAX, also("(j < i + window) | causal")),
        *nan_or_patched(SOFTMAX, also("j < i + window")),
    ],
    one_too_wide=replace(OFFSETS, "torch.arange(-window - 1, window + 2, device=q.device)"),
    window_is_whole_width=replace(OFFSETS, "torch.arange(-(window // 2), window // 2 + 1, device=q.device)"),
    one_sided=[
        replace(CAUSAL, "seen = seen & (j <= i)"),
        replace(CAUSAL, "seen = seen & (j <= i) if causal else seen & (j >= i)"),
    ],
    causal_ignored=replace(CAUSAL, "pass"),
    causal_strict=nan_or_patched(SOFTMAX, ("j <= i", "j < i")),
    causal_reversed=replace("j <= i", "j >= i"),
    wraps_around=[
        replace(*WRAPPED),
        replace(*WRAPPED, (CAUSAL, ""), ("scores = ", "seen = seen & ((j <= i) | (not causal))\n    scores = ")),
        replace((EXISTS, "seen = j < L"), (CLAMP, "j = j.clamp(-L, L - 1)")),
        replace((EXISTS, "seen = j >= 0"), (CLAMP, "j = j % L")),
    ],
    padding_counted=replace(
        (EXISTS, f"real = ((j >= 0) & (j < L)).unsqueeze(-1)\n    {ALL_EXIST[1]}"),
        *((padded, f"({padded} * real)") for padded in (KEYS, VALUES)),
    ),
    ends_repeated=replace(*ALL_EXIST),
    window_shifted_at_ends=replace(
        (f"i + {OFFSETS}", "(i - window).clamp(0, L - width) + torch.arange(width, device=q.device)"),
        (LENGTH, f"{LENGTH}\n    width = min(2 * window + 1, L)"),
    ),
    blocks_do_not_overlap=[
        replace(
            (OFFSETS, "torch.arange(-2 * window, 2 * window + 1, device=q.device)"), also(f"i // {size} == j // {size}")
        )
        for size in ("max(window, 1)", "(2 * window + 1)", "(window + 1)")
    ],
    no_window=replace(*EVERY_KEY),
    masked_scores_zero=[
        replace('float("-inf")', "0.0"),
        replace(*WINDOW_LATER, (FILLED, OF_EXISTING.replace("scores", "(scores * seen)"))),
    ],
    mask_after_softmax=[
        replace(SOFTMAX, "torch.softmax(scores, dim=-1) * seen"),
        replace(*WINDOW_LATER, (SOFTMAX, f"torch.softmax({OF_EXISTING}, dim=-1) * seen")),
    ],
    negative_window_accepted=[
        replace(NEGATIVE, new) for new in ("window = max(window, 0)", "window = abs(window)", "")
    ],
    zero_window_refused=replace("if window < 0", "if window <= 0"),
    quadratic=[
        replace(*WINDOW_LATER, ("~seen", "~(seen & exists)")),
        replace(LENGTH, f"{LENGTH}\n    torch.ones(L, L, dtype=torch.bool)"),
    ],
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    scale_by_window=replace(SCALE, "(2 * window + 1) ** -0.5"),
    softmax_over_queries=[replace(SOFTMAX, OVER_QUERIES), replace(SOFTMAX, f"{OVER_QUERIES}.nan_to_num(0.0)")],
    **softmax_by_fixed_axis(SOFTMAX, FILLED, ".nan_to_num(0.0)"),
    overflow=replace(SOFTMAX, f"torch.exp({FILLED})\n    weights = weights / weights.sum(-1, keepdim=True)"),
    weights_returned=replace(RETURN, f"{RETURN}, weights"),
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
)

exercise = Exercise(
    targets=("local_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(local_attention,),
    forbidden=LIBRARY_ATTENTION,
)
