"""The layers that keep a child in: what it may use, see and reach."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Any

PR_SET_NO_NEW_PRIVS = 38


def lock_in(limits: dict[str, Any], scratch: str) -> None:
    """Give up everything that grading does not need, for good. Called in the child before any of the learner's code."""
    _no_new_privileges()
    _resource_limits(limits)


def layers() -> tuple[str, ...]:
    """Names of the layers that a child on this system is kept in by."""
    return ("no_new_privs", "rlimits") if sys.platform == "linux" else ("rlimits",)


def _no_new_privileges() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _resource_limits(limits: dict[str, Any]) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: 64,
    }
    if limits["address_space"]:  # CUDA reserves far more addresses than it uses
        wanted[resource.RLIMIT_AS] = _virtual_bytes() + limits["memory_bytes"]
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _virtual_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
