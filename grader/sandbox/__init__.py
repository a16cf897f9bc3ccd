"""The layers that keep a child in: what it may use, see and reach. See docs/security.md for what each one stops.

Every layer is a few system calls, made directly: docs/decisions/01-own-system-calls.md says why.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from grader.libraries import library_folders, own_folders
from grader.sandbox import bubblewrap

REQUIRED = ("no_new_privs", "rlimits", "landlock", "seccomp")
"""Without one of these, a folder of submissions is graded only with ``--no-sandbox``."""


@dataclass(frozen=True)
class Layer:
    """One layer: what it stops, and what to do where it is missing."""

    name: str
    stops: str
    remedy: str


LAYERS = (
    Layer("no_new_privs", "gaining rights through setuid programs", "needs Linux"),
    Layer("rlimits", "using memory, CPU time, descriptors or disk without end", "needs a Unix system"),
    Layer("capabilities", "root's special rights, when the grader runs as root", "only of use to root on Linux"),
    Layer(
        "landlock",
        "reading the reference, the gradebook, other submissions or the home folder; writing outside a scratch folder",
        "needs Linux 5.13 with Landlock; in a container, a runtime whose seccomp profile lets its three calls through",
    ),
    Layer(
        "seccomp",
        "sockets, new processes, signals and ptrace to others, changing file modes, kernel interfaces",
        "needs Linux on x86-64 or arm64",
    ),
    Layer(
        "watchdog",
        "memory, threads and files beyond what rlimits count; processes that outlive their submission",
        "needs Linux",
    ),
    Layer("bubblewrap", "seeing other processes, the network and most of the file system at all", "install bubblewrap"),
)


def available() -> tuple[str, ...]:
    """Names of the layers that this system has."""
    return (*of_process(), *(["bubblewrap"] if bubblewrap.works() else []))


def of_process() -> tuple[str, ...]:
    """Names of the layers that a process can put on itself, or on its children, once it runs."""
    found = [] if sys.platform == "win32" else ["rlimits"]
    if sys.platform == "linux":
        from grader.sandbox import landlock, seccomp

        found.insert(0, "no_new_privs")
        if os.geteuid() == 0:
            found.append("capabilities")
        if landlock.abi() > 0:
            found.append("landlock")
        if seccomp.supported():
            found.append("seccomp")
        found.append("watchdog")
    return tuple(found)


def why_not(layers: Sequence[str]) -> str | None:
    """Why a class may not be graded with these layers; None if it may."""
    lacking = [name for name in REQUIRED if name not in layers]
    if not lacking:
        return None
    return f"The sandbox lacks {', '.join(lacking)} here, so other people's code is not run; `attn doctor` says why."


def not_held(layers: Sequence[str]) -> str | None:
    """What code can do with these layers that a required one would stop, in a sentence; None if nothing."""
    open_to_it = [what for name, what in _IN_SHORT.items() if name not in layers]
    if not open_to_it:
        return None
    return f"On this system a submission is not kept from {' or from '.join(open_to_it)}: run only code that you trust."


_IN_SHORT = {
    "landlock": "reading and changing your files",
    "seccomp": "using the network and starting programs",
}


def lock_in(layers: Sequence[str], limits: dict[str, Any], scratch: str) -> None:
    """Give up everything that grading does not need, for good. Called in the child before any of the learner's code.

    Raises:
        OSError: a layer that was asked for cannot be put on; the child must not go on.
    """
    if "rlimits" in layers:
        from grader.sandbox import rlimits

        rlimits.restrict(limits)
    if sys.platform != "linux":
        return
    from grader.sandbox import landlock, seccomp
    from grader.sandbox.system import drop_capabilities, no_new_privileges

    if "no_new_privs" in layers:
        no_new_privileges()
    if "landlock" in layers:
        landlock.restrict(readable(), listed(), scratch)
    if "capabilities" in layers:
        drop_capabilities()
    if "seccomp" in layers:
        seccomp.restrict()


def prepare() -> None:
    """Do in the warm parent, once, what every child would otherwise repeat."""
    if sys.platform != "linux":
        return
    from grader.sandbox import rlimits, seccomp

    readable()
    listed()
    rlimits.virtual_bytes()
    # Should the whole machine run out of memory all the same, this process and its children are what goes.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
        file.write("1000")
    if seccomp.supported():
        seccomp.program_of(os.uname().machine)


@cache
def readable() -> list[str]:
    """What Python and torch may still load from once a child is locked in: never the course, wherever it is installed.

    A folder that holds a copy of this package is given entry by entry, without that copy.
    """
    wanted = _wanted()
    own = own_folders(wanted)
    return [path for place in wanted for path in _without(own, place)]


@cache
def listed() -> list[str]:
    """Folders that are given entry by entry: Python looks up names in them."""
    wanted = _wanted()
    own = own_folders(wanted)
    return sorted({place for folder in own for place in _around(folder) if any(_holds(path, place) for path in wanted)})


def _wanted() -> list[str]:
    libraries = [*library_folders(), *(path for path in sys.path if path.endswith("lib-dynload"))]
    standard = os.path.dirname(os.__file__)
    system = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache"]
    devices = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"]
    hardware = ["/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"]
    wanted = {os.path.realpath(path) for path in (standard, *libraries, *system, *devices, *hardware)}
    # A path inside another of them needs no rule of its own, and each rule costs every child time.
    return sorted(
        path
        for path in wanted
        if os.path.exists(path) and not any(path != other and _holds(other, path) for other in wanted)
    )


def _without(own: Collection[str], place: str) -> Iterator[str]:
    """The place; or what is in it, where one of our own folders is, but for that."""
    if place in own:
        return
    if not any(_holds(place, folder) for folder in own):
        yield place
        return
    for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
        if not entry.is_symlink():  # where a link leads is not inside, and has a rule of its own or none
            yield from _without(own, entry.path)


def _around(folder: str) -> Iterator[str]:
    """The folders around a folder."""
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        yield folder


def _holds(folder: str, path: str) -> bool:
    """Whether a path is a folder, or lies in it."""
    return path == folder or path.startswith(folder + os.sep)
