"""Makes an exercise's calls in this process, within limits, and keeps what they print apart.

What comes back is what would come from a child: plain data, whatever the code returned.
"""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any

from grader.child.clock import AGAIN_SECONDS, StoppedError
from grader.child.execute import perform
from grader.child.modes import set_neutral
from grader.course.key import Question
from grader.runner.limits import Limits
from grader.runner.runner import MOST_DEATHS
from grader.wire.calls import Opaque, Outcome
from grader.wire.encoding import Encoder, decode_outcome, encode_outcome
from grader.wire.ended import Ended

IDLE_SECONDS = 10.0
"""So long may a call wait, without computing."""
IDLE_SHARE = 0.02
"""Of a core: a kernel has threads of its own that use less than this."""
MOST_PRINTED = 2_000
"""Characters that are kept of what a call prints."""


@dataclass
class Made:
    """What came of the calls: an outcome of each, and what was printed, by the case."""

    outcomes: list[Outcome] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)


def make_calls(questions: Sequence[Question], scope: dict[str, Any], limits: Limits) -> Made:
    """Make the calls one by one; after a few that never come back, no more."""
    made, stopped = Made(), 0
    with _Watchdog() as watchdog:
        for question in questions:
            if stopped >= MOST_DEATHS:
                made.outcomes.append(Outcome(ended=Ended.NOT_RUN))
                continue
            seconds = limits.call_seconds / (1 + 2 * stopped)
            output = _Output()
            set_neutral()
            try:
                with redirect_stdout(output), redirect_stderr(output), watchdog.limit(seconds):
                    outcome = _as_data(perform(question.call, scope))
            except StoppedError as error:
                stopped += 1
                outcome = Outcome(ended=error.reason, seconds=seconds if error.reason is Ended.TIMEOUT else None)
            made.outcomes.append(outcome)
            if question.base is None and (text := output.getvalue().rstrip()):
                made.printed[question.reason] = text
    return made


def _as_data(outcome: Outcome) -> Outcome:
    """What would arrive from a child: comparing it can run nothing of the learner's."""
    encoder = Encoder()
    try:
        return decode_outcome(encode_outcome(outcome, encoder), encoder.tensors)
    except Exception:  # tensors of rare kinds cannot even be looked at
        return replace(outcome, value=Opaque("something that cannot be read"), again=None, gradients=None)


class _Output(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self.tell()
        if room > 0:
            super().write(text[:room] + ("…" if len(text) > room else ""))
        return len(text)


class _Watchdog:
    """Interrupts what computes too long, or waits, by this process's own CPU time; Ctrl-C remains a person's.

    Only the main thread can be interrupted: in another one there is no limit.
    """

    def __init__(self) -> None:
        self._reason: Ended | None = None
        self._running = False
        self._end = self._looked = self._used = 0.0
        self._closed = threading.Event()
        self._able = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> _Watchdog:
        if self._able:
            self._before = signal.signal(signal.SIGINT, self._interrupted)
            threading.Thread(target=self._look_on, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._able:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Interrupt what runs inside when it has computed for so long, or waits.

        Raises:
            StoppedError: inside, wherever the code is.
        """
        self._looked, self._used = time.monotonic(), time.process_time()
        self._end, self._reason, self._running = self._used + seconds, None, True
        try:
            yield
        finally:
            self._running = False

    def _look_on(self) -> None:
        while not self._closed.wait(AGAIN_SECONDS):
            now, used = time.monotonic(), time.process_time()
            if not self._running:
                continue
            if used >= self._end:
                self._stop(Ended.TIMEOUT)
            elif now - self._looked > IDLE_SECONDS:
                if used - self._used < IDLE_SHARE * (now - self._looked):
                    self._stop(Ended.WAITING)
                self._looked, self._used = now, used

    def _stop(self, reason: Ended) -> None:
        self._reason = reason
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGINT)  # wakes it from a system call
        else:
            signal.raise_signal(signal.SIGINT)

    def _interrupted(self, number: int, frame: Any) -> None:
        if self._reason is None:
            if callable(self._before):
                self._before(number, frame)
            return
        if self._running:
            raise StoppedError(self._reason)
