"""Group 14. Sends a report on its cells in which nothing is of the type that it should be. Own invention.

deserves: nothing
status: crashed
"""

import os

from grader.wire.encoding import pack

for descriptor in range(3, 64):
    try:
        os.write(descriptor, pack({"errors": 5, "defined": [["scaled_dot_product_attention"]]}, {}))
    except OSError:
        pass
