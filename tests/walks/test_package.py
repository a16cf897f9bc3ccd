"""What is made of this repository for others: a source distribution without the tests, and a wheel that is whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow


def built(what: str, source: Path, target: Path) -> Path:
    """Build a ``wheel`` or an ``sdist`` of a folder."""
    target.mkdir()
    code = f"import sys; from setuptools.build_meta import build_{what} as build; build(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, target], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = target.iterdir()
    return file


def modules(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in (folder / "grader").rglob("*.py")}


def test_a_wheel_of_the_source_distribution_is_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"
    skipped = shutil.ignore_patterns("__pycache__")
    for folder in ("grader", "tests"):
        shutil.copytree(ROOT / folder, source / folder, ignore=skipped)
    (source / "tests" / "test_at_the_top.py").touch()  # setuptools would take it, without what it needs
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    with tarfile.open(built("sdist", source, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("attention_workshop-*")
    assert not (unpacked / "tests").exists()
    assert modules(unpacked) == modules(ROOT)
    shipped = set(zipfile.ZipFile(built("wheel", unpacked, tmp_path / "wheel")).namelist())
    assert modules(ROOT) <= shipped
    assert {"grader/py.typed", "grader/report/templates/report.html"} <= shipped
