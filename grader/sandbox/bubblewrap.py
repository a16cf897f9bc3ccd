"""bubblewrap: a file system, process table and network of its own for the warm parent and all of its children.

Used where the program is installed and the kernel lets anyone make user namespaces; in most containers it does not.
Nothing relies on it. It also hides what Landlock does not: names, sizes and dates of files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from grader.libraries import INSTALLED_COURSE, library_folders, own_folders

TRIAL_SECONDS = 10.0


@lru_cache(maxsize=1)
def works() -> bool:
    """True where a Python can be started in bubblewrap."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return False
    try:
        trial = subprocess.run(
            [*prefix(), sys.executable, "-I", "-S", "-c", ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def prefix() -> list[str]:
    """What to put before a command to run it in bubblewrap. Open descriptors are passed on."""
    command = ["bwrap", "--unshare-all", "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"]
    needed = _needed()
    for path in needed:
        command += ["--ro-bind", path, path]
    for folder in sorted(own_folders(needed)):
        if (Path(folder) / INSTALLED_COURSE).is_dir():
            command += ["--tmpfs", str(Path(folder) / INSTALLED_COURSE)]
    return [*command, "--chdir", "/tmp", "--"]


def _needed() -> list[str]:
    """What Python, torch and this package are loaded from; a folder comes before what is in it."""
    package = Path(__file__).resolve().parents[1]
    interpreters = [Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parents[1]]
    parts = [prefix / part for prefix in interpreters for part in ("bin", "lib", "lib64", "pyvenv.cfg")]
    system = [
        Path(path) for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
    ]
    # The C library asks the last of these whether it may use large pages, which is worth milliseconds to every child.
    hardware = [Path("/sys/devices/system/cpu"), Path("/sys/kernel/mm/transparent_hugepage")]
    libraries = [Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path]
    libraries += [Path(path) for path in library_folders()]
    found = {str(path) for path in (package, *parts, *system, *hardware, *libraries) if path.exists()}
    return sorted(found)
