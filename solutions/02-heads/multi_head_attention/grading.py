"""How multi-head attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from dropout_probes import DROPPED, HEADS, dropped, settled, sums_of_weights, two_calls
from shared import (
    SOFTMAX,
    another_scale,
    causal,
    follows_the_mode,
    heads_mistaken,
    huge_scores,
    instead_of,
    layers_named,
    mask_changed_in_place,
    masks_mistaken,
    projected,
    scores_far_below,
    through_modes,
    two_masks,
    weights_alone,
    weights_of_heads_mistaken,
    with_layers,
)
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int) -> tuple[Tensor, ...]:
        return rand.normal(B, L, E), rand.normal(B, S, E), rand.normal(B, S, E)

    def masked(reason: str, heads: int, sizes: tuple[int, ...], mask: Tensor, **options: Any) -> Case:
        return Case(reason, built(sizes[-1], heads)(*inputs(*sizes), mask=mask), "masking", **options)

    def plain(E: int) -> dict[str, Tensor]:
        return dict.fromkeys(("q_proj", "k_proj", "v_proj", "out_proj"), torch.eye(E))

    yield layers_named(12, 3)
    query, key, _ = inputs(2, 3, 4, 8)
    scale = built(8, 2)(plain(8), query, key, torch.eye(4).repeat(2, 1, 2))
    yield Case("the scale, from the size of a head", scale, "scaling", probe=weights_alone, fault=another_scale)
    x = rand.normal(2, 5, 12)
    yield Case("self-attention", built(12, 3)(x, x, x), gradients=True, twice=True, public=True)
    yield Case("other keys than queries, other values than keys", built(8, 2)(*inputs(3, 5, 7, 8)), public=True)
    yield Case("batch 1, one query, one head", built(5, 1)(*inputs(1, 1, 6, 5)), "shape")
    yield masked("a mask (L, S): causal", 2, (3, 5, 7, 8), causal(5, 7), public=True)
    yield masked("a mask (B, L, S): each sequence its own", 5, (2, 3, 6, 20), rand.mask(2, 3, 6), gradients=True)
    yield masked("a mask (B, L, S) where B is also the number of heads", 3, (3, 5, 4, 6), rand.mask(3, 5, 4))
    yield masked("a mask (L, S) where L is also B and the number of heads", 3, (3, 3, 5, 12), rand.mask(3, 5))
    yield masked("a mask (B, 1, S): padding", 2, (4, 3, 6, 10), rand.mask(4, 1, 6))
    blind = rand.mask(2, 4, 5)
    blind[1, 2] = False
    yield masked("a query that may see nothing: out_proj's bias", 3, (2, 4, 5, 12), blind, gradients=True)
    far = built(16, 1)(plain(16), *huge_scores(rand, 2, L=4, S=6, d=16, d_v=16))
    yield Case("scores near 10,000", far, probe=with_layers, tolerance=1e-3)
    low = built(16, 1)(plain(16), *scores_far_below(rand, 2, L=4, S=6, d=16, d_v=16), rand.mask(4, 6))
    yield Case("scores near −10,000, some of them hidden", low, "masking", probe=with_layers, tolerance=1e-3)
    twice = built(8, 2)(*inputs(2, 3, 5, 8), rand.mask(3, 5), rand.mask(3, 5))
    yield Case("another mask of the same shape in the second call", twice, "state", probe=two_masks)
    yield from standard(
        lambda: built(15, 3)(*inputs(2, 4, 6, 15), mask=rand.mask(2, 4, 6)), dtypes=("float64", "bfloat16")
    )
    yield Case("training without dropout", built(8, 4).train()(*inputs(2, 3, 5, 8)), "state")
    x = rand.normal(2, 7, 8)
    evaluating = built(8, 2, 0.5)(x, x, x)
    yield Case("dropout in evaluation: none", evaluating, "state", probe=two_calls, fault=settled, essential=True)
    yield Case(
        "dropout in training: on the weights, and inverted",
        built(4 * HEADS, HEADS, DROPPED).train()(rand.normal(8, 32, 4 * HEADS)),
        "state",
        probe=sums_of_weights,
        fault=dropped,
    )
    x = rand.normal(2, 6, 8)
    yield Case(
        "dropout in evaluation, training, evaluation, … in turn",
        built(8, 2, 0.5)(x, x, x),
        "state",
        probe=through_modes,
        summary=follows_the_mode,
    )
    yield Case("embed_dim 6 in 4 heads", built(6, 4), "interface", raises="ValueError")
    yield layers_named(6, 3, bias=False)


def MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True):
    """The oracle: PyTorch's own attention, one head after the other."""
    if embed_dim % num_heads != 0:
        raise ValueError("embed_dim")

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                self.add_module(name, nn.Linear(embed_dim, embed_dim, bias=bias))

        def forward(self, query, key, value, mask=None):
            attend = nn.functional.scaled_dot_product_attention
            parts = self.q_proj(query), self.k_proj(key), self.v_proj(value)
            heads = zip(*(part.chunk(num_heads, dim=-1) for part in parts), strict=True)
            p = dropout if self.training else 0.0
            return self.out_proj(torch.cat([attend(*head, attn_mask=mask, dropout_p=p) for head in heads], dim=-1))

    return Module()


