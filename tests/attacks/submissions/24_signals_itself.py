"""Group 24. Sends itself the clock's signals, in cells and in calls.

deserves: nothing
"""

import os
import signal
import threading
import time

for number in (signal.SIGPROF, signal.SIGALRM):
    try:
        os.kill(os.getpid(), number)
        time.sleep(0.01)
    except BaseException:
        pass


def scaled_dot_product_attention(q, k, v, mask=None):
    number = (signal.SIGPROF, signal.SIGALRM, signal.SIGXCPU)[k.shape[-2] % 3]
    signal.pthread_kill(threading.main_thread().ident, number)
    time.sleep(0.01)
    raise KeyError
