"""How the mended self-attention is graded."""

import dataclasses

from shared import debugging

from grader.authoring import edit, mistake

SCALE = "q.shape[-1] ** 0.5"
mended = debugging("02-heads/self_attention", "wrong-scale")

scale_of_a_head = mistake(
    "scale-of-a-head",
    "scaling",
    *(edit(SCALE, f"max(q.shape[-1] // {heads}, 1) ** 0.5") for heads in (8, 2, 4)),
    *(edit(SCALE, f"(q.shape[-1] / {heads}) ** 0.5") for heads in (8, 2, 4)),
    en="Your scale is that of a head (√(embed_dim / heads)), but there is one head of full width: divide by the square root "
    "of the size of the vectors that are dotted, √embed_dim.",
    zh="你的缩放是按每个头的维度算的（√(embed_dim / 头数)），但这里只有一个全宽的头：应除以做点积的向量维度的平方根，即 √embed_dim。",
)

exercise = dataclasses.replace(mended, mistakes=(scale_of_a_head, *mended.mistakes))
