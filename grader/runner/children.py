"""What the runner needs of the processes that run submissions, however they are made."""

from __future__ import annotations

from typing import Any, Protocol

from grader.wire.channel import Channel
from grader.wire.ended import Ended


class RunnerError(Exception):
    """The grader itself cannot run submissions."""


class LostError(Exception):
    """A submission could not be run, through no fault of its own."""


class Child(Protocol):
    """A process for one submission."""

    @property
    def channel(self) -> Channel:
        """Where it gets its work, and answers."""

    def how_it_ended(self) -> Ended:
        """Why it has closed its channel. It is ended if it has not."""

    def close(self) -> None:
        """End it, with whatever it started, and give back what it used."""


class Children(Protocol):
    """Where they come from. Safe to use from several threads."""

    def begin(self) -> None:
        """Start what takes long, and do not wait for it."""

    def serves(self, device: str) -> bool:
        """True if its children can use this device."""

    def layers(self) -> tuple[str, ...]:
        """Names of the sandbox layers that keep children in.

        Raises:
            RunnerError: nothing can be started here.
        """

    def start(self, limits: dict[str, Any]) -> Child:
        """A child that will ask for its work, under limits as `Limits.for_child` gives them.

        Raises:
            RunnerError: nothing can be started here.
        """

    def close(self) -> None:
        """End all children."""

    def abandon(self) -> None:
        """Close for good: threads that still want a child get a `RunnerError`."""
