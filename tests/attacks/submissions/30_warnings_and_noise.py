"""Group 30. Right, with warnings, prints and errors in other cells.

deserves: right
status: graded
"""

import sys
import warnings

warnings.warn("a warning")
print("noise" * 10_000)
print("error" * 10_000, file=sys.stderr)
scaled_dot_product_attention = right
raise SystemExit(1)
