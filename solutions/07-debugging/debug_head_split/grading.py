"""How the mended multi-head attention is graded."""

import dataclasses

from shared import debugging

from grader.authoring import edit, mistake

mended = debugging("02-heads/multi_head_attention", "heads-not-split")

NOT_MOVED = ("self.head_dim)).transpose(1, 2)", "self.head_dim))")
NOT_MOVED_BACK = ("context.transpose(1, 2).flatten(2)", "context.flatten(2)")

unscaled_too = mistake(
    "attention-over-heads-unscaled",
    "shape",
    edit(NOT_MOVED, NOT_MOVED_BACK, (" * self.head_dim**-0.5", "")),
    edit(NOT_MOVED, NOT_MOVED_BACK, ("self.head_dim**-0.5", "(self.num_heads * self.head_dim) ** -0.5")),
    en="The heads of one token attend to each other, not the tokens, and their scores are not scaled by 1/√head_dim either. "
    "Transpose to (B, H, L, head_dim) before the scores, and divide these by √head_dim.",
    zh="同一个词元的各个头在互相关注，而不是词元之间；打分也没有按 1/√head_dim 缩放。计算打分之前先转置为 (B, H, L, head_dim)，"
    "再把打分除以 √head_dim。",
)

exercise = dataclasses.replace(mended, mistakes=(*mended.mistakes, unscaled_too))
