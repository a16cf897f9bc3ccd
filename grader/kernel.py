"""``check`` and ``hint``, for the learner's own kernel (or pytest): the grader's checks, on what is defined there."""

from __future__ import annotations

import inspect
import os
import random
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from grader.child.execute import detached, perform
from grader.child.modes import neutral_modes, set_neutral
from grader.course.course import PUBLIC_FOLDER, LocatedCourse, find_course
from grader.course.errors import NoCourseError
from grader.course.key import AnswerKey
from grader.course.keyfile import read_header, read_key
from grader.course.keys import has_key, keep_answers, key_of
from grader.course.script import read_script
from grader.desk.given import assigned, globals_of, names_of, sources_of
from grader.grade import environment_on
from grader.report.model import Language, Report
from grader.report.render import as_html, as_text
from grader.runner.runner import Run
from grader.verdict.judge import judge

_hints_given: dict[str, int] = {}


class CheckFailedError(AssertionError):
    """Raised by ``check(..., strict=True)`` below full marks; its text is the report."""


class Result:
    """What ``check`` returns: shown as a report, read through ``passed``, ``score`` and ``report``."""

    def __init__(self, report: Report, language: Language) -> None:
        self.report, self._language = report, language
        self._shown_in: int | None = None

    @property
    def passed(self) -> bool:
        """True for full marks."""
        return self.report.passed

    @property
    def score(self) -> float | None:
        """Points, of ``report.max_score``."""
        return self.report.score

    def show(self) -> None:
        """Show the report now, whatever else the cell does: the value of a cell's last line alone would be lost."""
        shell = _shell()
        if shell is not None:
            from IPython.display import display

            self._shown_in = shell.execution_count
            display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)
        elif not hasattr(sys, "ps1"):  # where Python shows the value of every line
            print(self)

    def _ipython_display_(self) -> None:
        shell = _shell()
        if shell is None or self._shown_in != shell.execution_count:  # not a second time in the cell that checked
            self.show()

    def _repr_html_(self) -> str:
        return as_html(self.report, self._language)

    def __repr__(self) -> str:
        return as_text(self.report, self._language)


def _shell() -> Any:
    """IPython's shell, where there is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def check(*targets: Any, exercise: str | None = None, strict: bool = False, lang: Language | None = None) -> Result:
    """Check a solution where it is defined, and say what is wrong with it.

    Args:
        targets: what to check, whatever can be called: functions, classes, an alias, a lambda, a ``partial``, a module;
            or one namespace such as ``globals()``; or one exercise's id, or nothing but ``exercise``, to check what
            the calling code has defined for it.
        exercise: which exercise this is for, where the names do not tell.
        strict: raise `CheckFailedError` below full marks; for tests.
        lang: ``"en"`` or ``"zh"``; from the environment variable ATTN_LANG when None.

    Raises:
        ValueError: no exercise of this course asks for what was given.
    """
    language = _language(lang)
    calling = sys._getframe(1).f_globals
    with neutral_modes(), _random_state_kept():
        report = _checked(targets, exercise, calling)
    result = Result(report, language)
    if strict:
        if not result.passed:
            raise CheckFailedError(as_text(report, language))
    else:
        result.show()
    return result


def _checked(targets: tuple[Any, ...], exercise: str | None, calling: dict[str, Any]) -> Report:
    scope, given = calling, targets
    if len(targets) == 1 and isinstance(targets[0], str):
        exercise, given = targets[0], ()
    elif len(targets) == 1 and isinstance(targets[0], dict):
        scope, given = targets[0], ()
    key = _find(exercise, {name for target in given for name in names_of(target, calling)})
    if given:
        answers = assigned(given, key.targets, key.questions, calling)
        scope = {**globals_of(given[0], calling), **answers}
        if set(answers) < set(key.targets):
            key = key.only(set(answers))
    return _grade_here(key, scope, calling)


def hint(target: Any, lang: Language | None = None) -> Any:
    """The next hint for an exercise, given by its id or by the function or class that it asks for."""
    language = _language(lang)
    names = [target] if isinstance(target, str) else names_of(target, sys._getframe(1).f_globals)
    exercise, hints = _hints(names)
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


def _grade_here(key: AnswerKey, scope: dict[str, Any], calling: dict[str, Any]) -> Report:
    started = time.perf_counter()
    outcomes = []
    for call in key.calls:
        set_neutral()
        outcomes.append(detached(perform(call, scope)))
    run = Run(outcomes, defined=[name for name in key.targets if name in scope])
    sources = list(sources_of(key.targets, scope, calling))
    if key.forbidden_imports:
        imported = {name for name, value in scope.items() if inspect.ismodule(value)}
        sources.append("\n".join(f"import {name}" for name in sorted(imported & set(key.forbidden_imports))))
    report = judge(key, run, sources, environment_on(key.device))
    keep_answers(key)
    return replace(report, submission="notebook", seconds=time.perf_counter() - started)


@contextmanager
def _random_state_kept() -> Iterator[None]:
    state, python_state = torch.random.get_rng_state(), random.getstate()
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
        random.setstate(python_state)


def _find(exercise: str | None, names: set[str]) -> AnswerKey:
    located = _located()
    if exercise is None:
        exercise = _exercise_with(names)
    if located is not None and located.course.find(exercise) and has_key(located, exercise):
        return key_of(located, exercise)
    for path in _public_files():
        if path.stem == exercise:
            return _read(path)
    raise ValueError(f"There is no exercise {exercise!r} here; start Jupyter in the folder of the notebooks.")


def _exercise_with(names: set[str]) -> str:
    for path in _public_files():
        if names & set(read_header(path)["targets"]):
            return path.stem
    raise ValueError(f'No exercise asks for {", ".join(sorted(names))}; give check(..., exercise="its id").')


def _hints(names: list[str]) -> tuple[str, dict[str, list[str]]]:
    located = _located()
    known = {path.stem for path in _public_files()}
    known |= {entry.id for _, entry in located.course.entries()} if located else set()
    exercise = next((name for name in names if name in known), "") or _exercise_with(set(names))
    if located is not None and located.course.find(exercise) and located.solution(exercise).is_dir():
        return exercise, read_script(located.solution(exercise) / "notebook.py").hints()
    for path in _public_files():
        if path.stem == exercise:
            return exercise, read_header(path)["hints"]
    raise ValueError(f"There are no hints for {names[0]!r}.")


@lru_cache(maxsize=64)
def _read(path: Path) -> AnswerKey:
    return read_key(path)


def _public_files() -> Iterator[Path]:
    """Public files, nearest first: beside the notebook, then in course order."""
    yield from sorted((Path.cwd() / PUBLIC_FOLDER).glob("*.safetensors"))
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
