"""How self-attention versus multi-head attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import either, huge_scores
from torch import nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    count = partial(Case, target="parameter_count")

    def weights(B: int, heads: int, L: int, S: int, E: int) -> Any:
        return call(rand.normal(B, L, E), rand.normal(B, S, E), heads)

    weigh = partial(Case, target="head_weights")
    yield count("parameters, with biases", call(12, 3), public=True)
    yield count("parameters, as many heads as features", call(10, 10), public=True)
    yield count("parameters, one head, no biases", call(7, 1, bias=False))
    yield count("parameters, many heads, no biases", call(96, 8, bias=False))
    uneven = weights(2, 3, 5, 7, 12)
    yield weigh("weights: every size different", uneven, gradients=True, twice=True, public=True)
    yield weigh("weights: as many positions as heads", weights(3, 4, 4, 4, 8))
    yield weigh("weights: one head", weights(2, 1, 3, 4, 6))
    yield weigh("weights: heads of one feature, one query", weights(1, 5, 1, 4, 5))
    yield weigh("weights: another head size", weights(2, 2, 3, 4, 40), "scaling")
    q, k, _ = huge_scores(rand, 2, 3, L=4, S=6, d=4, d_v=1)
    joined = (q.transpose(1, 2).flatten(2), k.transpose(1, 2).flatten(2))
    yield weigh("weights: scores near 10,000", call(*joined, 3), tolerance=1e-3)
    yield from standard(lambda: weights(2, 3, 4, 5, 6), target="head_weights")


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
WHOLE = (SPLIT, "unsqueeze(1)")
SCALE = "queries.shape[-1] ** -0.5"
SOFTMAX = "torch.softmax(scores, dim=-1)"
FOR_EVERY_HEAD = (SOFTMAX, f"{SOFTMAX}.expand(-1, num_heads, -1, -1)")

mistakes = known(
    count_times_heads=either(
        COUNT,
        f"num_heads * {COUNT}",
        "(3 * num_heads + 1) * embed_dim * (embed_dim + int(bias))",
        "3 * num_heads * embed_dim * (embed_dim + int(bias))",
        "4 * embed_dim * (num_heads * embed_dim + int(bias))",
    ),
    count_over_heads=either(
        COUNT,
        f"{COUNT} // num_heads",
        "4 * embed_dim * (embed_dim // num_heads + int(bias))",
        "3 * embed_dim * (embed_dim // num_heads + int(bias)) + embed_dim * (embed_dim + int(bias))",
        "4 * (embed_dim // num_heads) * (embed_dim + int(bias))",
    ),
    out_proj_forgotten=replace(COUNT, COUNT.replace("4", "3")),
    out_proj_bias_forgotten=either(
        COUNT,
        "4 * embed_dim * embed_dim + 3 * embed_dim * int(bias)",
        "4 * embed_dim * embed_dim + embed_dim * int(bias)",
    ),
    bias_forgotten=replace(COUNT, "4 * embed_dim * embed_dim"),
    bias_always_counted=either(
        COUNT,
        "4 * embed_dim * (embed_dim + 1)",
        "4 * embed_dim * (embed_dim + int(not bias))",
        "4 * embed_dim * embed_dim + embed_dim * (4 if bias else 1)",
    ),
    bias_as_one_number=replace(COUNT, "4 * (embed_dim * embed_dim + int(bias))"),
    count_not_an_int=either(COUNT, f"float({COUNT})", f"torch.tensor({COUNT})"),
    heads_by_view=replace(*((f"{x}.{SPLIT}", f"{x}.reshape(len({x}), num_heads, {x}.shape[1], -1)") for x in "qk")),
    heads_interleaved=replace(SPLIT, "unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)"),
    heads_not_moved=replace(SPLIT, "unflatten(-1, (num_heads, -1))"),
    heads_not_split=[
        replace(WHOLE, FOR_EVERY_HEAD),
        replace(WHOLE),
        replace(WHOLE, FOR_EVERY_HEAD, (SCALE, "(q.shape[-1] / num_heads) ** -0.5")),
    ],
    heads_averaged=either(SOFTMAX, f"{SOFTMAX}.mean(1)", f"{SOFTMAX}.mean(1, keepdim=True)"),
    scale_by_model_size=replace(SCALE, "q.shape[-1] ** -0.5"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "queries.shape[-1] ** -1.0"),
    scale_by_heads=replace(SCALE, "num_heads**-0.5"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_heads=replace(SOFTMAX, "torch.softmax(scores, dim=1)"),
    no_softmax=replace(SOFTMAX, "scores"),
    softmax_overflow=replace(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
    fails_on_memory_order=replace(*((f"{x}.unflat", f"{x}.view(-1).view_as({x}).unflat") for x in "qk")),
)

exercise = Exercise(
    targets=("parameter_count", "head_weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(parameter_count, head_weights),
    forbidden=LIBRARY_ATTENTION,
)