SPLIT = "x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)"
MERGE = "context.transpose(1, 2).flatten(2)"
SCALE = "self.head_dim ** -0.5"
INTERLEAVED = (SPLIT, "x.unflatten(-1, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)")
HEAD_AXIS = "mask = mask.unsqueeze(1)"
KEYS_ONLY = "mask = mask[:, None, None, :]"
DROPPING = "self.dropout(weights)"
WEIGH = f"{DROPPING} @ v"
DROPPING_WHEN = "nn.functional.dropout(weights, self.dropout.p, {})".format
OUTPUT = f"self.out_proj({MERGE})"
LAYER = "nn.Linear(embed_dim, embed_dim, bias=bias)"
made = partial(projected, ("query", "key", "value"), "{} = split(self.{}_proj({}))")

mistakes = known(
    **heads_mistaken("x", "context", "query"),
    scale_by_heads=replace(SCALE, "self.num_heads ** -0.5"),
    length_of_the_queries=instead_of(
        SPLIT,
        "x.view(*query.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)",
        "x.reshape(*query.shape[:2], self.num_heads, -1).transpose(1, 2)",
    ),
    heads_interleaved=[replace(INTERLEAVED, (MERGE, "context.permute(0, 2, 3, 1).flatten(2)")), replace(INTERLEAVED)],
    one_projection=[made(layers) for layers in ("qqq", "vvv", "qqv", "kkv", "qkk", "qkq", "qvv", "vkv", "kkk")],
    key_value_swapped=[made(of=("query", "value", "key")), made("qvk"), made("qvk", of=("query", "value", "key"))],
    query_key_swapped=made("kqv"),
    value_from_key=[made(of=("query", "key", "key")), made("qkk", of=("query", "key", "key"))],
    self_attention_only=[made(of=("query",) * 3), made(of=("key",) * 3)],
    **weights_of_heads_mistaken,
    **masks_mistaken,
    mask_over_heads=replace(HEAD_AXIS, "pass"),
    mask_of_another_sequence=replace(
        HEAD_AXIS, "mask = mask.expand(-1, *scores.shape[2:]).repeat(self.num_heads, 1, 1).view_as(scores)"
    ),
    mask_of_first_sequence=replace(HEAD_AXIS, "mask = mask[:1].unsqueeze(1)"),
    plain_mask_misread=[
        replace("if mask.dim() == 3:", "if mask.dim() <= 3:"),
        *instead_of(
            HEAD_AXIS,
            f"{HEAD_AXIS}\n            else:\n                {KEYS_ONLY}",
            f"{HEAD_AXIS}\n            elif mask.shape[0] == len(query):\n                {KEYS_ONLY}",
        ),
    ],
    empty_rows_without_bias=replace(
        OUTPUT, f"{OUTPUT} * (1 if mask is None else mask.expand(scores.shape).any(dim=-1)[:, 0].unsqueeze(-1))"
    ),
    dropout_in_eval=instead_of(DROPPING, DROPPING_WHEN("True"), "nn.Dropout(self.dropout.p)(weights)"),
    mode_kept=[
        *instead_of(
            WEIGH,
            f"{WEIGH}\n        if not self.training:\n            self.dropout.p = 0.0",
            f"{WEIGH}\n        if not self.training:\n            self.dropout = nn.Identity()",
        ),
        *(
            replace(("context = ", f"self.on = {on}\n        context = "), (DROPPING, DROPPING_WHEN("self.on")))
            for on in ("getattr(self, 'on', self.training)", "getattr(self, 'on', False) or self.training")
        ),
    ],
    mode_from_gradients=instead_of(
        DROPPING,
        DROPPING_WHEN("self.training and torch.is_grad_enabled()"),
        DROPPING_WHEN("torch.is_grad_enabled()"),
        DROPPING_WHEN("weights.requires_grad"),
    ),
    dropout_on_output=replace((DROPPING, "weights"), (OUTPUT, f"self.dropout({OUTPUT})")),
    dropout_before_softmax=replace((DROPPING, "weights"), (SOFTMAX, "torch.softmax(self.dropout(scores), dim=-1)")),
    dropout_not_rescaled=replace(DROPPING, f"({DROPPING} * (1 - self.dropout.p if self.training else 1.0))"),
    dropout_rate_swapped=replace("nn.Dropout(dropout)", "nn.Dropout(1 - dropout if dropout else 0.0)"),
    no_dropout=replace(DROPPING, "weights"),
    bias_ignored=[
        replace("bias=bias", "bias=True"),
        replace(f"self.out_proj = {LAYER}", "self.out_proj = nn.Linear(embed_dim, embed_dim)"),
        replace(LAYER, "nn.Linear(embed_dim, embed_dim)"),
    ],
    inputs_changed=[
        replace("q = split(", "query.mul_(0.5)\n        query = query / 0.5\n        q = split("),
        mask_changed_in_place,
    ],
)

exercise = Exercise(
    targets=("MultiHeadAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(MultiHeadAttention,),
    forbidden=LIBRARY_ATTENTION,
)
