"""How the mended Transformer block is graded."""

import dataclasses

from debugging import mends
from shared import together_or_alone

from grader.authoring import known, replace

graded = mends("06-transformer/transformer_block", "softmax-axis", "residual-missing")

SCALE = " * layer.head_dim**-0.5"
OVER_QUERIES = ("scores, dim=-1", "scores, dim=-2")
NO_RESIDUAL = (
    ("return x + self.feed_forward(", "return self.feed_forward("),
    ("self.norm2(x + self.feed_forward(", "self.norm2(self.feed_forward("),
)
# What can go wrong in an attention that is written by hand; all else is the mended exercise's. Both bugs show in every
# case, so neither is seen beside the other: the two together are a mistake of their own.
by_hand = known(
    softmax_over_queries=replace(*OVER_QUERIES),
    softmax_over_queries_no_residual=[
        replace(OVER_QUERIES, *edits) for edits in (NO_RESIDUAL, NO_RESIDUAL[:1], NO_RESIDUAL[1:])
    ],
    softmax_over_heads=replace("scores, dim=-1", "scores, dim=1"),
    no_scale=replace(SCALE, ""),
    scale_by_model_size=replace(SCALE, " * x.shape[-1] ** -0.5"),
    heads_not_merged=replace("(weights @ v).transpose(1, 2).flatten(2)", "(weights @ v).reshape(x.shape)"),
    residual_missing_feed_forward=together_or_alone(*NO_RESIDUAL),
    residual_missing_attention=together_or_alone(
        ("x = x + self.attend(", "x = self.attend("), ("self.norm1(x + self.attend(", "self.norm1(self.attend(")
    ),
)

exercise = dataclasses.replace(graded, mistakes=(*by_hand, *graded.mistakes))
