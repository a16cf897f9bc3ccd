"""Tries to get out of the sandbox, as a submission would: what is said to be stopped is seen to be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.wire.calls import Call

if TYPE_CHECKING:
    from grader.runner.runner import Runner

_ATTEMPTS = """
import os
import sys

SCRATCH = os.getcwd()

def tries(attempt):
    try:
        attempt()
    except BaseException:
        return False
    return True

def read_a_file():
    open(os.path.join(os.environ["SYSTEMROOT"], "win.ini") if os.name == "nt" else "/etc/passwd").read()

def list_a_folder():
    os.listdir(os.path.dirname(SCRATCH))

def write_outside():
    path = os.path.join(os.path.dirname(SCRATCH), "attn-selftest")
    open(path, "w").close()
    os.remove(path)

def open_a_socket():
    import socket
    socket.socket()

def start_a_process():
    if os.fork() == 0:  # a system without it starts processes only by running programs
        os._exit(0)

def run_a_program():
    import subprocess
    subprocess.run([sys.executable, "-S", "-c", ""], check=True)

def signal_the_parent():
    os.kill(os.getppid(), 0)

def attempts():
    named = {
        "read files of the system": read_a_file,
        "list folders": list_a_folder,
        "write outside its scratch folder": write_outside,
        "open a socket": open_a_socket,
        "start a process": start_a_process,
        "run a program": run_a_program,
        "signal its parent": signal_the_parent,
    }
    if os.name == "nt":
        del named["signal its parent"]  # there is no signal that would not end it
    return [name for name, attempt in named.items() if tries(attempt)]
"""


def escapes(runner: Runner) -> list[str]:
    """What a child can still do that it should not."""
    from grader.runner.runner import PackedCalls

    run = runner.run([_ATTEMPTS], ["attempts"], PackedCalls([Call("attempts")]))
    found = run.outcomes[0].value
    return [str(name) for name in found] if isinstance(found, list) else ["not be tested: the self-test did not run"]
