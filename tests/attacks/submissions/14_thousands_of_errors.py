"""Group 14. Reports thousands of errors, of types named as the grader's own. Own invention.

deserves: nothing
status: crashed
"""

import os

from grader.wire.encoding import pack

kinds = ["StoppedError", "MissingLibraryError", "MissingTargetError", "SystemExit", "MemoryError", "\n  6/6", "\ud800"]
errors = [
    {"type": kind, "bases": ["NameError"], "message": f"{kind}.\n\u202e<script>", "line": place, "cell": place}
    for kind in kinds
    for place in (1, 2**31 - 1, -1, None, "x", [], 10**300)
    for _ in range(100)
]
frame = pack({"errors": errors, "defined": ["scaled_dot_product_attention", 5, None]}, {})
for descriptor in range(3, 64):
    try:
        os.write(descriptor, frame)
    except OSError:
        pass
os._exit(0)
