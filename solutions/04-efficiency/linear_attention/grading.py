"""How linear attention is graded."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite

LONG = 300
"""Long enough for a right answer that goes in blocks of 256 to stay below L·S."""


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "every size different", call(*rand.qkv(2, 3, L=5, S=7, d=6, d_v=4)), gradients=True, twice=True, public=True
    )
    yield Case("no leading axes", call(*rand.qkv(L=3, S=4, d=5, d_v=2)), public=True)
    yield Case("as many leading axes as one likes", call(*rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6)), family="shape")
    yield Case("one query, one key", call(*rand.qkv(1, 1, L=1, S=1, d=3, d_v=2)), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        call(q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT),
        family="shape",
    )
    yield Case(
        "causal",
        call(*rand.qkv(2, 3, L=7, S=7, d=5, d_v=4), causal=True),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("causal, no leading axes", call(*rand.qkv(L=4, S=4, d=3, d_v=5), causal=True), family="masking")
    yield Case("an eps that can be seen", call(*rand.qkv(2, L=3, S=5, d=4, d_v=6), eps=2.5), family="normalization")
    yield Case(
        "an eps that can be seen, causal",
        call(*rand.qkv(2, L=6, S=6, d=4, d_v=3), causal=True, eps=1.5),
        family="normalization",
    )
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor with L·S elements",
            call(*rand.qkv(1, L=LONG, S=LONG, d=3, d_v=2), causal=causal),
            family="resources",
            max_elements=LONG * LONG - 1,
        )
    yield Case("float64", call(*rand.qkv(2, L=3, S=4, d=6, d_v=5)), family="dtype", dtype="float64")
    yield Case(
        "bfloat16, causal", call(*rand.qkv(2, L=5, S=5, d=6, d_v=3), causal=True), family="dtype", dtype="bfloat16"
    )


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
STATES = 'torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)'
TOTALS = "k.cumsum(dim=-2)"
TOTAL = "k.sum(dim=-2, keepdim=True)"
RESULT = "numerator / (denominator + eps)"


def quadratic(q, k, v, causal=False, eps=1e-6):
    similarity = (F.elu(q) + 1) @ (F.elu(k) + 1).transpose(-2, -1)
    if causal:
        similarity = similarity.tril()
    return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)


def quadratic_if_causal(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    if causal:
        similarity = (q @ k.transpose(-2, -1)).tril()
        return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)
    return q @ (k.transpose(-2, -1) @ v) / ((q * k.sum(dim=-2, keepdim=True)).sum(dim=-1, keepdim=True) + eps)


def softmax_attention(q, k, v, causal=False, eps=1e-6):
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_attention_unscaled(q, k, v, causal=False, eps=1e-6):
    scores = q @ k.transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_of_features(q, k, v, causal=False, eps=1e-6):
    scores = (F.elu(q) + 1) @ (F.elu(k) + 1).transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_of_each(q, k, v, causal=False, eps=1e-6):
    q = torch.softmax(q, dim=-1)
    if causal:
        k = torch.exp(k)
        states = torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)
        return torch.einsum("...ld,...lde->...le", q / k.cumsum(dim=-2), states)
    return q @ (torch.softmax(k, dim=-2).transpose(-2, -1) @ v)


def feature_of_scores(q, k, v, causal=False, eps=1e-6):
    similarity = F.elu(q @ k.transpose(-2, -1)) + 1
    if causal:
        similarity = similarity.tril()
    return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)


def library(q, k, v, causal=False, eps=1e-6):
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


mistakes = known(
    feature_missing_on_keys=replace(FEATURES, "q = F.elu(q) + 1"),
    feature_missing_on_queries=replace(FEATURES, "k = F.elu(k) + 1"),
    feature_missing=replace(FEATURES, "pass"),
    feature_on_values=replace(FEATURES, "q, k, v = F.elu(q) + 1, F.elu(k) + 1, F.elu(v) + 1"),
    relu_for_elu=[
        replace(FEATURES, "q, k = F.relu(q), F.relu(k)"),
        replace(FEATURES, "q, k = F.relu(q) + 1, F.relu(k) + 1"),
        replace(FEATURES, "q, k = F.relu(q) + eps, F.relu(k) + eps"),
    ],
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
        rewrite(softmax_of_each),
        rewrite(feature_of_scores),
    ],
    softmax_attention=[rewrite(softmax_attention), rewrite(softmax_attention_unscaled), rewrite(softmax_of_features)],
    scaled_anyway=[
        replace(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.5) + 1, F.elu(k) + 1"),
        replace(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.25) + 1, F.elu(k * q.shape[-1] ** -0.25) + 1"),
        replace(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.5) + 1, F.elu(k * q.shape[-1] ** -0.5) + 1"),
        replace((f"return {RESULT}", f"return {RESULT} * q.shape[-1] ** -0.5")),
        replace("numerator / (denominator", "numerator * q.shape[-1] ** -0.5 / (denominator"),
        replace("(denominator + eps)", "(denominator * q.shape[-1] ** -0.5 + eps)"),
    ],
    no_denominator=replace(f"return {RESULT}", "return numerator"),
    divided_by_count=[
        replace((f"return {RESULT}", "return numerator / k.shape[-2]")),
        replace(
            f"return {RESULT}",
            "count = torch.arange(1, k.shape[-2] + 1).unsqueeze(-1) if causal else k.shape[-2]\n"
            "    return (numerator / count).to(v.dtype)",
        ),
    ],
    denominator_without_query=replace("(q * totals).sum", "totals.expand_as(q).sum"),
    eps_ignored=[
        replace("denominator + eps", "denominator"),
        replace("denominator + eps", "denominator + 1e-6"),
        replace("denominator + eps", "denominator.clamp(min=eps)"),
    ],
    eps_elsewhere=[
        replace(RESULT, "numerator / denominator + eps"),
        replace((FEATURES, "q, k = F.elu(q) + 1 + eps, F.elu(k) + 1 + eps"), ("denominator + eps", "denominator")),
        replace(TOTAL, f"{TOTAL} + eps"),
        replace(("* totals)", "* (totals + eps))"), ("denominator + eps", "denominator")),
    ],
    causal_ignored=[
        replace("if causal", "if False"),
        replace((".cumsum(dim=-3)", ".sum(dim=-3, keepdim=True).expand(*k.shape, v.shape[-1])"), (TOTALS, TOTAL)),
    ],
    causal_denominator_total=replace(TOTALS, TOTAL),
    causal_numerator_total=replace(".cumsum(dim=-3)", ".sum(dim=-3, keepdim=True).expand(*k.shape, v.shape[-1])"),
    causal_not_cumulative=[
        replace((".cumsum(dim=-3)", ""), (TOTALS, "k")),
        replace(".cumsum(dim=-3)", ""),
        replace(TOTALS, "k"),
    ],
    causal_strict=replace((STATES, f'{STATES} - torch.einsum("...sd,...se->...sde", k, v)'), (TOTALS, f"{TOTALS} - k")),
    causal_reversed=replace(
        (STATES, 'torch.einsum("...sd,...se->...sde", k, v).flip(-3).cumsum(dim=-3).flip(-3)'),
        (TOTALS, "k.flip(-2).cumsum(dim=-2).flip(-2)"),
    ),
    always_causal=replace("if causal", "if causal or q.shape[-2] == k.shape[-2]"),
    quadratic=[rewrite(quadratic), rewrite(quadratic_if_causal)],
    weights_returned=replace(f"return {RESULT}", f"return {RESULT}, denominator"),
    returns_float32=[
        replace((FEATURES, "q, k, v = F.elu(q.float()) + 1, F.elu(k.float()) + 1, v.float()")),
        replace(f"return {RESULT}", f"return ({RESULT}).float()"),
    ],
    inputs_changed=[
        replace(FEATURES, "q, k = F.elu(q.detach(), inplace=True) + 1, F.elu(k) + 1"),
        replace(FEATURES, "q, k = F.elu(q.detach(), inplace=True) + 1, F.elu(k.detach(), inplace=True) + 1"),
        replace(FEATURES, "q.copy_(F.elu(q) + 1)\n    k.copy_(F.elu(k) + 1)"),
    ],
    detached_sums=[
        replace(("return numerator", "numerator = numerator.detach()\n    return numerator")),
        replace("denominator + eps", "denominator.detach() + eps"),
        replace(
            ("= k.transpose(-2, -1) @ v", "= (k.transpose(-2, -1) @ v).detach()"), (STATES, f"({STATES}).detach()")
        ),
    ],
    library_called=rewrite(library),
)

exercise = Exercise(
    targets=("linear_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(linear_attention,),
    forbidden=LIBRARY_ATTENTION,
)
