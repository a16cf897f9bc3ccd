"""Group 24. Blocks every signal, switches the timers off, and computes, then waits.

deserves: nothing
status: timeout
"""

import resource
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def scaled_dot_product_attention(q, k, v, mask=None):
    for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF, signal.ITIMER_VIRTUAL):
        signal.setitimer(timer, 0)
    for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CPU, (resource.getrlimit(resource.RLIMIT_CPU)[1],) * 2)
    while time.process_time() < 5:
        pass
    time.sleep(10_000)
