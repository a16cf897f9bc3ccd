"""Another system, as far as the grader can see: its own modules find nothing there that macOS or Windows lacks.

Libraries keep everything: what they do elsewhere is theirs. Used in three ways, each of which begins with
`take_away`, before anything of the grader is imported:

- ``AS_IF=win32 pytest -p as_if ...`` runs tests,
- ``python tests/as_if.py win32 grade ...`` runs the command,
- processes that the grader's modules start begin in the same way. Those that tests have started for submissions are
  forked from one process that has imported torch; those of a command that tests start are not.
"""

from __future__ import annotations

import builtins
import ctypes
import importlib.abc
import importlib.machinery
import inspect
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

VARIABLE = "AS_IF"
FOR_SUBMISSIONS = "from grader.child.spawned import main"
"""What starts a process for a submission."""
TESTS = Path(__file__).resolve().parent
MISSING: dict[str, dict[str, str]] = {
    "darwin": {
        "os": "pidfd_open memfd_create setns unshare sched_setaffinity sched_getaffinity O_PATH P_PIDFD",
        "signal": "pidfd_send_signal",
        "socket": "SOCK_SEQPACKET",
    },
    "win32": {
        "os": "fork forkpty openpty ttyname setsid getsid getpgid killpg waitid wait3 wait4 register_at_fork nice "
        "uname WNOHANG WUNTRACED WIFSIGNALED WIFSTOPPED WTERMSIG EX_OK getuid geteuid getgid getegid getgroups setuid "
        "setgid chown lchown fchmod mkfifo mknod statvfs sysconf getloadavg sched_setaffinity sched_getaffinity "
        "pidfd_open memfd_create set_blocking O_NOFOLLOW O_NONBLOCK O_PATH O_CLOEXEC",
        "signal": "SIGKILL SIGALRM SIGPROF SIGXCPU SIGXFSZ SIGCHLD SIGHUP SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGSTOP "
        "SIGCONT SIGBUS SIGSYS setitimer getitimer alarm pause pthread_kill pthread_sigmask sigwait siginterrupt "
        "ITIMER_REAL ITIMER_PROF ITIMER_VIRTUAL pidfd_send_signal",
        "socket": "AF_UNIX SOCK_SEQPACKET send_fds recv_fds",
        "select": "poll epoll",
    },
}
"""Names that a module of the standard library does not have there."""
NO_MODULES = {"darwin": set[str](), "win32": {"resource", "fcntl", "pwd", "grp", "termios", "pty", "tty"}}
BEHIND = re.compile(r"/(proc|sys)(/|$)")
"""Folders that only Linux has."""
PR_SET_CHILD_SUBREAPER = 36
_origin: Any = None


class Lacking(ModuleType):
    """A module with some of its names gone, and others in their place."""

    def __init__(self, real: ModuleType, missing: set[str], instead: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _missing=missing, _instead=instead)

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return super().__getattribute__(name)
        inside = super().__getattribute__("__dict__")
        if name in inside["_instead"]:
            return inside["_instead"][name]
        if name in inside["_missing"]:
            raise AttributeError(f"module {inside['_real'].__name__!r} has no attribute {name!r} on this system")
        return getattr(inside["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_real"], name, value)


def take_away(system: str) -> None:
    """From now on, modules of the grader that are imported see this system."""
    assert not [name for name in sys.modules if name.partition(".")[0] == "grader"], "too late: grader is imported"
    os.environ[VARIABLE] = system
    sys.meta_path.insert(0, _Finder(_builtins_of(system)))


