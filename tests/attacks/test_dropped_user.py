"""The sandbox needs no privilege: a part of the suite again, as a user who may do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attacking import ROOT

NOBODY = 65534
LAYERS = "tests/attacks/test_layers.py"
CHOSEN = (
    f"{LAYERS}::test_attack_is_held_by_its_layer[landlock-01_reads_the_reference]",
    f"{LAYERS}::test_attack_is_held_by_its_layer[landlock-22_edits_the_gradebook]",
    f"{LAYERS}::test_attack_is_held_by_its_layer[seccomp-23_fork_bomb]",
    f"{LAYERS}::test_attack_is_held_by_its_layer[seccomp-26_udp]",
    f"{LAYERS}::test_attack_is_held_by_its_layer[rlimits-23_large_file]",
    f"{LAYERS}::test_attack_is_held_by_its_layer[watchdog-23_thread_bomb]",
    f"{LAYERS}::test_no_new_privs",
    f"{LAYERS}::test_a_child_that_cannot_be_locked_in_runs_nothing",
    f"{LAYERS}::test_a_child_has_one_descriptor_of_the_graders",
    f"{LAYERS}::test_bubblewrap",
    "tests/test_statuses.py",
)


def as_nobody(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user with no rights, from the root of the repository."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_the_sandbox_holds_for_a_user_without_rights(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("nobody")
    for folder in (home, *list(home.parents)[:2]):  # pytest's own folders are for their owner only
        folder.chmod(0o755)
    os.chown(home, NOBODY, NOBODY)
    try:
        usable = as_nobody(sys.executable, "-c", "import torch, pytest, grader", home=home).returncode == 0
    except PermissionError:
        usable = False
    if not usable:
        pytest.skip(f"this Python ({os.path.realpath(sys.executable)}) cannot be used by uid {NOBODY}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(home / "t"), *CHOSEN]
    done = as_nobody(*command, home=home)
    assert done.returncode == 0, done.stdout[-4000:]
