"""How chunked attention is graded."""

from collections.abc import Iterator

import torch
from shared import huge_scores

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case("one chunk holds every key", call(*rand.qkv(2, L=4, S=6, d=5, d_v=3), 6))
    yield Case(
        "every size different, two full chunks",
        call(*rand.qkv(2, 3, L=5, S=8, d=6, d_v=7), 4),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("chunks of one key, no leading axes", call(*rand.qkv(L=3, S=5, d=4, d_v=2), 1), public=True)
    yield Case("another head size: a fixed scale shows", call(*rand.qkv(2, L=4, S=6, d=20, d_v=3), 2), family="scaling")
    yield Case("the last chunk is not full", call(*rand.qkv(2, L=4, S=11, d=6, d_v=5), 3), family="shape", public=True)
    yield Case("a chunk larger than S", call(*rand.qkv(2, L=4, S=5, d=6, d_v=3), 8), family="shape")
    yield Case("as many leading axes as one likes", call(*rand.qkv(2, 1, 3, L=2, S=6, d=4, d_v=5), 3), family="shape")
    q, k, v = rand.qkv(2, 3, L=5, S=6, d=8, d_v=7)
    yield Case(
        "memory in another order (non-contiguous)",
        call(q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT, 2),
        family="shape",
    )
    yield Case(
        "causal: later chunks are hidden from the first queries",
        call(*rand.qkv(2, L=7, S=7, d=5, d_v=4), 2, causal=True),
        family="masking",
        gradients=True,
    )
    yield Case(
        "decoding: fewer queries than keys, causal",
        call(*rand.qkv(2, L=3, S=8, d=4, d_v=5), 3, causal=True),
        family="masking",
    )
    yield Case(
        "more queries than keys, causal: the first see nothing",
        call(*rand.qkv(2, L=6, S=4, d=5, d_v=3), 3, causal=True),
        family="masking",
        gradients=True,
    )
    yield Case("scores near 10,000", call(*huge_scores(rand, 2, L=4, S=9, d=16, d_v=3), 2), tolerance=1e-3)
    q, k, v = huge_scores(rand, 2, L=4, S=7, d=16, d_v=3)
    k[..., 0] = -80.0
    yield Case("every score near −10,000", call(q, k, v, 3), tolerance=1e-3)
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor larger than allowed",
            call(*rand.qkv(1, L=40, S=150, d=4, d_v=3), 5, causal=causal),
            family="resources",
            max_elements=150 * 4,
        )
    yield Case("float64", call(*rand.qkv(2, L=3, S=5, d=6, d_v=4), 2), family="dtype", dtype="float64")
    yield Case(
        "bfloat16, causal", call(*rand.qkv(2, L=4, S=6, d=8, d_v=5), 4, causal=True), family="dtype", dtype="bfloat16"
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


mistakes = known(
    not_rescaled=[replace((TOTAL, "total"), (OUTPUT, "output")), replace(TOTAL, "total"), replace(OUTPUT, "output")],
    rescaled_the_wrong_way=[
        replace("torch.exp(top - shift)", 'torch.exp(shift - top.masked_fill(top == float("-inf"), 0.0))'),
        replace("torch.exp(top - shift)", "torch.exp(shift - top)"),
        replace("torch.exp(top - shift)", 'torch.where(top == float("-inf"), 0.0, torch.exp(shift - top))'),
    ],
    max_not_running=[
        replace(NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
        replace(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            ("torch.exp(top - shift)", 'torch.exp(top.masked_fill(top == float("-inf"), 0.0) - shift)'),
        ),
    ],
    overflow=replace((NEW, "torch.maximum(top, torch.zeros_like(top))")),
    max_starts_at_zero=[
        replace('q.new_full((*q.shape[:-1], 1), float("-inf"))', "q.new_zeros(*q.shape[:-1], 1)"),
        replace(
            ('q.new_full((*q.shape[:-1], 1), float("-inf"))', "q.new_zeros(*q.shape[:-1], 1)"),
            (RESULT, "output / total"),
        ),
    ],
    chunks_averaged=[
        rewrite(averaged),
        rewrite(averaged_nan),
        rewrite(averaged_over_seen),
        rewrite(summed),
        rewrite(weighted_by_length),
    ],
    not_divided=replace(f"return {RESULT}", "return output"),
    last_chunk_dropped=[
        replace(LOOP, "range(0, S - chunk_size + 1, chunk_size)"),
        replace((LOOP, "range(0, S - chunk_size + 1, chunk_size)"), (RESULT, "output / total")),
    ],
    chunks_must_fit=[
        replace(
            "L, S = ",
            "k, v = (torch.stack(x.split(chunk_size, -2)).movedim(0, -3).flatten(-3, -2) for x in (k, v))\n    L, S = ",
        ),
        replace("L, S = ", "k.reshape(*k.shape[:-2], k.shape[-2] // chunk_size, chunk_size, k.shape[-1])\n    L, S = "),
    ],
    padding_counted=replace(
        "    for start in",
        "    short = -S % chunk_size\n"
        "    k, v = (torch.nn.functional.pad(x, (0, 0, 0, short)) for x in (k, v))\n"
        "    for start in",
    ),
    causal_ignored=replace(CAUSAL, "pass"),
    causal_top_left=replace(LAST, ""),
    causal_within_chunk=[
        replace(
            "torch.arange(start, start + keys.shape[-2], device=q.device)",
            "torch.arange(keys.shape[-2], device=q.device)",
        ),
        replace(
            (
                "torch.arange(start, start + keys.shape[-2], device=q.device)",
                "torch.arange(keys.shape[-2], device=q.device)",
            ),
            (LAST, ""),
        ),
    ],
    causal_strict=replace("place > last", "place >= last"),
    causal_reversed=[replace("place > last", "place <= last"), replace("place > last", "place < last")],
    masked_scores_zero=replace(CAUSAL, "scores = scores.masked_fill(place > last, 0.0)"),
    hidden_chunk_nan=[
        replace(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            (SHIFT, "torch.maximum(top, new_top)"),
            ("torch.exp(scores - shift)", "torch.exp(scores - new_top) * torch.exp(new_top - shift)"),
            ("top = new_top", "top = shift"),
        ),
        replace(
            (NEW, "scores.detach().amax(dim=-1, keepdim=True)"),
            (SHIFT, "torch.maximum(top, new_top)"),
            ("torch.exp(scores - shift)", "torch.exp(scores - new_top) * torch.exp(new_top - shift)"),
            ("top = new_top", "top = shift"),
            (RESULT, "output / total"),
        ),
        rewrite(merged_by_lse),
    ],
    empty_rows_nan=[
        replace(RESULT, "output / total"),
        replace(SHIFT, "new_top"),
        replace((SHIFT, "new_top"), (RESULT, "output / total")),
    ],
    empty_rows_uniform=replace((CAUSAL, "scores = scores.masked_fill(place > last, -1e9)")),
    quadratic=[
        rewrite(quadratic),
        rewrite(parts_stacked),
        replace(
            CAUSAL, "scores = scores.masked_fill((torch.arange(S, device=q.device) > last)[:, place], float('-inf'))"
        ),
        replace("    for start in", "    chunk_size = -(-S // min(chunk_size, S))\n    for start in"),
    ],
    no_scale=replace(SCALE, "q = q * 1.0"),
    scale_by_d=replace(SCALE, "q = q * q.shape[-1] ** -1.0"),
    scale_by_chunk=replace(SCALE, "q = q * chunk_size ** -0.5"),
    lse_returned=replace(f"return {RESULT}", f"return {RESULT}, total"),
    returns_float32=[
        replace(SCALE, "q, k, v = q.float() * q.shape[-1] ** -0.5, k.float(), v.float()"),
        replace(f"return {RESULT}", f"return ({RESULT}).float()"),
    ],
    inputs_changed=[
        replace(SCALE, "q.detach().mul_(q.shape[-1] ** -0.5)"),
        replace(SCALE, "q = q.detach().mul_(0.5) * 2 * q.shape[-1] ** -0.5"),
    ],
    detached_part=[
        replace("torch.exp(scores - shift)", "torch.exp(scores - shift).detach()"),
        replace(f"return {RESULT}", "total = total.detach()\n    return output / total.masked_fill(total == 0, 1.0)"),
        replace("torch.exp(scores - shift)", "torch.exp(scores.detach() - shift)"),
        replace("top = new_top", "top, total, output = new_top, total.detach(), output.detach()"),
    ],
    library_called=rewrite(library),
)

exercise = Exercise(
    targets=("chunked_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(chunked_attention,),
    forbidden=LIBRARY_ATTENTION,
)
