"""How an interpreter for submissions is started: as good as isolated, and with nothing of the user's.

Nothing here imports torch: whoever starts one can do so first, and import torch while it starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.isolated import environment
from grader.runner.children import RunnerError

START_SECONDS = 120.0
"""For importing torch: a cold disk and a busy machine are given time."""


class Interpreter:
    """A process that runs the ``main()`` of one of the grader's own modules.

    Args:
        module: the module.
        arguments: its arguments.
        folder: for what it writes, if not among the temporary files of everybody.
        before: what stands in front of the command, as bubblewrap does.
        options: what `subprocess.Popen` is told besides.
    """

    def __init__(
        self,
        module: ModuleType,
        *arguments: str,
        folder: str | None = None,
        before: Sequence[str] = (),
        **options: Any,
    ) -> None:
        folder = folder or tempfile.gettempdir()
        root = str(Path(__file__).resolve().parents[2])
        start = f"import sys; sys.path.insert(0, {root!r}); from {module.__name__} import main; main()"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  kept as long as the process is
        # As good as isolated (-I), but for the environment, which is ours.
        self.process = subprocess.Popen(
            [*before, sys.executable, "-s", "-P", "-c", start, *arguments],
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options},
            stderr=self._errors,
            cwd=folder,
            env=_environment() if before else {**_environment(), "TMPDIR": folder},
            start_new_session=True,
        )

    def why_not(self) -> RunnerError:
        """The error to raise for a process that did not start: its last words are in it."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = f". It says: {lines[-1].strip()[:300]}" if lines else "; see `attn doctor`."
        return RunnerError(f"The process that runs submissions does not start{said}")

    def close(self) -> None:
        """Give back what was kept of its words."""
        self._errors.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES",) if name in os.environ}
    return environment(
        **kept,
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        MKL_NUM_THREADS="1",
        # Most of a short-lived child's time goes to page tables and page faults; large pages halve them.
        GLIBC_TUNABLES="glibc.malloc.hugetlb=1",
        # Sets are walked in the same order every time, and so is the grade the same.
        PYTHONHASHSEED="0",
        # torch.compile has no compiler to call in a child; without one the code means the same.
        TORCHDYNAMO_DISABLE="1",
        # What Apple's GPU cannot compute is computed on the CPU, and does not fail.
        PYTORCH_ENABLE_MPS_FALLBACK="1",
        MPLBACKEND="Agg",
    )
