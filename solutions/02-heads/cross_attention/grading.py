"""How cross-attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import (
    EMPTY,
    FILL,
    another_scale,
    either,
    heads_mistaken,
    huge_scores,
    layers_named,
    mask_changed_in_place,
    masks_mistaken,
    picks,
    projected,
    scores_far_below,
    two_masks,
    weights_alone,
    weights_of_heads_mistaken,
    with_layers,
)
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int, C: int) -> tuple[Tensor, Tensor]:
        return rand.normal(B, L, E), rand.normal(B, S, C)

    yield layers_named(8, 2)
    yield layers_named(8, 2, context_dim=6)
    # Keys, and values that are one-hot, side by side in the context.
    key_and_value = torch.cat([rand.normal(2, 4, 8), torch.eye(4).repeat(2, 1, 2)], dim=-1)
    layers = {
        "q_proj": torch.eye(8),
        "k_proj": torch.eye(16)[:8],
        "v_proj": torch.eye(16)[8:],
        "out_proj": torch.eye(8),
    }
    scale = built(8, 2, 16)(layers, rand.normal(2, 3, 8), key_and_value)
    yield Case("the scale, from the size of a head", scale, "scaling", probe=weights_alone, fault=another_scale)
    yield Case("x and context alike in size", built(12, 3)(*inputs(2, 5, 5, 12, 12)), gradients=True, public=True)
    yield Case("another length", built(10, 2)(*inputs(3, 4, 7, 10, 10)), "shape", twice=True, public=True)
    yield Case("another width", built(8, 4, context_dim=6)(*inputs(3, 5, 5, 8, 6)), "shape")
    yield Case("another length and another width", built(15, 3, 7)(*inputs(2, 6, 4, 15, 7)), "shape", gradients=True)
    yield Case("a context longer by a whole factor", built(8, 2)(*inputs(2, 3, 6, 8, 8)), "shape")
    yield Case("batch 1, one query, one head", built(5, 1, 3)(*inputs(1, 1, 4, 5, 3)), "shape")

    def masked(reason: str, heads: int, sizes: tuple[int, ...], mask: Tensor, **options: Any) -> Case:
        _, _, _, E, C = sizes
        return Case(reason, built(E, heads, C)(*inputs(*sizes), context_mask=mask), "masking", **options)

    padding = rand.mask(2, 7)
    yield masked("padding in the context", 3, (2, 5, 7, 12, 9), padding, gradients=True, public=True)
    uneven = torch.tensor([[True, False, False], [True, True, False], [False, True, True]])
    yield masked("a mask where batch, heads and lengths are all 3", 3, (3, 3, 3, 6, 6), uneven)
    hidden = rand.mask(3, 5)
    hidden[1] = False
    yield masked("a context that is hidden altogether: out_proj's bias", 2, (3, 4, 5, 8, 6), hidden, gradients=True)
    # All that matters of these keys are two features; the others of the context are values.
    layers = dict.fromkeys(("q_proj", "out_proj"), torch.eye(16))
    layers |= {"k_proj": picks(16, 0, 1), "v_proj": picks(16, *range(2, 16))}

    def joined(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        return query, torch.cat([key[..., :2], value], dim=-1)

    far = built(16, 1)(layers, *joined(*huge_scores(rand, 2, L=4, S=6, d=16, d_v=14)))
    yield Case("scores near 10,000", far, probe=with_layers, tolerance=1e-3)
    low = built(16, 1)(layers, *joined(*scores_far_below(rand, 2, L=4, S=6, d=16, d_v=14)), rand.mask(2, 6))
    yield Case("scores near −10,000, some of them hidden", low, "masking", probe=with_layers, tolerance=1e-3)
    twice = built(8, 2, 6)(*inputs(2, 3, 5, 8, 6), rand.mask(2, 5), rand.mask(2, 5))
    yield Case("another mask of the same shape in the second call", twice, "state", probe=two_masks)
    yield Case("in training mode the same", built(6, 2, 5).train()(*inputs(2, 3, 4, 6, 5)), "state")
    yield from standard(
        lambda: built(15, 3, 9)(*inputs(2, 4, 6, 15, 9), context_mask=rand.mask(2, 6)), dtypes=("float64", "bfloat16")
    )
    yield Case("embed_dim 6 in 4 heads", built(6, 4), "interface", raises="ValueError")


def CrossAttention(embed_dim, num_heads, context_dim=None):
    """The oracle: PyTorch's own attention, one head after the other."""
    if embed_dim % num_heads != 0:
        raise ValueError("embed_dim")
    width = context_dim or embed_dim

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = {"q_proj": embed_dim, "k_proj": width, "v_proj": width, "out_proj": embed_dim}
            for name, size in sizes.items():
                self.add_module(name, nn.Linear(size, embed_dim))

        def forward(self, x, context, context_mask=None):
            attend = nn.functional.scaled_dot_product_attention
            parts = self.q_proj(x), self.k_proj(context), self.v_proj(context)
            heads = zip(*(part.chunk(num_heads, dim=-1) for part in parts), strict=True)
            mask = None if context_mask is None else context_mask.unsqueeze(1)
            return self.out_proj(torch.cat([attend(*head, attn_mask=mask) for head in heads], dim=-1))

    return Module()


