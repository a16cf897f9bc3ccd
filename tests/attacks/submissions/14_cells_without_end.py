"""Group 14. Says without end that its first cell begins, in frames as large as may be sent. Own invention.

deserves: nothing
status: crashed
"""

import os

from grader.wire.encoding import pack

frame = pack({"cell": 1, "padding": [0] * 300_000}, {})
while True:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, frame)
        except OSError:
            pass
