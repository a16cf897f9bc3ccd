"""Group 24. Stops its own process, so that it never ends.

deserves: nothing
status: timeout
"""

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
