"""A process that has imported torch, from which tests fork the processes that would each import it again.

Importing it takes two seconds of CPU time, and a run of all tests has hundreds of such processes.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

START_SECONDS = 120.0

PROGRAM = """
import gc, importlib, json, os, socket, sys
import torch, torch._dynamo, torch.fx.experimental.symbolic_shapes

def become(request, descriptors):
    os.setsid()
    for number, descriptor in request["places"]:
        os.dup2(descriptors[descriptor], number)
    for descriptor in set(descriptors) - {number for number, _ in request["places"]}:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = request["arguments"]
    exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__"})

torch.set_num_threads(1)
for module in sys.argv[2:]:
    importlib.import_module(module)
gc.freeze()
asking = socket.socket(fileno=int(sys.argv[1]))
while True:
    text, descriptors, _, _ = socket.recv_fds(asking, 65536, 8)
    if not text:
        break
    reading, writing = os.pipe()
    first = os.fork()
    if first == 0:
        # Its parent ends at once: it is then a child of whoever adopts those, as the tests' process may.
        second = os.fork()
        if second:
            os.write(writing, str(second).encode())
            os._exit(0)
        try:
            for descriptor in (asking.detach(), reading, writing):
                os.close(descriptor)
            become(json.loads(text), descriptors)
        finally:
            os._exit(1)
    for descriptor in (*descriptors, writing):
        os.close(descriptor)
    os.waitpid(first, 0)
    asking.send(os.read(reading, 64))
    os.close(reading)
"""


class Origin:
    """The process, started when first needed; it ends with the one that started it.

    Args:
        environment: what it is started with.
        modules: what it imports besides torch.
    """

    def __init__(self, environment: dict[str, str], modules: Sequence[str] = ()) -> None:
        self._environment = environment
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = Lock()

    def fork(
        self,
        code: str,
        arguments: Sequence[str],
        descriptors: Sequence[int],
        places: Sequence[int],
        environment: dict[str, str] | None = None,
        folder: str = tempfile.gettempdir(),
    ) -> int:
        """Have a process forked that runs some code; its process id.

        Args:
            code: the text.
            arguments: its ``sys.argv``.
            descriptors: what it is given.
            places: the number that each of these has there.
            environment: its variables; this process's own where None.
            folder: where it begins.
        """
        request = {
            "code": code,
            "arguments": list(arguments),
            "places": [(place, number) for number, place in enumerate(places)],
            "environment": self._environment if environment is None else environment,
            "folder": folder,
        }
        with self._one_at_a_time:
            if self._process is None:
                self._start()
            socket.send_fds(self._asking, [json.dumps(request).encode()], descriptors)
            return int(self._asking.recv(64))

    def _start(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking.settimeout(START_SECONDS)
        root = str(Path(__file__).resolve().parents[1])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-c", f"import sys; sys.path.insert(0, {root!r})\n{PROGRAM}"]
                + [str(theirs.fileno()), *self._modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tempfile.gettempdir(),
                env=self._environment,
                start_new_session=True,
            )

    def end(self) -> None:
        """Let it end; what was forked of it goes on."""
        if self._process is not None:
            self._asking.close()
            self._process.wait()
