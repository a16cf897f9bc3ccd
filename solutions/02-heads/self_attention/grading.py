"""How self-attention is graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import (
    SOFTMAX,
    another_scale,
    causal,
    either,
    huge_scores,
    layers_named,
    mask_changed_in_place,
    masks_mistaken,
    picks,
    projected,
    scores_far_below,
    two_masks,
    unless_it_fails,
    weights_alone,
    weights_mistaken,
    with_layers,
)
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, Text, built, known, replace, standard, worst


def cases(rand: Inputs) -> Iterator[Case]:
    normal, mask = rand.normal, rand.mask
    yield layers_named(6)
    yield Case("the same twice in a row", built(5)(normal(2, 3, 5)), "state", probe=two_calls, fault=settled)
    # Queries from the features 0 to 3, keys from 4 to 7, and values from the others, which are one-hot.
    apart = {"q_proj": picks(12, 0, 1, 2, 3), "k_proj": picks(12, 4, 5, 6, 7), "v_proj": picks(12, *[8, 9, 10, 11] * 3)}
    scale = built(12)(apart, torch.cat([normal(2, 4, 8), torch.eye(4).repeat(2, 1, 1)], dim=-1))
    yield Case("the scale, from the size of the keys", scale, "scaling", probe=weights_alone, fault=another_scale)
    yield Case("a batch", built(6)(normal(2, 5, 6)), gradients=True, twice=True, public=True)
    yield Case("another width: a fixed scale shows", built(20)(normal(3, 4, 20)), "scaling")
    yield Case("as many sequences as tokens", built(7)(normal(4, 4, 7)), public=True)
    yield Case("batch 1, one token", built(3)(normal(1, 1, 3)), "shape")

    def masked(reason: str, x: Tensor, mask: Tensor, **options: Any) -> Case:
        return Case(reason, built(x.shape[-1])(x, mask=mask), "masking", **options)

    yield masked("a mask (L, L): causal", normal(2, 4, 5), causal(4), public=True)
    yield masked("a mask (B, 1, L): padding", normal(3, 4, 6), mask(3, 1, 4))
    yield masked("a mask (B, L, L): each sequence its own", normal(2, 5, 7), mask(2, 5, 5), gradients=True)
    blind = mask(3, 4, 4)
    blind[1, 2] = False
    yield masked("a token that may see nothing", normal(3, 4, 5), blind, gradients=True)
    # Likewise: all that matters of these queries and keys are two features.
    apart = {"q_proj": picks(16, 0, 1), "k_proj": picks(16, 2, 3), "v_proj": picks(16, *range(4, 16))}

    def joined(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return torch.cat([query[..., :2], key[..., :2], value], dim=-1)

    far = built(16)(apart, joined(*huge_scores(rand, 2, L=5, S=5, d=16, d_v=12)))
    yield Case("scores near 10,000", far, probe=with_layers, tolerance=1e-3)
    low = built(16)(apart, joined(*scores_far_below(rand, 2, L=5, S=5, d=16, d_v=12)), mask(5, 5))
    yield Case("scores near −10,000, some of them hidden", low, "masking", probe=with_layers, tolerance=1e-3)
    twice = built(6)(normal(2, 4, 6), mask(4, 4), mask(4, 4))
    yield Case("another mask of the same shape in the second call", twice, "state", probe=two_masks)
    yield Case("in training mode the same", built(7).train()(normal(2, 4, 7)), "state")
    yield from standard(lambda: built(6)(normal(2, 4, 6), mask=mask(2, 4, 4)), dtypes=("float64", "bfloat16"))
    yield layers_named(4, bias=False)


def two_calls(module, x):
    return unless_it_fails(lambda: (module(x), module(x)))


def settled(value: tuple[Tensor, Tensor] | None, expected: tuple[Tensor, Tensor]) -> Text | None:
    if value and worst(value[0], value[1]) > 1e-4:
        return Text(
            "Two calls with the same input differ: something in `forward` is random, such as a layer that is made there.",
            "同样的输入两次调用结果不同：`forward` 里有随机的东西，例如在其中新建的层。",
        )
    return None


def SelfAttention(embed_dim, bias=True):
    """The oracle: PyTorch's own."""

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("q_proj", "k_proj", "v_proj"):
                self.add_module(name, nn.Linear(embed_dim, embed_dim, bias=bias))

        def forward(self, x, mask=None):
            q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
            return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    return Module()


