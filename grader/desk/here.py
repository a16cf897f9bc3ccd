"""Checks what is defined in this process, the learner's own kernel: finds the exercise, calls, and has it judged."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from grader.child.modes import neutral_modes
from grader.course.course import PUBLIC_FOLDER, LocatedCourse, find_course
from grader.course.errors import NoCourseError
from grader.course.key import AnswerKey
from grader.course.keyfile import read_header, read_key
from grader.course.keys import has_key, keep_answers, key_of
from grader.desk.calls import make_calls
from grader.desk.given import assigned, globals_of, names_of, sources_of, surroundings
from grader.desk.language import spoken
from grader.desk.names import did_you_mean, nearest, no_exercise
from grader.desk.stale import stale
from grader.grade import environment_on
from grader.report.model import Report
from grader.runner.limits import Limits
from grader.runner.runner import Run
from grader.submission.notes import Note
from grader.text import Text
from grader.verdict.judge import judge
from grader.wire.calls import Call

_NOBODY_ASKS = Text(
    'No exercise asks for {names}{end} (Or give check(..., exercise="its id").)',
    '没有习题要求 {names}{end}（也可以写 check(..., exercise="习题的 id")。）',
)

_MEANT = Text(
    "You have `{mine}`. If that is meant to be `{name}`, give it that name.",
    "你定义了 `{mine}`。如果它就是 `{name}`，请改成这个名字。",
)
_NO_CASE = Text("{exercise} has no case {case!r}{end}", "{exercise} 没有名为 {case!r} 的用例{end}")


class Checked(NamedTuple):
    """The report, and what the code printed, by the case in which it did."""

    report: Report
    printed: dict[str, str]


def check_here(targets: tuple[Any, ...], exercise: str | None, calling: dict[str, Any]) -> Checked:
    """Check what was given, or what the calling code has defined.

    Raises:
        ValueError: no exercise asks for it.
    """
    with neutral_modes(), _random_state_kept():
        scope, given = calling, targets
        if len(targets) == 1 and isinstance(targets[0], str):
            exercise, given = targets[0], ()
        elif len(targets) == 1 and isinstance(targets[0], dict):
            scope, given = targets[0], ()
        if exercise is None:
            exercise = _asking_for({name for target in given for name in names_of(target, calling)})
        key = _key(_now(exercise))
        if given:
            answers = assigned(given, key.targets, key.questions, calling)
            scope = {**globals_of(given[0], calling), **answers}
            if set(answers) < set(key.targets):
                key = key.only(set(answers))
        return _grade(key, scope, calling)


def exercise_of(target: Any, calling: dict[str, Any]) -> str:
    """The exercise that an id names, or that asks for a function or class.

    Raises:
        ValueError: there is none; the message suggests what may have been meant.
    """
    if not isinstance(target, str):
        return _asking_for(set(names_of(target, calling)))
    known, exercise = _ids(), _now(target)
    if exercise in known:
        return exercise
    asking = [path.stem for path in public_files() if target in read_header(path)["targets"]]
    if asking:
        return asking[0]
    raise ValueError(_said(no_exercise(target, known)))


def inputs_of(exercise: str, case: str) -> Call:
    """The call of one case, with inputs that nobody else holds.

    Raises:
        ValueError: there is no such exercise, or no such case in it.
    """
    cases = {question.reason: question.call for question in _key(exercise).questions if question.base is None}
    if case not in cases:
        raise ValueError(_said(_NO_CASE.format(exercise=exercise, case=case, end=did_you_mean(nearest(case, cases)))))
    return copy.deepcopy(cases[case])


def public_files() -> Iterator[Path]:
    """Public files, nearest first: beside the notebook, then in course order."""
    yield from sorted((Path.cwd() / PUBLIC_FOLDER).glob("*.safetensors"))
    found = located()
    if found is not None:
        for _, entry in found.course.entries():
            path = found.public(entry.id)
            if path.is_file():
                yield path


def located() -> LocatedCourse | None:
    """The course around the working folder, or the installed one; None where learners have public files only."""
    return _located(Path.cwd())


@lru_cache(maxsize=4)
def _located(folder: Path) -> LocatedCourse | None:
    try:
        return find_course(folder)
    except NoCourseError:
        return None


def _key(exercise: str) -> AnswerKey:
    found = located()
    if found is not None and found.course.find(exercise) and has_key(found, exercise):
        return key_of(found, exercise)
    for path in public_files():
        if path.stem == exercise:
            return _read(path)
    raise ValueError(_said(no_exercise(exercise, _ids())))


def _now(exercise: str) -> str:
    """The id that an exercise has now, which may have had this one once."""
    found = located()
    return (found.course.named(exercise) if found else None) or exercise


def _ids() -> list[str]:
    found = located()
    ids = [entry.id for _, entry in found.course.entries()] if found else []
    return [*ids, *(path.stem for path in public_files() if path.stem not in ids)]


def _asking_for(names: set[str]) -> str:
    asked: list[str] = []
    for path in public_files():
        targets = read_header(path)["targets"]
        if names & set(targets):
            return path.stem
        asked += targets
    listed = ", ".join(sorted(names))
    meant = [close for name in sorted(names) for close in nearest(name, asked)]
    raise ValueError(_said(_NOBODY_ASKS.format(names=listed, end=did_you_mean(meant))))


def _said(text: Text) -> str:
    return str(getattr(text, spoken()))


@lru_cache(maxsize=64)
def _read(path: Path) -> AnswerKey:
    return read_key(path)


def _grade(key: AnswerKey, scope: dict[str, Any], calling: dict[str, Any]) -> Checked:
    started = time.perf_counter()
    made = make_calls(key.questions, scope, _limits())
    run = Run(made.outcomes, defined=[name for name in key.targets if name in scope])
    sources = [*sources_of(key.targets, scope, calling), surroundings(key.targets, scope)]
    report = judge(key, run, sources, environment_on(key.device))
    keep_answers(key)
    said = [*stale(key.targets, scope, key.exercise), *_mistyped(key.targets, scope)]
    seconds = time.perf_counter() - started
    return Checked(replace(report, submission="notebook", notes=tuple(map(Note, said)), seconds=seconds), made.printed)


def _limits() -> Limits:
    found = located()
    return found.course.limits if found else Limits()


def _mistyped(targets: Sequence[str], scope: Mapping[str, Any]) -> list[Text]:
    """Which names may have been meant for those that are missing."""
    own = [name for name, value in scope.items() if callable(value) and not name.startswith("_")]
    missing = [name for name in targets if name not in scope]
    meant = [(name, close[0]) for name in missing if (close := nearest(name, own))]
    return [_MEANT.format(mine=mine, name=name) for name, mine in meant]


@contextmanager
def _random_state_kept() -> Iterator[None]:
    state, python_state = torch.random.get_rng_state(), random.getstate()
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
        random.setstate(python_state)
