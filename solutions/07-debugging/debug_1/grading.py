"""How the mended dot-product attention is graded."""

from debugging import mends

exercise = mends("01-foundations/dot_product_attention", "sigmoid-weights")
