"""What an interpreter gets of the user's environment that reads or runs what others wrote: nothing that is theirs."""

from __future__ import annotations

import os

from grader.libraries import folders_to_name

_KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""Where libraries, and Windows itself, are."""


def environment(**more: str) -> dict[str, str]:
    """The environment variables for such a process, and ``more``."""
    programs = f"{os.environ.get('SYSTEMROOT', '')}\\System32" if os.name == "nt" else "/usr/bin:/bin"
    folders = os.pathsep.join(folders_to_name())
    return {
        **({"PYTHONPATH": folders} if folders else {}),
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PATH": programs,
        "HOME": "/nonexistent",
        "USERNAME": "learner",  # Windows has no other way to tell a library who it runs as
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        **more,
    }
