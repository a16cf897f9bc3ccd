"""How the mended top-k attention is graded."""

from debugging import mends

exercise = mends("04-efficiency/topk_attention", "zeros-not-minus-inf")
