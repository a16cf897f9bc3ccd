"""How linear attention is graded."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard

LONG = 300
"""Long enough for a right answer that goes in blocks of 256 to stay below L·S."""


def cases(rand: Inputs) -> Iterator[Case]:
    qkv = rand.qkv
    yield Case("every size different", call(*qkv(2, 3, L=5, S=7, d=6, d_v=4)), gradients=True, twice=True, public=True)
    yield Case("no leading axes", call(*qkv(L=3, S=4, d=5, d_v=2)), public=True)
    yield Case("as many leading axes as one likes", call(*qkv(2, 1, 3, L=2, S=5, d=4, d_v=6)), family="shape")
    yield Case("one query, one key", call(*qkv(1, 1, L=1, S=1, d=3, d_v=2)), family="shape")
    causal = call(*qkv(2, 3, L=7, S=7, d=5, d_v=4), causal=True)
    yield Case("causal", causal, family="masking", gradients=True, public=True)
    yield Case("causal, no leading axes", call(*qkv(L=4, S=4, d=3, d_v=5), causal=True), family="masking")
    yield Case("an eps that can be seen", call(*qkv(2, L=3, S=5, d=4, d_v=6), eps=2.5), family="normalization")
    seen = call(*qkv(2, L=6, S=6, d=4, d_v=3), causal=True, eps=1.5)
    yield Case("an eps that can be seen, causal", seen, family="normalization")
    for causal, said in ((False, "long"), (True, "long, causal")):
        long = call(*qkv(1, L=LONG, S=LONG, d=3, d_v=2), causal=causal)
        reason = f"{said}: no tensor with L·S elements"
        yield Case(reason, long, family="resources", max_elements=LONG * LONG - 1, essential=True)
    yield from standard(lambda: call(*qkv(2, 3, L=4, S=6, d=8, d_v=5)), dtypes=("float64",))
    yield from standard(lambda: call(*qkv(2, L=5, S=5, d=6, d_v=3), causal=True), dtypes=("bfloat16",), strides=False)
    yield Case("bfloat16, not causal", call(*qkv(2, L=4, S=6, d=4, d_v=5)), "dtype", dtype="bfloat16")


def linear_attention(q, k, v, causal=False, eps=1e-6):
    """The oracle: all pairs, one query at a time."""

    def feature(x):
        return torch.where(x > 0, x + 1, torch.exp(x.clamp(max=0)))

    rows = []
    for i in range(q.shape[-2]):
        near = feature(q[..., i : i + 1, :]) * feature(k if not causal else k[..., : i + 1, :])
        similarity = near.sum(-1)
        mixed = (similarity.unsqueeze(-1) * v[..., : similarity.shape[-1], :]).sum(-2)
        rows.append(mixed / (similarity.sum(-1, keepdim=True) + eps))
    return torch.stack(rows, dim=-2)


FEATURES = "q, k = F.elu(q) + 1, F.elu(k) + 1"
PHI_Q, PHI_K = "(F.elu(q) + 1)", "(F.elu(k) + 1).transpose(-2, -1)"
STATES = 'torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)'
STATE = STATES.removesuffix(".cumsum(dim=-3)")
CAUSAL_NUMERATOR = 'torch.einsum("...ld,...lde->...le", q, states)'
TOTALS = "k.cumsum(dim=-2)"
TOTAL = "k.sum(dim=-2, keepdim=True)"
EPS = "denominator + eps"
RESULT = f"numerator / ({EPS})"
SCALE = "q.shape[-1] ** -0.5"

STATES_OF_ALL = (STATES, f"{STATE}.sum(dim=-3, keepdim=True).expand(*k.shape, v.shape[-1])")


def of_all_pairs(similarity: str, eps: str = "eps") -> str:
    """Attention as in a textbook: a matrix of similarities, each row divided by its sum."""
    return f"""similarity = {similarity}
    similarity = similarity.tril() if causal else similarity
    return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + {eps})"""


def softmax_of(scores: str) -> Any:
    """Softmax attention, which knows no eps."""
    return replace(FEATURES, of_all_pairs(f"({scores}).exp()", eps="0.0"))


mistakes = known(
    feature_missing_on_keys=replace(FEATURES, "q = F.elu(q) + 1"),
    feature_missing_on_queries=replace(FEATURES, "k = F.elu(k) + 1"),
    feature_missing=replace(FEATURES, "pass"),
    feature_on_values=replace(FEATURES, "q, k, v = F.elu(q) + 1, F.elu(k) + 1, F.elu(v) + 1"),
    relu_for_elu=[replace(FEATURES, f"q, k = F.relu(q){plus}, F.relu(k){plus}") for plus in ("", " + 1", " + eps")],
    elu_without_one=[
        replace(FEATURES, "q, k = F.elu(q), F.elu(k)"),
        replace(FEATURES, "q, k = F.elu(q) + 1, F.elu(k)"),
        replace(FEATURES, "q, k = F.elu(q), F.elu(k) + 1"),
    ],
    another_feature=[
        replace(FEATURES, "q, k = q.exp(), k.exp()"),
        replace(FEATURES, "q, k = F.softplus(q), F.softplus(k)"),
        replace(FEATURES, "q, k = torch.sigmoid(q), torch.sigmoid(k)"),
        replace(FEATURES, "q, k = F.gelu(q) + 1, F.gelu(k) + 1"),
        replace(FEATURES, "q, k = torch.softmax(q, dim=-1), torch.softmax(k, dim=-1)"),
        replace(
            (FEATURES, "q, k = torch.softmax(q, dim=-1), k.exp()"),
            (CAUSAL_NUMERATOR, CAUSAL_NUMERATOR.replace("q,", "q / totals,")),
            ("q @ state", "q / totals @ state"),
            (RESULT, "numerator"),
        ),
        replace(FEATURES, of_all_pairs("F.elu(q @ k.transpose(-2, -1)) + 1")),
    ],
    softmax_attention=[
        softmax_of(f"q @ k.transpose(-2, -1) * {SCALE}"),
        softmax_of("q @ k.transpose(-2, -1)"),
        softmax_of(f"{PHI_Q} @ {PHI_K}"),
    ],
    scaled_anyway=[
        replace(FEATURES, f"q, k = F.elu(q * {SCALE}) + 1, F.elu(k) + 1"),
        replace(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.25) + 1, F.elu(k * q.shape[-1] ** -0.25) + 1"),
        replace(FEATURES, f"q, k = F.elu(q * {SCALE}) + 1, F.elu(k * {SCALE}) + 1"),
        replace(RESULT, f"{RESULT} * {SCALE}"),
        replace(RESULT, f"numerator * {SCALE} / ({EPS})"),
        replace(EPS, f"denominator * {SCALE} + eps"),
    ],
    no_denominator=replace(RESULT, "numerator"),
    divided_by_count=[
        replace(RESULT, "numerator / k.shape[-2]"),
        replace(
            f"return {RESULT}",
            "count = torch.arange(1, k.shape[-2] + 1).unsqueeze(-1) if causal else k.shape[-2]\n"
            "    return (numerator / count).to(v.dtype)",
        ),
    ],
    denominator_without_query=replace("(q * totals).sum", "totals.expand_as(q).sum"),
    eps_ignored=[replace(EPS, new) for new in ("denominator", "denominator + 1e-6", "denominator.clamp(min=eps)")],
    eps_elsewhere=[
        replace(RESULT, "numerator / denominator + eps"),
        replace((FEATURES, "q, k = F.elu(q) + 1 + eps, F.elu(k) + 1 + eps"), (EPS, "denominator")),
        replace(TOTAL, f"{TOTAL} + eps"),
        replace(("* totals)", "* (totals + eps))"), (EPS, "denominator")),
    ],
    causal_ignored=[replace("if causal", "if False"), replace(STATES_OF_ALL, (TOTALS, TOTAL))],
    causal_denominator_total=replace(TOTALS, TOTAL),
    causal_numerator_total=replace(*STATES_OF_ALL),
    causal_not_cumulative=[replace((STATES, STATE), (TOTALS, "k")), replace(STATES, STATE), replace(TOTALS, "k")],
    causal_strict=replace((STATES, f"{STATES} - {STATE}"), (TOTALS, f"{TOTALS} - k")),
    causal_reversed=replace(
        (STATES, f"{STATE}.flip(-3).cumsum(dim=-3).flip(-3)"), (TOTALS, "k.flip(-2).cumsum(dim=-2).flip(-2)")
    ),
    always_causal=replace("if causal", "if causal or q.shape[-2] == k.shape[-2]"),
    quadratic=[
        replace(FEATURES, of_all_pairs(f"{PHI_Q} @ {PHI_K}")),
        replace(CAUSAL_NUMERATOR, "(q @ k.transpose(-2, -1)).tril() @ v"),
    ],
    weights_returned=replace(RESULT, f"{RESULT}, denominator"),
    detached_sums=[
        replace(RESULT, RESULT.replace("numerator", "numerator.detach()")),
        replace(RESULT, RESULT.replace("denominator", "denominator.detach()")),
        replace(("k.transpose(-2, -1) @ v", "(k.transpose(-2, -1) @ v).detach()"), (STATES, f"{STATES}.detach()")),
    ],
    library_called=replace(FEATURES, "return F.scaled_dot_product_attention(q, k, v, is_causal=causal)"),
)

exercise = Exercise(
    targets=("linear_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(linear_attention,),
    forbidden=LIBRARY_ATTENTION,
)
