"""The sandbox needs no privilege: the suite that attacks it again, as a user who may do nothing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow

NOBODY = 65534
AGAIN = (
    "tests/attacks/test_attacks.py",
    "tests/sandbox/test_layers.py",
    "tests/verdict/test_statuses.py",
    "tests/walks/test_faults.py",
)
PROJECT = ("grader", "solutions", "exercises", "demo", "tests", "course.yml", "nbgrader_config.py", "pyproject.toml")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are for their owner."""
    with tempfile.TemporaryDirectory(prefix="attn-nobody-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.timeout(3600)  # each test in it has its own
def test_the_sandbox_holds_for_a_user_without_rights(folder: Path) -> None:
    home, project = folder / "home", folder / "project"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    project.mkdir()
    for name in PROJECT:
        _readable_copy(ROOT / name, project / name)
    python = Path(sys.executable)
    if not _runs(python, project, home):
        python = _readable_python(folder)
        assert _runs(python, project, home)
    # In one process: meanwhile, the other tests keep the other cores busy.
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(home / "t"), *AGAIN)
    done = _as_nobody(python, *command, project=project, home=home)
    assert done.returncode == 0, done.stdout[-4000:]


def _as_nobody(python: Path, *arguments: str, project: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run Python as a user with no rights, on its own copy of the project."""
    return subprocess.run(
        [str(python), *arguments],
        cwd=project,
        env={
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "LD_LIBRARY_PATH": str(python.resolve().parents[1] / "lib"),
            "PYTHONPATH": str(project),
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        check=False,
    )


def _runs(python: Path, project: Path, home: Path) -> bool:
    try:
        asked = _as_nobody(python, "-c", "import torch, pytest, grader", project=project, home=home)
    except PermissionError:  # it lies in a folder that is not for everybody
        return False
    return asked.returncode == 0


def _readable_python(folder: Path) -> Path:
    """This Python and its packages where everybody may use them: links to the same files, as far as that goes."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, environment = folder / "python", folder / "venv"
    (base / "bin").mkdir(parents=True)
    _readable_copy(Path(sys.executable).resolve(), base / "bin" / version)
    _readable_copy(Path(sys.base_prefix) / "lib" / version, base / "lib" / version, "site-packages", "test")
    for library in (Path(sys.base_prefix) / "lib").glob("libpython*"):
        _readable_copy(library, base / "lib" / library.name)
    _readable_copy(Path(sysconfig.get_path("purelib")), environment / "lib" / version / "site-packages")
    (environment / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n")
    (environment / "bin").mkdir()
    python = environment / "bin" / "python"
    python.symlink_to(base / "bin" / version)
    return python


def _readable_copy(source: Path, target: Path, *without: str) -> None:
    """A folder or file again, for everybody to read; no second time on disk where that can be helped."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_or_copy, ignore=shutil.ignore_patterns(*without))
        for path, _, _ in os.walk(target):
            os.chmod(path, 0o755)
    else:
        _link_or_copy(source, target)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    found = os.stat(source)
    try:
        if not found.st_mode & stat.S_IROTH:
            raise PermissionError
        os.link(os.path.realpath(source), target)
    except OSError:  # another disk, or a file for its owner only, which stays that
        shutil.copyfile(source, target)
        os.chmod(target, found.st_mode | 0o444)
