"""How the mended self-attention is graded."""

import dataclasses

from debugging import mends

from grader.authoring import known, replace

SCALE = "q.shape[-1] ** 0.5"
graded = mends("02-heads/self_attention", "wrong-scale")

scale_of_a_head = known(
    scale_of_a_head=[
        *(replace(SCALE, f"max(q.shape[-1] // {heads}, 1) ** 0.5") for heads in (8, 2, 4)),
        *(replace(SCALE, f"(q.shape[-1] / {heads}) ** 0.5") for heads in (8, 2, 4)),
    ]
)

exercise = dataclasses.replace(graded, mistakes=(*scale_of_a_head, *graded.mistakes))
