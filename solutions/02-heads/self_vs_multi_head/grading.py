"""How self-attention versus multi-head attention is graded."""

from collections.abc import Iterator

import torch
from shared import huge_scores
from torch import nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def count(reason, *sizes, **bias):  # type: ignore[no-untyped-def]
        return Case(reason, call(*sizes, **bias), target="parameter_count", public=not bias)

    def weigh(reason, B, heads, L, S, E, **more):  # type: ignore[no-untyped-def]
        return Case(reason, call(rand.normal(B, L, E), rand.normal(B, S, E), heads), target="head_weights", **more)

    yield count("parameters, with biases", 12, 3)
    yield count("parameters, as many heads as features", 10, 10)
    yield count("parameters, one head, no biases", 7, 1, bias=False)
    yield count("parameters, many heads, no biases", 96, 8, bias=False)
    yield weigh("weights: every size different", 2, 3, 5, 7, 12, gradients=True, twice=True, public=True)
    yield weigh("weights: as many positions as heads", 3, 4, 4, 4, 8)
    yield weigh("weights: one head", 2, 1, 3, 4, 6)
    yield weigh("weights: heads of one feature, one query", 1, 5, 1, 4, 5)
    yield weigh("weights: another head size", 2, 2, 3, 4, 40, family="scaling")
    q, k, _ = huge_scores(rand, 2, 3, L=4, S=6, d=4, d_v=1)
    joined = (q.transpose(1, 2).flatten(2), k.transpose(1, 2).flatten(2))
    yield Case("weights: scores near 10,000", call(*joined, 3), target="head_weights", tolerance=1e-3)
    q, k = rand.normal(4, 2, 6).transpose(0, 1), rand.normal(2, 6, 5).mT
    yield Case("weights: memory in another order", call(q, k, 3), family="shape", target="head_weights")
    yield weigh("weights: float64", 2, 2, 3, 4, 6, dtype="float64", family="dtype")
    yield weigh("weights: bfloat16", 2, 2, 3, 5, 8, dtype="bfloat16", family="dtype")
    yield weigh("weights: float16", 2, 2, 3, 5, 8, dtype="float16", family="dtype")


def parameter_count(embed_dim, num_heads, bias=True):
    """The oracle: build the layers and count."""
    layers = nn.ModuleList(nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(4))
    return sum(parameter.numel() for parameter in layers.parameters())


def head_weights(q, k, num_heads):
    """The oracle: PyTorch's own attention, one head after the other, with an identity for the values."""
    identity = torch.eye(k.shape[1], dtype=k.dtype, device=k.device).expand(len(k), -1, -1)
    heads = zip(q.chunk(num_heads, dim=-1), k.chunk(num_heads, dim=-1), strict=True)
    attend = torch.nn.functional.scaled_dot_product_attention
    return torch.stack([attend(queries, keys, identity) for queries, keys in heads], dim=1)


COUNT = "4 * embed_dim * (embed_dim + int(bias))"
SPLIT = "unflatten(-1, (num_heads, -1)).transpose(1, 2)"
SCALE = "queries.shape[-1] ** -0.5"
SOFTMAX = "torch.softmax(scores, dim=-1)"
SPLIT_BY_VIEW = (
    ("q.unflatten(-1, (num_heads, -1)).transpose(1, 2)", "q.reshape(q.shape[0], num_heads, q.shape[1], -1)"),
    ("k.unflatten(-1, (num_heads, -1)).transpose(1, 2)", "k.reshape(k.shape[0], num_heads, k.shape[1], -1)"),
)

mistakes = known(
    count_times_heads=[
        replace(COUNT, f"num_heads * {COUNT}"),
        replace(COUNT, "(3 * num_heads + 1) * embed_dim * (embed_dim + int(bias))"),
        replace(COUNT, "3 * num_heads * embed_dim * (embed_dim + int(bias))"),
        replace(COUNT, "4 * embed_dim * (num_heads * embed_dim + int(bias))"),
    ],
    count_over_heads=[
        replace(COUNT, f"{COUNT} // num_heads"),
        replace(COUNT, "4 * embed_dim * (embed_dim // num_heads + int(bias))"),
        replace(COUNT, "3 * embed_dim * (embed_dim // num_heads + int(bias)) + embed_dim * (embed_dim + int(bias))"),
        replace(COUNT, "4 * (embed_dim // num_heads) * (embed_dim + int(bias))"),
    ],
    out_proj_forgotten=replace(COUNT, COUNT.replace("4", "3")),
    out_proj_bias_forgotten=[
        replace(COUNT, "4 * embed_dim * embed_dim + 3 * embed_dim * int(bias)"),
        replace(COUNT, "4 * embed_dim * embed_dim + embed_dim * int(bias)"),
    ],
    bias_forgotten=replace(COUNT, "4 * embed_dim * embed_dim"),
    bias_always_counted=[
        replace(COUNT, "4 * embed_dim * (embed_dim + 1)"),
        replace(COUNT, "4 * embed_dim * (embed_dim + int(not bias))"),
        replace(COUNT, "4 * embed_dim * embed_dim + embed_dim * (4 if bias else 1)"),
    ],
    bias_as_one_number=replace(COUNT, "4 * (embed_dim * embed_dim + int(bias))"),
    count_not_an_int=[replace(COUNT, f"float({COUNT})"), replace(COUNT, f"torch.tensor({COUNT})")],
    heads_by_view=replace(*SPLIT_BY_VIEW),
    heads_interleaved=replace(SPLIT, "unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)"),
    heads_not_moved=replace(SPLIT, "unflatten(-1, (num_heads, -1))"),
    heads_not_split=[
        replace((SPLIT, "unsqueeze(1)"), (SOFTMAX, f"{SOFTMAX}.expand(-1, num_heads, -1, -1)")),
        replace(SPLIT, "unsqueeze(1)"),
        replace(
            (SPLIT, "unsqueeze(1)"),
            (SCALE, "(q.shape[-1] / num_heads) ** -0.5"),
            (SOFTMAX, f"{SOFTMAX}.expand(-1, num_heads, -1, -1)"),
        ),
    ],
    heads_averaged=[replace(SOFTMAX, f"{SOFTMAX}.mean(1)"), replace(SOFTMAX, f"{SOFTMAX}.mean(1, keepdim=True)")],
    scale_by_model_size=replace(SCALE, "q.shape[-1] ** -0.5"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "queries.shape[-1] ** -1.0"),
    scale_by_heads=replace(SCALE, "num_heads**-0.5"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_heads=replace(SOFTMAX, "torch.softmax(scores, dim=1)"),
    no_softmax=replace(SOFTMAX, "scores"),
    softmax_overflows=replace(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
    fails_on_memory_order=replace(
        ("q.unflatten(-1, (num_heads, -1))", "q.view(-1).view(*q.shape[:2], num_heads, -1)"),
        ("k.unflatten(-1, (num_heads, -1))", "k.view(-1).view(*k.shape[:2], num_heads, -1)"),
    ),
    returns_float32=replace(SOFTMAX, "torch.softmax(scores.float(), dim=-1)"),
    inputs_changed=replace(
        ("    queries =", "    q.data.mul_((q.shape[-1] // num_heads) ** -0.5)\n    queries ="), (f" * {SCALE}", "")
    ),
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
)

exercise = Exercise(
    targets=("parameter_count", "head_weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(parameter_count, head_weights),
    forbidden=LIBRARY_ATTENTION,
)
