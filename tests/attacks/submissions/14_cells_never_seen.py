"""Group 14. Says that cells begin that there are none of, each time another. Own invention.

status: crashed
"""

import os

from grader.wire.encoding import pack

scaled_dot_product_attention = zeros

# %%
for number in (2**31 - 1, 10**400, -1, 0, True, "2", None, [2], 3.0, 10**6):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, pack({"cell": number}, {}))
        except OSError:
            pass
os._exit(0)
