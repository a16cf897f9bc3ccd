"""How the mended Transformer block is graded."""

import dataclasses

from debugging import mends

from grader.authoring import known, replace

graded = mends("06-transformer/transformer_block", "softmax-axis", "residual-missing")

SCALE = " * layer.head_dim**-0.5"
# What can go wrong in an attention that is written by hand; all else is the mended exercise's.
by_hand = known(
    softmax_over_queries=replace("scores, dim=-1", "scores, dim=-2"),
    softmax_over_heads=replace("scores, dim=-1", "scores, dim=1"),
    no_scale=replace(SCALE, ""),
    scale_by_model_size=replace(SCALE, " * x.shape[-1] ** -0.5"),
    heads_not_merged=replace("(weights @ v).transpose(1, 2).flatten(2)", "(weights @ v).reshape(x.shape)"),
)

exercise = dataclasses.replace(graded, mistakes=(*by_hand, *graded.mistakes))
