"""Tries to get out of the sandbox, as a submission would: what is said to be stopped is seen to be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.wire.calls import Call

if TYPE_CHECKING:
    from grader.runner.runner import Runner

_ATTEMPTS = """
def tries(attempt):
    try:
        attempt()
    except BaseException:
        return False
    return True

def read_a_file():
    open("/etc/passwd").read()

def list_the_home_folder():
    import os
    os.listdir("/root" if os.getuid() == 0 else "/home")

def write_outside():
    open("/tmp/attn-selftest", "w").close()

def open_a_socket():
    import socket
    socket.socket()

def start_a_process():
    import os
    if os.fork() == 0:
        os._exit(0)

def run_a_program():
    import subprocess
    subprocess.run(["/bin/true"])

def signal_the_parent():
    import os
    os.kill(os.getppid(), 0)

def attempts():
    named = {
        "read files of the system": read_a_file,
        "list folders": list_the_home_folder,
        "write outside its scratch folder": write_outside,
        "open a socket": open_a_socket,
        "start a process": start_a_process,
        "run a program": run_a_program,
        "signal its parent": signal_the_parent,
    }
    return [name for name, attempt in named.items() if tries(attempt)]
"""


def escapes(runner: Runner) -> list[str]:
    """What a child can still do that it should not."""
    from grader.runner.runner import PackedCalls

    run = runner.run([_ATTEMPTS], ["attempts"], PackedCalls([Call("attempts")]))
    found = run.outcomes[0].value
    return [str(name) for name in found] if isinstance(found, list) else ["not be tested: the self-test did not run"]
