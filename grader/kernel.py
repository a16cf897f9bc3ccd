"""``check`` and ``hint``, for the learner's own kernel (or pytest): the grader's checks, on what is defined there."""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from grader.child.execute import detached, perform
from grader.course.course import LocatedCourse, find_course
from grader.course.errors import NoCourseError
from grader.course.exercise import LoadedExercise, load_exercise
from grader.course.public import FOLDER, PublicExercise, only_targets, read_header, read_public
from grader.course.script import read_script
from grader.grade import environment_on
from grader.report.model import Language, Report
from grader.report.render import as_html, as_text
from grader.runner.pool import Run
from grader.verdict.judge import judge
from grader.wire.calls import Outcome

_hints_given: dict[str, int] = {}


class CheckFailedError(AssertionError):
    """Raised by ``check(..., strict=True)`` below full marks; its text is the report."""


class Result:
    """What ``check`` returns: shown as a report, read through ``passed``, ``score`` and ``report``."""

    def __init__(self, report: Report, language: Language) -> None:
        self.report, self._language = report, language

    @property
    def passed(self) -> bool:
        """True for full marks."""
        return self.report.passed

    @property
    def score(self) -> float:
        """Points, of ``report.max_score``."""
        return self.report.score

    def _repr_html_(self) -> str:
        return as_html(self.report, self._language)

    def __repr__(self) -> str:
        return as_text(self.report, self._language)


def check(*targets: Any, exercise: str | None = None, strict: bool = False, lang: Language | None = None) -> Result:
    """Check a solution where it is defined, and say what is wrong with it.

    Args:
        targets: the functions or classes to check; or one namespace such as ``globals()``; or one exercise's id, or
            nothing but ``exercise``, to check what the calling code has defined for it.
        exercise: which exercise this is for, where the names do not tell.
        strict: raise `CheckFailedError` below full marks; for tests.
        lang: ``"en"`` or ``"zh"``; from the environment variable ATTN_LANG when None.

    Raises:
        ValueError: no exercise of this course asks for what was given.
    """
    language = _language(lang)
    calling = sys._getframe(1).f_globals
    scope, names, exercise = _what_to_check(targets, exercise, calling)
    found, points = _find(exercise, names)
    if names and names < set(found.spec.targets):
        found = only_targets(found, names, points)
    report = _grade_here(found, scope, points)
    result = Result(report, language)
    if strict and not result.passed:
        raise CheckFailedError(as_text(report, language))
    if not hasattr(sys, "ps1") and "IPython" not in sys.modules and not strict:
        print(result)
    return result


def hint(target: Any, lang: Language | None = None) -> Any:
    """The next hint for an exercise, given by its id or by the function or class that it asks for."""
    language = _language(lang)
    name = target if isinstance(target, str) else target.__name__
    exercise, hints = _hints(name)
    given = _hints_given.get(exercise, 0)
    _hints_given[exercise] = min(given + 1, len(hints[language]))
    shown = hints[language][min(given, len(hints[language]) - 1)]
    return _Markdown(f"**{min(given + 1, len(hints[language]))}/{len(hints[language])}** {shown}")


def self_review(exercise: str, lang: Language | None = None) -> Any:
    """The model answer of a written question and its rubric, to tick off what your own answer has."""
    language = _language(lang)
    located = _located()
    if located is None or not located.solution(exercise).is_dir():
        return _Markdown("The model answer is with your instructor, who reads yours.")
    part = read_script(located.solution(exercise) / "notebook.py").written_part(language)
    ticks = "\n".join(f"- [ ] {item}" for item in part.rubric)
    return _Markdown(f"{part.answer}\n\n---\n\n{ticks}")


def _language(asked: Language | None) -> Language:
    return asked or ("zh" if os.environ.get("ATTN_LANG", "").startswith("zh") else "en")


