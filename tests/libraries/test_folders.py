"""Which folders another interpreter is told of: those with what torch needs in them, and nothing of anybody's."""

from __future__ import annotations

import site
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import libraries
from grader.sandbox import bubblewrap, readable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path into which something was installed that torch needs."""
    place = tmp_path / "libraries"
    (place / "typing_extensions-4.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(place), *sys.path])
    for found in (libraries.folders_to_name, readable):
        found.cache_clear()
    yield place
    for found in (libraries.folders_to_name, readable):
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
