"""How the mended multi-head attention is graded."""

from debugging import mends

exercise = mends("02-heads/multi_head_attention", "dropout-in-eval")