class _Markdown:
    """Text that Jupyter renders and a terminal prints."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_markdown_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return textwrap.fill(self._text, 100, replace_whitespace=False)


def _what_to_check(
    targets: tuple[Any, ...], exercise: str | None, calling: dict[str, Any]
) -> tuple[dict[str, Any], set[str], str | None]:
    """The namespace to look in, the names that were given one by one, and the exercise."""
    if not targets:
        return calling, set(), exercise
    if len(targets) == 1 and isinstance(targets[0], dict):
        return targets[0], set(), exercise
    if len(targets) == 1 and isinstance(targets[0], str):
        return calling, set(), targets[0]
    given = {}
    for target in targets:
        if not callable(target) or not hasattr(target, "__name__"):
            raise ValueError(f"check() takes the function or class itself, not {type(target).__name__}")
        given[target.__name__] = target
    first = targets[0]
    around = getattr(first, "__globals__", None) or vars(sys.modules.get(first.__module__, sys.modules["__main__"]))
    return {**around, **given}, set(given), exercise


def _grade_here(found: LoadedExercise | PublicExercise, scope: dict[str, Any], points: float) -> Report:
    started = time.perf_counter()
    state = torch.random.get_rng_state()
    try:
        outcomes: list[Outcome] = [detached(perform(call, scope)) for call in found.calls]
    finally:
        torch.random.set_rng_state(state)
    run = Run(outcomes, defined=[name for name in found.spec.targets if name in scope])
    environment = environment_on(found.device)
    report = judge(found, list(_sources(found, scope)), run, points, environment)
    return replace(report, submission="notebook", seconds=time.perf_counter() - started)


def _sources(found: LoadedExercise | PublicExercise, scope: dict[str, Any]) -> Iterator[str]:
    for name in found.spec.targets:
        try:
            yield textwrap.dedent(inspect.getsource(scope[name]))
        except (KeyError, TypeError, OSError):
            continue
    if found.spec.forbidden_imports:
        imported = {name for name, value in scope.items() if inspect.ismodule(value)}
        yield "\n".join(f"import {name}" for name in sorted(imported & set(found.spec.forbidden_imports)))


def _find(exercise: str | None, names: set[str]) -> tuple[LoadedExercise | PublicExercise, float]:
    located = _located()
    if exercise is None:
        exercise = _exercise_with(names)
    if located is not None and located.course.find(exercise) and (located.solution(exercise) / "grading.py").is_file():
        entry = located.course.find(exercise)
        assert entry is not None
        return load_exercise(located.solution(exercise)), entry[1].points
    for path in _public_files():
        if path.stem == exercise:
            public = _read(path)
            return public, public.points
    raise ValueError(f"There is no exercise {exercise!r} here; start Jupyter in the folder of the notebooks.")


def _exercise_with(names: set[str]) -> str:
    for path in _public_files():
        if names & set(read_header(path)["targets"]):
            return path.stem
    raise ValueError(f'No exercise asks for {", ".join(sorted(names))}; give check(..., exercise="its id").')


def _hints(name: str) -> tuple[str, dict[str, list[str]]]:
    located = _located()
    exercise = name
    if located is None or located.course.find(name) is None:
        exercise = next((p.stem for p in _public_files() if p.stem == name), "") or _exercise_with({name})
    if located is not None and located.course.find(exercise) and located.solution(exercise).is_dir():
        return exercise, read_script(located.solution(exercise) / "notebook.py").hints()
    for path in _public_files():
        if path.stem == exercise:
            return exercise, read_header(path)["hints"]
    raise ValueError(f"There are no hints for {name!r}.")


@lru_cache(maxsize=64)
def _read(path: Path) -> PublicExercise:
    return read_public(path)


def _public_files() -> Iterator[Path]:
    """Public files, nearest first: beside the notebook, then in course order."""
    yield from sorted((Path.cwd() / FOLDER).glob("*.safetensors"))
    located = _located()
    if located is not None:
        for _, entry in located.course.entries():
            path = located.public(entry.id)
            if path.is_file():
                yield path


@lru_cache(maxsize=1)
def _located() -> LocatedCourse | None:
    try:
        return find_course()
    except NoCourseError:
        return None
