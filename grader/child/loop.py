"""Waits for a coroutine at the top level of a cell, on an event loop that needs no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class _Loop(asyncio.SelectorEventLoop):
    """Without the pair of sockets by which other threads wake a loop: the sandbox has no sockets."""

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


class _Policy(asyncio.DefaultEventLoopPolicy):
    """So that ``asyncio.run`` in a script gets such a loop, too."""

    _loop_factory = _Loop


asyncio.set_event_loop_policy(_Policy())
_loops: list[_Loop] = []


def wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine; all of a notebook's run on one loop, as in a kernel."""
    if not _loops:
        _loops.append(_Loop())
        asyncio.set_event_loop(_loops[0])
    return _loops[0].run_until_complete(coroutine)
