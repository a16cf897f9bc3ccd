"""How the mended multi-head attention is graded."""

from shared import debugging

exercise = debugging("02-heads/multi_head_attention", "dropout-in-eval")
