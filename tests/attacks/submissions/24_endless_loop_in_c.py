"""Group 24. Never returns to the interpreter, and ignores every signal that can be ignored.

deserves: nothing
status: timeout
"""

import itertools
import signal

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass


def scaled_dot_product_attention(q, k, v, mask=None):
    return max(itertools.repeat(0))
