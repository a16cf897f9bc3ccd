"""How chunked attention is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import huge_scores

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    qkv = rand.qkv
    yield Case("one chunk holds every key", call(*qkv(2, L=4, S=6, d=5, d_v=3), 6))
    two = call(*qkv(2, 3, L=5, S=8, d=6, d_v=7), 4)
    yield Case("every size different, two full chunks", two, gradients=True, twice=True, public=True)
    yield Case("chunks of one key, no leading axes", call(*qkv(L=3, S=5, d=4, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", call(*qkv(2, L=4, S=6, d=20, d_v=3), 2), family="scaling")
    yield Case("the last chunk is not full", call(*qkv(2, L=4, S=11, d=6, d_v=5), 3), family="shape", public=True)
    yield Case("a chunk larger than S", call(*qkv(2, L=4, S=5, d=6, d_v=3), 8), family="shape")
    yield Case("as many leading axes as one likes", call(*qkv(2, 1, 3, L=2, S=6, d=4, d_v=5), 3), family="shape")

    def causal(reason: str, qkv: tuple[torch.Tensor, ...], chunk_size: int, gradients: bool = False) -> Case:
        return Case(reason, call(*qkv, chunk_size, causal=True), family="masking", gradients=gradients)

    same, fewer, more = qkv(2, L=7, S=7, d=5, d_v=4), qkv(2, L=3, S=8, d=4, d_v=5), qkv(2, L=6, S=4, d=5, d_v=3)
    yield causal("causal: later chunks are hidden from the first queries", same, 2, gradients=True)
    yield causal("decoding: fewer queries than keys, causal", fewer, 3)
    yield causal("more queries than keys, causal: the first see nothing", more, 3, gradients=True)
    yield Case("scores near 10,000", call(*huge_scores(rand, 2, L=4, S=9, d=16, d_v=3), 2), tolerance=1e-3)
    q, k, v = huge_scores(rand, 2, L=4, S=7, d=16, d_v=3)
    k[..., 0] = -80.0
    yield Case("every score near −10,000", call(q, k, v, 3), tolerance=1e-3)
    for hidden, said in ((False, "long"), (True, "long, causal")):
        long = call(*qkv(1, L=40, S=150, d=4, d_v=3), 5, causal=hidden)
        reason = f"{said}: no tensor larger than allowed"
        yield Case(reason, long, family="resources", max_elements=150 * 4, essential=True)
    yield from standard(lambda: call(*qkv(2, 3, L=5, S=6, d=8, d_v=7), 2), dtypes=("float64",))
    yield from standard(
        lambda: call(*qkv(2, L=4, S=6, d=8, d_v=5), 4, causal=True), dtypes=("bfloat16",), strides=False
    )


def chunked_attention(q, k, v, chunk_size, causal=False):
    """The oracle: the library, all keys at once."""
    import torch.nn.functional as F

    L, S = q.shape[-2], k.shape[-2]
    mask = torch.ones(L, S, dtype=torch.bool).tril(S - L) if causal else None
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


SCALE = "q = q * q.shape[-1] ** -0.5"
LAST = "+ (S - L)"
START = 'q.new_full((*q.shape[:-1], 1), float("-inf"))'
ZERO = "q.new_zeros(*q.shape[:-1], 1)"
LOOP = "range(0, S, chunk_size)"
FOR = f"    for start in {LOOP}"
SCORES = "q @ keys.transpose(-2, -1)"
PLACE = "torch.arange(start, start + keys.shape[-2], device=q.device)"
HIDDEN = "place > last"
CAUSAL = f'scores = scores.masked_fill({HIDDEN}, float("-inf"))'
HIGHEST = "scores.detach().amax(dim=-1, keepdim=True)"
NEW = f"torch.maximum(top, {HIGHEST})"
SHIFT = 'new_top.masked_fill(new_top == float("-inf"), 0.0)'
CORRECTION = "torch.exp(top - shift)"
PART = "torch.exp(scores - shift)"
TOTAL = "total * correction"
OUTPUT = "output * correction"
KEEP = "top = new_top"
RESULT = "output / total.masked_fill(total == 0, 1.0)"

UNGUARDED = (RESULT, "output / total")
NOT_RESCALED = (TOTAL, "total"), (OUTPUT, "output")
OWN_SOFTMAX = (PART, "torch.softmax(scores, dim=-1).nan_to_num(0.0)")
UNDIVIDED = (OUTPUT, "output"), (RESULT, "output")
COUNTED = (f"{TOTAL} + part.sum(dim=-1, keepdim=True)", "total + 1"), (OUTPUT, "output")
LSE = "torch.logsumexp(scores, dim=-1, keepdim=True)"
MAX_OF_CHUNK = (
    (NEW, HIGHEST),
    (SHIFT, "torch.maximum(top, new_top)"),
    (PART, "torch.exp(scores - new_top) * torch.exp(new_top - shift)"),
    (KEEP, "top = shift"),
)
"""Exponentials relative to the maximum of the chunk, −∞ where all of it is hidden."""


def first(line: str) -> Any:
    """The reference with a line in front."""
    return replace("L, S = ", f"{line}\n    L, S = ")


mistakes = known(
    not_rescaled=[replace(*NOT_RESCALED), replace(TOTAL, "total"), replace(OUTPUT, "output")],
    rescaled_the_wrong_way=[
        replace(CORRECTION, 'torch.exp(shift - top.masked_fill(top == float("-inf"), 0.0))'),
        replace(CORRECTION, "torch.exp(shift - top)"),
        replace(CORRECTION, 'torch.where(top == float("-inf"), 0.0, torch.exp(shift - top))'),
    ],
    max_not_running=[
        replace(NEW, HIGHEST),
        replace((NEW, HIGHEST), (CORRECTION, 'torch.exp(top.masked_fill(top == float("-inf"), 0.0) - shift)')),
    ],
    overflow=replace(NEW, "torch.maximum(top, torch.zeros_like(top))"),
    max_starts_at_zero=[replace(START, ZERO), replace((START, ZERO), UNGUARDED)],
    chunks_averaged=[
        replace(OWN_SOFTMAX, *COUNTED),
        replace((PART, "torch.softmax(scores, dim=-1)"), *COUNTED),
        replace(OWN_SOFTMAX, *NOT_RESCALED),
        replace(OWN_SOFTMAX, *UNDIVIDED),
        replace(OWN_SOFTMAX, *UNDIVIDED, ("part @ values", "part @ values * keys.shape[-2] / S")),
    ],
    not_divided=replace(RESULT, "output"),
    last_chunk_dropped=[
        replace(LOOP, "range(0, S - chunk_size + 1, chunk_size)"),
        replace((LOOP, "range(0, S - chunk_size + 1, chunk_size)"), UNGUARDED),
    ],
    chunks_must_fit=[
        first("k, v = (torch.stack(x.split(chunk_size, -2)).movedim(0, -3).flatten(-3, -2) for x in (k, v))"),
        first("k.reshape(*k.shape[:-2], k.shape[-2] // chunk_size, chunk_size, k.shape[-1])"),
    ],
    padding_counted=replace(
        FOR, f"    k, v = (torch.nn.functional.pad(x, (0, 0, 0, -S % chunk_size)) for x in (k, v))\n{FOR}"
    ),
    causal_ignored=replace(CAUSAL, "pass"),
    causal_top_left=replace(LAST, ""),
    causal_within_chunk=[
        replace(PLACE, PLACE.replace("start, start + ", "")),
        replace((PLACE, PLACE.replace("start, start + ", "")), (LAST, "")),
    ],
    causal_strict=replace(HIDDEN, "place >= last"),
    causal_reversed=[replace(HIDDEN, "place <= last"), replace(HIDDEN, "place < last")],
    masked_scores_zero=replace(CAUSAL, CAUSAL.replace('float("-inf")', "0.0")),
    hidden_chunk_nan=[
        replace(*MAX_OF_CHUNK),
        replace(*MAX_OF_CHUNK, UNGUARDED),
        replace(
            (NEW, f"torch.logaddexp(top, {LSE})"),
            (SHIFT, "new_top"),
            (PART, f"torch.softmax(scores, dim=-1) * torch.exp({LSE} - shift)"),
            (RESULT, "output"),
        ),
    ],
    empty_rows_nan=[replace(*UNGUARDED), replace(SHIFT, "new_top"), replace((SHIFT, "new_top"), UNGUARDED)],
    empty_rows_uniform=replace(CAUSAL, CAUSAL.replace('float("-inf")', "-1e9")),
    quadratic=[
        replace(SCORES, "(q @ k.transpose(-2, -1))[..., start : start + chunk_size]"),
        replace(
            (FOR, f"    parts = []\n{FOR}"), (KEEP, f"{KEEP}\n        parts = torch.stack([*parts, part @ values])")
        ),
        replace(CAUSAL, CAUSAL.replace(HIDDEN, "(torch.arange(S, device=q.device) > last)[:, place]")),
        replace(FOR, f"    chunk_size = -(-S // min(chunk_size, S))\n{FOR}"),
    ],
    no_scale=replace(SCALE, "q = q * 1.0"),
    scale_by_d=replace(SCALE, "q = q * q.shape[-1] ** -1.0"),
    scale_by_chunk=replace(SCALE, "q = q * chunk_size ** -0.5"),
    lse_returned=replace(RESULT, f"{RESULT}, total"),
    detached_part=[
        replace(PART, f"{PART}.detach()"),
        replace(RESULT, RESULT.replace("total.", "total.detach().")),
        replace(PART, "torch.exp(scores.detach() - shift)"),
        replace((TOTAL, "total.detach() * correction"), (OUTPUT, "output.detach() * correction")),
    ],
)

exercise = Exercise(
    targets=("chunked_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(chunked_attention,),
    forbidden=LIBRARY_ATTENTION,
)
