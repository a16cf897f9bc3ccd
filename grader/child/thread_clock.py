"""The clock of a child on a system without timers that send signals: a thread looks, and interrupts the main one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from grader.child.clock import AGAIN_SECONDS, BUSY_SHARE, GRACE_SECONDS, LOOK_SECONDS, StoppedError
from grader.child.spawned import EXIT_STATUS
from grader.wire.ended import Ended


class ThreadClock:
    """Looks at this process's CPU time, and interrupts with SIGINT, which every system has.

    What does not let itself be interrupted ends the process; what does not even let this thread run, whoever watches
    from outside ends (`grader.runner.watch`).

    Args:
        idle_seconds: how long code may wait.
        most_cpu_seconds: for whoever watches from outside.
    """

    def __init__(self, idle_seconds: float, most_cpu_seconds: float) -> None:
        self.idle_seconds, self.most_cpu_seconds = idle_seconds, most_cpu_seconds
        self._begun = threading.Condition()
        self._running = False
        self._reason: Ended | None = None
        self._end = self._next = self._looked = self._used = 0.0
        threading.Thread(target=self._look_on, daemon=True).start()

    @contextmanager
    def limit(self, cpu_seconds: float) -> Iterator[None]:
        """Interrupt what runs inside when it has computed for so long, or waits.

        Raises:
            StoppedError: inside, wherever the code is.
        """
        signal.signal(signal.SIGINT, self._interrupted)
        with self._begun:
            self._looked, self._used = time.monotonic(), time.process_time()
            self._end = self._next = self._used + cpu_seconds
            self._reason, self._running = None, True
            self._begun.notify()
        try:
            yield
        finally:
            self._running = False

    def end(self, reason: Ended) -> NoReturn:
        """End this process by an exit status that says why."""
        os._exit(EXIT_STATUS[reason])

    def _interrupted(self, *_: object) -> None:
        if self._running and self._reason:
            raise StoppedError(self._reason)

    def _look_on(self) -> None:
        while True:
            with self._begun:
                self._begun.wait_for(lambda: self._running)
                # CPU time does not pass faster than the wall's clock: this process computes on one thread.
                soon = min(max(self._next - time.process_time(), 1e-3), LOOK_SECONDS)
            time.sleep(soon)
            if self._running:
                self._look(time.monotonic(), time.process_time())

    def _look(self, now: float, used: float) -> None:
        if used >= self._end + GRACE_SECONDS:
            self.end(Ended.TIMEOUT)
        if used >= self._next:
            self._next = used + AGAIN_SECONDS
            self._reason = Ended.TIMEOUT
            _interrupt_main_thread()
        elif used - self._used > BUSY_SHARE * (now - self._looked):
            self._looked, self._used = now, used
        elif now - self._looked > self.idle_seconds:
            self._reason = Ended.WAITING
            _interrupt_main_thread()


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)  # wakes it from a system call
    else:
        signal.raise_signal(signal.SIGINT)  # on Windows, that wakes it too
