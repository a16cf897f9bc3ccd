"""Stops what takes too long, by the process's own CPU time: how busy the machine is does not matter.

The clock that most systems have for it is two timers of Unix. One runs on CPU time and interrupts what computes too
long; the other runs on the wall's clock and interrupts what has used next to no CPU time for a while: it waits. What
cannot be interrupted (a loop in C, or one that catches everything) meets the kernel's limit on CPU time two seconds
later, which ends the process.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn, Protocol

from grader.wire.ended import Ended

LOOK_SECONDS = 0.5
AGAIN_SECONDS = 0.25
"""Of CPU time after an interrupt that was caught, until the next."""
GRACE_SECONDS = 2
BUSY_SHARE = 0.002
"""Of a core: who uses less of it than this, waits."""


class StoppedError(BaseException):
    """Raised where the code is when its time is over. No ordinary ``except`` catches it."""

    def __init__(self, reason: Ended) -> None:
        super().__init__(reason)
        self.reason = reason


class Clock(Protocol):
    """What measures a child's time."""

    def limit(self, cpu_seconds: float) -> AbstractContextManager[None]:
        """Interrupt what runs inside when it has computed for so long, or waits.

        Raises:
            StoppedError: inside, wherever the code is.
        """

    def end(self, reason: Ended) -> NoReturn:
        """End this process so that who started it knows why."""


class SignalClock:
    """The timers of this process. Signals are taken over from whoever had them.

    Args:
        idle_seconds: how long code may wait.
        most_cpu_seconds: the kernel's limit for the whole process, which nothing here raises.
    """

    def __init__(self, idle_seconds: float, most_cpu_seconds: float) -> None:
        self.idle_seconds, self.most_cpu_seconds = idle_seconds, most_cpu_seconds
        self._running = False
        self._looked = self._used = 0.0

    @contextmanager
    def limit(self, cpu_seconds: float) -> Iterator[None]:
        """Interrupt what runs inside when it has computed for so long, or waits.

        Raises:
            StoppedError: inside, wherever the code is.
        """
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, self._too_long)
        signal.signal(signal.SIGALRM, self._look)
        self._looked, self._used = time.monotonic(), time.process_time()
        self._kernel_limit(self._used + cpu_seconds + GRACE_SECONDS)
        self._running = True
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds, AGAIN_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        try:
            yield
        finally:
            self._running = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def end(self, reason: Ended) -> NoReturn:
        """End this process by a signal that says why."""
        number = signal.SIGPROF if reason == Ended.TIMEOUT else signal.SIGALRM
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(1)

    def _too_long(self, *_: object) -> None:
        if self._running:
            raise StoppedError(Ended.TIMEOUT)

    def _look(self, *_: object) -> None:
        now, used = time.monotonic(), time.process_time()
        if used - self._used > BUSY_SHARE * (now - self._looked):
            self._looked, self._used = now, used
        elif self._running and now - self._looked > self.idle_seconds:
            raise StoppedError(Ended.WAITING)

    def _kernel_limit(self, cpu_seconds: float) -> None:
        from grader.sandbox.rlimits import soften_cpu_limit

        soften_cpu_limit(math.ceil(min(cpu_seconds, self.most_cpu_seconds)))
