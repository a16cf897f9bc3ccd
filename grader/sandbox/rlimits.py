"""Resource limits: what a process may use, as every Unix counts it."""

from __future__ import annotations

import os
import resource
import sys
from functools import cache
from typing import Any


def restrict(limits: dict[str, Any]) -> None:
    """Set the limits of this process, for good; ``limits`` are those of `Limits.for_child`."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: 64,
    }
    if limits["address_space"]:  # CUDA reserves far more addresses than it uses
        wanted[resource.RLIMIT_AS] = virtual_bytes() + limits["memory_bytes"]
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def soften_cpu_limit(seconds: int) -> None:
    """Have the kernel say with a signal when this process has computed for so long; its hard limit stays."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds if hard == resource.RLIM_INFINITY else min(seconds, hard), hard))


@cache
def virtual_bytes() -> int:
    """Addresses that this process had reserved when it was first asked."""
    if sys.platform != "linux":
        return 2**34
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
