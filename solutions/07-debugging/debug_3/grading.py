"""How the mended multi-head attention is graded."""

import dataclasses

from debugging import mends

from grader.authoring import known, replace

graded = mends("02-heads/multi_head_attention", "heads-not-split")

NOT_MOVED = ("self.head_dim)).transpose(1, 2)", "self.head_dim))")
NOT_MOVED_BACK = ("context.transpose(1, 2).flatten(2)", "context.flatten(2)")

unscaled_too = known(
    attention_over_heads_unscaled=[
        replace(NOT_MOVED, NOT_MOVED_BACK, (" * self.head_dim**-0.5", "")),
        replace(NOT_MOVED, NOT_MOVED_BACK, ("self.head_dim**-0.5", "(self.num_heads * self.head_dim) ** -0.5")),
    ]
)

exercise = dataclasses.replace(graded, mistakes=(*graded.mistakes, *unscaled_too))