SPLIT = "features.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)"
MERGE = "(weights @ v).transpose(1, 2).flatten(2)"
MASK = "context_mask[:, None, None, :]"
OF_QUERIES = "context_mask[:, None, :, None]"
OUTPUT = f"return self.out_proj({MERGE})"
WIDTH = "context_dim = embed_dim if context_dim is None else context_dim"
BEGINNING = "q = split("
made = partial(projected, ("x", "context", "context"), "{} = split(self.{}_proj({}))")

mistakes = known(
    queries_from_context=made(of=("context", "context", "context")),
    sides_swapped=made(of=("context", "x", "x")),
    keys_from_x=made(of=("x", "x", "context")),
    values_from_x=made(of=("x", "context", "x")),
    context_ignored=[made(of=("x", "x", "x")), replace(BEGINNING, f"context = x\n        {BEGINNING}")],
    key_value_swapped=made("qvk"),
    one_projection=[made("qkk"), made("qvv")],
    context_dim_ignored=[
        replace(WIDTH, "context_dim = embed_dim"),
        replace("self.v_proj = nn.Linear(context_dim,", "self.v_proj = nn.Linear(embed_dim,"),
        replace("self.k_proj = nn.Linear(context_dim,", "self.k_proj = nn.Linear(embed_dim,"),
    ],
    context_dim_required=replace(WIDTH, "pass"),
    lengths_confused=[
        replace(SPLIT, "features.view(len(x), x.shape[1], self.num_heads, self.head_dim).transpose(1, 2)"),
        replace(MERGE, "(weights @ v).transpose(1, 2).reshape(len(x), context.shape[1], -1)"),
    ],
    **heads_mistaken("features", "(weights @ v)", "x"),
    scale_by_context=replace("self.head_dim ** -0.5", "context.shape[-1] ** -0.5"),
    **weights_of_heads_mistaken,
    **masks_mistaken,
    mask_on_queries=[
        replace(MASK, OF_QUERIES),
        replace((MASK, OF_QUERIES), (EMPTY, "weights.nan_to_num()")),
        replace((MASK, OF_QUERIES), (EMPTY, "weights")),
        replace((FILL, "scores"), (EMPTY, f"weights * {OF_QUERIES}")),
    ],
    mask_misaligned=either(MASK, "context_mask", "context_mask[:, None, :]", "context_mask[None, :, None, :]"),
    mask_of_first_sequence=replace(MASK, "context_mask[:1, None, None, :]"),
    empty_rows_without_bias=replace(
        OUTPUT, f"{OUTPUT} * (1 if context_mask is None else context_mask.any(dim=-1)[:, None, None])"
    ),
    residual_added=replace("return self", "return x + self"),
    context_detached=replace(BEGINNING, f"context = context.detach()\n        {BEGINNING}"),
    inputs_changed=[
        replace(BEGINNING, f"x.mul_(2.0)\n        x = x / 2.0\n        {BEGINNING}"),
        replace(BEGINNING, f"context.mul_(2.0)\n        context = context / 2.0\n        {BEGINNING}"),
        mask_changed_in_place,
    ],
)

exercise = Exercise(
    targets=("CrossAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(CrossAttention,),
    forbidden=LIBRARY_ATTENTION,
)
