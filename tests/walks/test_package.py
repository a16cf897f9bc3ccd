"""What is made of this repository for others: a source distribution without the tests, and a wheel that is whole.

Installed, it is the whole workshop: a learner starts from it, and no graded answer reads the course in it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import einops
import pytest
from helpers import EXERCISE, RIGHT, ROOT

from grader.course.course import find_course
from grader.course.script import read_script

pytestmark = pytest.mark.slow

COURSE = ("course.yml", "solutions", "exercises")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is committed, as far as it is packaged, and some of what is not."""
    source = tmp_path_factory.mktemp("repository") / "source"
    skipped = shutil.ignore_patterns("__pycache__", "submissions", "cases", "forms")
    for folder in ("grader", "solutions", "exercises", "tests"):
        shutil.copytree(ROOT / folder, source / folder, ignore=skipped)
    (source / "tests" / "test_at_the_top.py").touch()  # setuptools would take it, without what it needs
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "course.yml"):
        shutil.copy(ROOT / name, source / name)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as an installer does it: of the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    with tarfile.open(built("sdist", source, folder / "sdist")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob("attention_workshop-*")
    assert not (unpacked / "tests").exists()
    assert files(unpacked, "grader", *COURSE) >= files(source, "grader", *COURSE)
    return built("wheel", unpacked, folder / "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of libraries with the workshop, and with one that submissions are graded with."""
    folder = tmp_path_factory.mktemp("outside") / "libraries"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--no-index"]
    subprocess.run([*pip, "--target", folder, wheel], check=True)
    library = Path(einops.__file__).parent
    for path in (library, *library.parent.glob("einops-*.dist-info")):
        shutil.copytree(path, folder / path.name)
    (folder / "tiny.py").touch()  # another, that nothing has imported before a submission does
    return folder


def built(what: str, source: Path, target: Path) -> Path:
    """Build a ``wheel`` or an ``sdist`` of a folder."""
    target.mkdir()
    code = f"import sys; from setuptools.build_meta import build_{what} as build; build(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, target], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = target.iterdir()
    return file


def files(folder: Path, *parts: str) -> set[str]:
    found = [path for part in parts for path in (folder / part, *(folder / part).rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in found if path.suffix != ".pyc"}


def attn(installed: Path, folder: Path, *arguments: str, **more: str) -> str:
    """The installed command, where nothing of this repository is."""
    env = {**os.environ, "PYTHONPATH": str(installed), "ATTN_DATA": str(folder / "data"), **more}
    command = [sys.executable, "-m", "grader", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_whole(source: Path, wheel: Path) -> None:
    shipped = set(zipfile.ZipFile(wheel).namelist())
    assert files(source, "grader") <= shipped
    assert {f"grader/_course/{name}" for name in files(source, *COURSE)} <= shipped
    assert not [name for name in shipped if "__pycache__" in name or name.startswith("tests")]


def test_a_learner_starts_from_what_is_installed(installed: Path, tmp_path: Path) -> None:
    exercise = "weighted_sum"
    attn(installed, tmp_path, "start", "mine")
    path = tmp_path / "mine" / "01-foundations" / "06_weighted_sum.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    script = read_script(find_course(ROOT).solution(exercise) / "notebook.py")
    (answer,) = (cell.source for cell in script.code if "solution" in cell.tags)
    for cell in notebook["cells"]:
        if "raise NotImplementedError()" in "".join(cell["source"]):
            cell["source"] = answer
    path.write_text(json.dumps(notebook), encoding="utf-8")
    said = attn(installed, path.parent, "check", exercise)
    assert said.startswith(f"{exercise}: 4/4\n")
    assert "✓ 1 of 41 · next: Attention by hand (20 min)" in said
    (report,) = json.loads(attn(installed, path.parent, "grade", path.name, "--json", "-"))
    assert report["score"] == 4


STEALS = """
import importlib, os, sys
importlib.invalidate_caches()
import einops, tiny

found = []
for folder in [FOLDER, *sys.path]:
    for root, _, names in os.walk(os.path.join(folder, "grader")):
        for name in names:
            try:
                with open(os.path.join(root, name), "rb") as file:
                    found.append((os.path.join(root, name), file.read(1)))
            except OSError:
                pass
assert not found, found[:3]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing keeps a submission from reading")
@pytest.mark.parametrize("runner", ["fork", "spawn"])
def test_a_graded_answer_does_not_read_the_installed_course(installed: Path, tmp_path: Path, runner: str) -> None:
    """What it finds is noted; and the libraries beside the course are all there."""
    path = tmp_path / f"{EXERCISE}.py"
    steals = STEALS.replace("FOLDER", repr(str(installed)))
    path.write_text(f"{RIGHT}\n# %%\n{steals}", encoding="utf-8")
    (report,) = json.loads(attn(installed, tmp_path, "grade", path.name, "--json", "-", ATTN_RUNNER=runner))
    assert (report["score"], report["notes"]) == (6, [])
