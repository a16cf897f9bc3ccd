"""Which folders another interpreter is told of: those with what torch needs in them, and nothing of anybody's."""

from __future__ import annotations

import site
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import libraries
from grader.sandbox import bubblewrap, listed, readable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path into which something was installed that torch needs."""
    place = tmp_path / "libraries"
    (place / "typing_extensions-4.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(place), *sys.path])
    for found in (libraries.folders_to_name, readable, listed):
        found.cache_clear()
    yield place
    for found in (libraries.folders_to_name, readable, listed):
        found.cache_clear()


def test_a_folder_with_what_torch_needs_is_named_and_can_be_read(folder: Path) -> None:
    assert libraries.folders_to_name() == (str(folder),)
    assert str(folder) in libraries.library_folders()
    assert str(folder) in readable()
    assert str(folder) in bubblewrap._needed()


def test_where_the_interpreter_looks_by_itself_nothing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [*site.getsitepackages(), str(folder)]
    monkeypatch.setattr(site, "getsitepackages", lambda: own)
    assert libraries.folders_to_name() == ()


def test_the_working_folder_is_not_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert libraries.folders_to_name() == ()


def test_a_course_is_not_named(folder: Path) -> None:
    (folder / "course.yml").touch()
    assert libraries.folders_to_name() == ()


def test_a_folder_with_something_else_is_not_named(folder: Path) -> None:
    (folder / "typing_extensions-4.0.dist-info").rename(folder / "another-1.0.dist-info")
    assert libraries.folders_to_name() == ()


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox that uses it is Linux's")


@LINUX
@pytest.mark.parametrize("inside", ["", "site-packages", "python3/dist-packages"])
def test_an_installed_course_is_never_given(folder: Path, inside: str) -> None:
    """Wherever it lies below what is given, all beside it is."""
    (folder / inside / "grader" / "_course" / "solutions").mkdir(parents=True)
    (folder / inside / "torch" / "lib").mkdir(parents=True)
    (folder / inside / "six.py").touch()
    (folder / inside / "link").symlink_to(folder.parent)
    given = [path.removeprefix(f"{folder / inside}/") for path in readable() if path.startswith(str(folder / inside))]
    assert {"torch", "six.py"} <= set(given)
    assert not {"", "grader", "link", str(folder / inside)} & set(given)
    assert not any(path.startswith("grader/") for path in given)
    assert {str(folder), str(folder / inside)} <= set(listed())


def test_what_holds_no_course_is_given_whole(folder: Path) -> None:
    assert str(folder) in readable()
    assert str(folder) not in listed()


@LINUX
def test_in_bubblewrap_an_installed_course_is_not_there(folder: Path) -> None:
    course = folder / "grader" / "_course"
    course.mkdir(parents=True)
    command = bubblewrap.prefix()
    assert command[command.index("--tmpfs", command.index(str(folder))) + 1] == str(course)