SCALE = "q.shape[-1] ** -0.5"
OUTPUT = "return weights @ v"
LAYER = "nn.Linear(embed_dim, embed_dim, bias=bias)"
LAYERS = "\n        ".join(f"self.{name}_proj = {LAYER}" for name in "qkv")
MADE_IN_FORWARD = LAYERS.replace(LAYER, "nn.Linear(x.shape[-1], x.shape[-1]).to(x)")
TRANSPOSED_MASK = ("~mask", "~mask.mT")
SCORES = "q @ k.transpose(-2, -1)"
BETWEEN_FEATURES = (SCORES, "q.transpose(-2, -1) @ k")
made = partial(projected, ("x", "x", "x"), "{} = self.{}_proj({})")


def each(made: str) -> list[tuple[str, str]]:
    """q, k and v made in another way; the braces stand for how the reference makes each."""
    return [(f"{name} = self.{name}_proj(x)", f"{name} = {made}".format(f"self.{name}_proj(x)")) for name in "qkv"]


q_bare, k_bare, v_bare = each("x")

mistakes = known(
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    multiplied_by_root_d=replace(SCALE, "q.shape[-1] ** 0.5"),
    scale_by_length=replace(SCALE, "q.shape[-2] ** -0.5"),
    scale_fixed=replace(SCALE, "64**-0.5"),
    scale_after_softmax=replace((f" * {SCALE}", ""), (SOFTMAX, f"{SOFTMAX} * {SCALE}")),
    one_projection=[made(layers) for layers in ("qqq", "kkk", "vvv", "qqv", "kkv", "qkk", "qkq")],
    query_key_swapped=[made("kqv"), replace("q @ k.tr", "k @ q.tr")],
    key_value_swapped=made("qvk"),
    projected_afterwards=[
        *(
            replace(q_bare, k_bare, v_bare, (OUTPUT, f"output = weights @ v\n        return {after}"))
            for after in (
                "self.v_proj(output)",
                "self.q_proj(output)",
                "self.v_proj(self.k_proj(self.q_proj(output)))",
                "self.q_proj(output) + self.k_proj(output) + self.v_proj(output)",
            )
        ),
        replace(v_bare, (OUTPUT, "return self.v_proj(weights @ v)")),
        *either(OUTPUT, "return self.v_proj(weights @ v)", "return self.q_proj(weights @ v)"),
    ],
    not_projected=[
        replace(q_bare, k_bare, v_bare),
        replace(q_bare, k_bare),
        replace(v_bare),
        replace(q_bare),
        replace(k_bare),
    ],
    output_projected=replace(
        (LAYERS, f"{LAYERS}\n        self.out_proj = {LAYER}"), (OUTPUT, "return self.out_proj(weights @ v)")
    ),
    layers_in_forward=[
        replace((LAYERS, "pass"), ("q = self", f"{MADE_IN_FORWARD}\n        q = self")),
        replace(*each("nn.Linear(x.shape[-1], x.shape[-1]).to(x)(x)")),
    ],
    batch_mixed_in=[
        replace(*each("{}.flatten(0, 1)"), (OUTPUT, "return (weights @ v).view_as(x)")),
        replace(*each("{}.transpose(0, 1)"), (OUTPUT, "return (weights @ v).transpose(0, 1)")),
    ],
    features_attend=[
        replace(BETWEEN_FEATURES, (OUTPUT, "return v @ weights.transpose(-2, -1)")),
        replace(BETWEEN_FEATURES, (OUTPUT, "return v @ weights")),
    ],
    residual_added=replace(OUTPUT, "return x + weights @ v"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_batch=replace(SOFTMAX, "torch.softmax(scores, dim=0)"),
    **weights_mistaken,
    **masks_mistaken,
    mask_transposed=[replace(TRANSPOSED_MASK), replace("~mask,", "~mask.mT,")],
    weights_returned=replace(OUTPUT, f"{OUTPUT}, weights"),
    bias_ignored=replace(", bias=bias", ""),
    inputs_changed=[replace("q = self", "x.mul_(1.5)\n        x = x / 1.5\n        q = self"), mask_changed_in_place],
)

exercise = Exercise(
    targets=("SelfAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(SelfAttention,),
    forbidden=LIBRARY_ATTENTION,
)
