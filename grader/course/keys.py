"""Where the answer key of an exercise comes from: built ahead, kept from last time, or made now of an author's files.

A key that is kept lies in the user's cache folder, under the digest of all that it was made of: the author's files, the
grader, torch and the device. It holds what may not be shown to a learner, so nobody else may read that folder, and the
sandbox shows it to no child.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from platformdirs import user_cache_path

from grader.course.authored import GRADING, Authored, load_grading
from grader.course.course import LocatedCourse
from grader.course.errors import NewerFormatError
from grader.course.formats import KEY_FORMAT
from grader.course.key import AnswerKey, Predicted
from grader.course.keyfile import DamagedKeyError, read_header, read_key, write_key

MOST_KEPT = 4
"""Keys of one exercise: of so many versions, or devices."""


def key_of(located: LocatedCourse, exercise: str, device: str = "cpu") -> AnswerKey:
    """The key of an exercise of the course; made or read once a process.

    Raises:
        ExerciseError: an author's file is missing or wrong.
    """
    found = located.course.find(exercise)
    assert found is not None
    return _key(located.solution(exercise), located.built_key(exercise, device), found[1].points, device)


def has_key(located: LocatedCourse, exercise: str) -> bool:
    """Whether the whole key can be had here; learners of a hosted course have its public part only."""
    return (located.solution(exercise) / GRADING).is_file() or located.built_key(exercise, "cpu").is_file()


def make_key(located: LocatedCourse, exercise: str, device: str = "cpu") -> AnswerKey:
    """The key of an exercise, made afresh of an author's files.

    Raises:
        ExerciseError: an author's file is missing or wrong.
    """
    found = located.course.find(exercise)
    assert found is not None
    folder = located.solution(exercise)
    return replace(Authored(folder, device).key(found[1].points), stamp=stamp_of(folder, device))


def targets_of(located: LocatedCourse, exercise: str) -> tuple[str, ...]:
    """What an exercise asks for.

    Raises:
        ExerciseError: an author's file is missing or wrong.
    """
    folder = located.solution(exercise)
    for path in _places(folder, located.built_key(exercise, "cpu"), "cpu"):
        with suppress(DamagedKeyError, NewerFormatError):
            header = read_header(path)
            if _is_current(header["stamp"], folder, "cpu"):
                return tuple(header["targets"])
    return load_grading(folder / GRADING).targets


def reference_of(located: LocatedCourse, exercise: str) -> str:
    """Text in which the reference of an exercise is defined; empty where there is none."""
    with suppress(OSError, UnicodeDecodeError):
        return (located.solution(exercise) / "notebook.py").read_text(encoding="utf-8")
    with suppress(DamagedKeyError, NewerFormatError):
        return str(read_header(located.built_key(exercise, "cpu"))["reference"])
    return ""


@cache
def _key(folder: Path, built: Path, points: float, device: str) -> AnswerKey:
    for path in _places(folder, built, device):
        with suppress(DamagedKeyError, NewerFormatError):
            key = read_key(path)
            if _is_current(key.stamp, folder, device):
                return replace(key, points=points)
    key = replace(Authored(folder, device).key(points), stamp=stamp_of(folder, device))
    _keep(key)
    return key


def _places(folder: Path, built: Path, device: str) -> Iterator[Path]:
    yield built
    if folder.is_dir():
        yield _kept(folder.name, stamp_of(folder, device))


def _is_current(stamp: str, folder: Path, device: str) -> bool:
    """Whether a key is of the author's files as they are now; where there are none, it is all that there is."""
    return not (folder / GRADING).is_file() or stamp == stamp_of(folder, device)


def keep_answers(key: AnswerKey) -> None:
    """Keep what known mistakes were found to answer, so that it need not be found out again."""
    made = [known.predicted for known in key.mistakes if isinstance(known.predicted, Predicted)]
    if key.stamp and any(predicted.is_new for predicted in made):
        _keep(key)
        for predicted in made:
            predicted.is_new = False


def _keep(key: AnswerKey) -> None:
    path = _kept(key.exercise, key.stamp)
    with suppress(OSError):  # without a cache folder, keys are made again each time
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        write_key(key, path)
        others = sorted(path.parent.glob(f"{key.exercise}-*.safetensors"), key=lambda other: -other.stat().st_mtime)
        for old in others[MOST_KEPT:]:
            old.unlink()


def _kept(exercise: str, stamp: str) -> Path:
    return keys_folder() / f"{exercise}-{stamp[:32]}.safetensors"


def keys_folder() -> Path:
    """Where keys are kept on this machine."""
    return user_cache_path("attention-workshop", appauthor=False) / "keys"


@cache
def stamp_of(folder: Path, device: str) -> str:
    """The digest of all that a key is made of."""
    digest = hashlib.sha256()
    for part in (str(KEY_FORMAT), str(torch.__version__), device, _grader_digest()):
        digest.update(f"{part}\n".encode())
    for path in _sources(folder):
        digest.update(f"{path.relative_to(folder.parents[1]).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Path) -> list[Path]:
    """The author's files that an exercise may be made of: its own, those that all share, and those of its siblings."""
    course = folder.parents[1]
    folders, text = [folder], ""
    with suppress(OSError):
        text = (folder / GRADING).read_text(encoding="utf-8", errors="replace")
    folders += [course / name for name in re.findall(r'"([\w-]+/[\w-]+)"', text) if (course / name).is_dir()]
    files = [path for place in folders for path in place.iterdir() if path.is_file()]
    files += [path for path in course.iterdir() if path.suffix in (".py", ".yml")]
    return sorted(set(files))


@cache
def _grader_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