def _builtins_of(system: str) -> dict[str, Any]:
    modules = _modules_of(system)

    def import_(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if not level and name.partition(".")[0] in NO_MODULES[system]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found = builtins.__import__(name, globals, locals, fromlist, level)
        return modules.get(found.__name__, found) if isinstance(found, ModuleType) else found

    def open_(file: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(file, str | os.PathLike) and BEHIND.match(os.fspath(file)):
            raise FileNotFoundError(2, "No such file or directory", str(file))
        return builtins.open(file, *arguments, **options)

    return {**vars(builtins), "__import__": import_, "open": open_}


def _modules_of(system: str) -> dict[str, Lacking]:
    instead: dict[str, dict[str, Any]] = {
        "sys": {"platform": system},
        "subprocess": {"Popen": _popen(system)},
        "os": {"name": "nt"} if system == "win32" else {"fork": _no_fork},
        "ctypes": {"CDLL": _library(system)},
    }
    if system == "win32":
        instead["select"] = {"select": _select_sockets}
        instead["signal"] = {"raise_signal": _raise_in_main_thread}
    real = {"os": os, "sys": sys, "signal": signal, "socket": socket, "select": select}
    real |= {"subprocess": subprocess, "ctypes": ctypes}
    missing = {name: set(names.split()) for name, names in MISSING[system].items()}
    return {name: Lacking(module, missing.get(name, set()), instead.get(name, {})) for name, module in real.items()}


def _no_fork() -> NoReturn:
    raise AssertionError("macOS kills what forks once frameworks are loaded")


def _library(system: str) -> Any:
    def load(name: str | None, *arguments: Any, **options: Any) -> Any:
        if name is None and system == "win32":
            raise TypeError("LoadLibrary() argument 1 must be str, not None")
        found = ctypes.CDLL(name, *arguments, **options)
        for function in ("prctl", "syscall"):  # of Linux's; macOS says so when they are looked up
            setattr(found, function, _not_there(function))
        return found

    return load


def _not_there(function: str) -> Any:
    def call(*_: Any) -> NoReturn:
        raise AttributeError(f"dlsym(RTLD_DEFAULT, {function}): symbol not found")

    return call


def _select_sockets(*waiting: Any) -> Any:
    if not all(isinstance(one, socket.socket) for some in waiting[:3] for one in some):
        raise OSError(10038, "An operation was attempted on something that is not a socket")
    return select.select(*waiting)


def _raise_in_main_thread(number: int) -> None:
    """Windows calls the handler at once and wakes the main thread; here the signal has to be sent there for that."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, number)


def _popen(system: str) -> Any:
    class Popen(subprocess.Popen[bytes]):
        """Starts Python as if on the system, too."""

        def __init__(self, command: Sequence[str], **options: Any) -> None:
            if system == "win32" and (options.get("pass_fds") or options.get("preexec_fn")):
                raise ValueError("not supported on Windows")
            command = list(command)
            if command[0] == sys.executable:
                start = next(
                    i for i, part in enumerate(command) if (i and part in ("-c", "-m")) or part.endswith(".py")
                )
                command[start:] = [str(TESTS / "as_if.py"), system, *command[start:]]
            super().__init__(command, **options)

        def _execute_child(self, *arguments: Any) -> None:
            start = subprocess.Popen[bytes]._execute_child
            given = inspect.signature(start).bind(self, *arguments).arguments
            if _origin is None or FOR_SUBMISSIONS not in " ".join(given["args"]):
                start(self, *arguments)
                return
            theirs = [given["p2cread"], given["c2pwrite"], given["errwrite"]]
            script = given["args"].index(str(TESTS / "as_if.py"))
            code = "import runpy, sys; runpy.run_path(sys.argv[0], run_name='__main__')"
            self.pid = _origin.fork(code, given["args"][script:], theirs, range(3), given["env"], given["cwd"])
            self._child_created = True
            for descriptor in theirs[:2]:
                os.close(descriptor)
            self._closed_child_pipe_fds = True

    return Popen


class _Loader(importlib.abc.Loader):
    def __init__(self, real: Any, seen: dict[str, Any]) -> None:
        self._real, self._seen = real, seen

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._seen
        exec(self._real.get_code(module.__name__), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, seen: dict[str, Any]) -> None:
        self._seen = seen

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "grader":
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is not None and found.loader is not None and found.origin is not None:
            found.loader = _Loader(found.loader, self._seen)
        return found


def pytest_unconfigure() -> None:
    """A run of tests ends with the process that others were forked from."""
    if _origin is not None:
        _origin.end()


def main() -> None:
    """Run what follows the system's name on the command line as Python would, as if on that system."""
    system, kind, *rest = sys.argv[1:]
    take_away(system)
    if kind == "-c":
        code, *rest = rest
        sys.argv = ["-c", *rest]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__", "__builtins__": _builtins_of(system)})
    elif kind.endswith(".py"):
        sys.argv = [kind, *rest]
        names = {"__name__": "__main__", "__file__": kind, "__builtins__": _builtins_of(system)}
        exec(compile(Path(kind).read_text(encoding="utf-8"), kind, "exec"), names)
    else:
        sys.path.insert(0, str(TESTS.parent))
        sys.argv = ["attn", kind, *rest]
        from grader.cli.main import main as command

        command()


if __name__ == "__main__":
    main()
elif VARIABLE in os.environ:
    from origin import Origin

    _origin = Origin({**os.environ, "OMP_NUM_THREADS": "1"})
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what is forked there is this process's own
    take_away(os.environ[VARIABLE])
