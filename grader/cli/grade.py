"""``attn grade``: decide what is graded and how, grade it, print and write the reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, course, fail, import_torch, known, progress, usage_error
from grader.cli.desk import file_of

if TYPE_CHECKING:
    from grader.course.course import LocatedCourse
    from grader.report.model import Report
    from grader.session import Session
    from grader.submission.find import Found, PassedOver, Work


class Device(StrEnum):
    """Where submissions run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, .py files, or folders of them.", show_default=False)],
    exercise: Annotated[str | None, typer.Option(help="The exercise, where file names do not tell.")] = None,
    device: Annotated[Device, typer.Option(help="Where submissions run.")] = Device.auto,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE|-", help="Write the JSON report; - for standard output.")
    ] = None,
    fail_under: Annotated[
        float | None, typer.Option(metavar="PCT", help="Exit with 1 if any score is below this percentage.")
    ] = None,
    require_sandbox: Annotated[
        bool | None,
        typer.Option(
            "--require-sandbox/--no-sandbox",
            help="Refuse to run without every sandbox layer, or run without any (for your own code). By default every "
            "layer that the system has is used, and all are required for a folder of submissions.",
            show_default=False,
        ),
    ] = None,
    lang: LangOption = "en",
) -> None:
    """Grade submissions, and say for each which mistake was made.

    Exits with 0 when everything was graded, whatever the score; with 1 when something could not be (its status is
    invalid, or not_graded where the grader itself failed), or under --fail-under; with 2 when it was asked for
    something that cannot be done.
    """
    paths = [file_of(path) for path in paths]
    found = _found(paths)
    work = found.work
    located = _trusted_course(paths)
    exercise = next(iter(known(located, [exercise] if exercise else None)), None)
    graded = run(located, work, exercise, device, _isolation(paths, work, require_sandbox))
    reports, modules = without_modules(graded, given=paths)
    from grader.cli.passed_over import list_passed_over
    from grader.cli.reports import list_ungraded, show, write_json

    # What is written does not depend on what can be shown: files first, then the screen.
    unwritten = write_json(reports, json_file, lang) if json_file else None
    if json_file != "-":
        show(reports, lang)
    list_ungraded(reports, lang)
    list_passed_over([*found.passed_over, *modules], lang)
    if unwritten:
        fail(unwritten)
    if exit_status(reports, fail_under):
        raise typer.Exit(1)


def without_modules(graded: Graded, given: list[Path]) -> tuple[list[Report], list[PassedOver]]:
    """The reports, but for those on files that are for no exercise and that a submission beside them imports."""
    from grader.submission.find import PassedOver
    from grader.text import Text

    kept: list[Report] = []
    modules: list[PassedOver] = []
    for report in graded.reports:
        path = Path(report.submission)
        importer = graded.modules.get(path)
        if report.exercise or importer is None or path in given:
            kept.append(report)
        else:
            modules.append(PassedOver(path, Text(f"a module that {importer} imports", f"{importer} 导入的模块")))
    return kept, modules


def exit_status(reports: list[Report], fail_under: float | None) -> int:
    """1 where something could not be graded, or has less than so many percent of its points; else 0."""
    return int(
        any(report.status in ("invalid", "not_graded") for report in reports)
        or (fail_under is not None and any(report.percent < fail_under for report in reports))
    )


@dataclass(frozen=True)
class Graded:
    """What came of a run: the reports, and the files that submissions beside them import."""

    reports: list[Report]
    modules: dict[Path, str]


@dataclass(frozen=True)
class Isolation:
    """Which layers of the sandbox to do without, and whether to refuse where a required one is missing."""

    without: tuple[str, ...]
    required: bool


TRUSTED = Isolation(without=(), required=False)
"""For the learner's own work, and the course's: every layer that there is, but it may be run where one is lacking."""


def _isolation(paths: list[Path], work: list[Work], asked: bool | None) -> Isolation:
    from grader.sandbox import LAYERS

    without = tuple(layer.name for layer in LAYERS) if asked is False else ()
    others_work = len(work) > 1 and any(path.is_dir() for path in paths)
    return Isolation(without, others_work if asked is None else asked)


def _found(paths: list[Path]) -> Found:
    from grader.submission.find import find

    try:
        found = find(paths)
    except FileNotFoundError as error:
        usage_error(f"There is no file or folder {error}.")
    except PermissionError as error:
        usage_error(f"{error.filename} cannot be opened: {error.strerror}.")
    if not found.work:
        usage_error(f"No .ipynb or .py file in {', '.join(map(str, paths))}.")
    return found


def _trusted_course(paths: list[Path]) -> LocatedCourse:
    located = course()
    if any(path.resolve() in located.root.parents for path in paths):
        usage_error(
            f"{located.root / 'course.yml'} lies among the submissions, so it is not trusted; "
            "run this inside your course."
        )
    return located


def run(located: LocatedCourse, work: list[Work], exercise: str | None, device: Device, isolation: Isolation) -> Graded:
    """Grade all of it; where that cannot be, the command ends."""
    from rich.console import Console

    bar = progress(Console(stderr=True), "grading", len(work))
    with open_session(located, device, isolation) as session, bar as advance:
        reports = session.grade_all(work, exercise, on_report=lambda _: advance())
        return Graded(reports, session.modules)


@contextmanager
def open_session(located: LocatedCourse, device: Device, isolation: Isolation) -> Iterator[Session]:
    """A session to grade in; where there can be none, or grading in it cannot go on, the command ends."""
    from grader.runner.suitable import suitable_children

    # It imports torch for a second or two; meanwhile, so does this process.
    children = suitable_children("cpu" if device is Device.auto else device.value, isolation.without)
    children.begin()
    chosen = _present(device)
    if not children.serves(chosen):
        children.close()
        children = suitable_children(chosen, isolation.without)
    from grader.course.errors import ExerciseError
    from grader.runner.children import RunnerError
    from grader.sandbox import not_held, why_not
    from grader.session import Session

    try:
        with Session(located, chosen, isolation.without, children) as session:
            layers = session.runner.layers()
            lacking = why_not(layers) if isolation.required else None
            if lacking:
                usage_error(f"{lacking} For code that you trust, use --no-sandbox.")
            exposed = None if isolation.without else not_held(layers)
            if exposed:
                print(exposed, file=sys.stderr)
            yield session
    except (ExerciseError, RunnerError) as error:
        fail(str(error))


def _present(device: Device) -> str:
    """The device by the name that torch has for it; where it is not there, the command ends."""
    torch = import_torch()
    if device is Device.auto:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device is Device.cuda and not torch.cuda.is_available():
        usage_error("PyTorch finds no CUDA device here; use --device cpu.")
    if device is Device.mps and not torch.backends.mps.is_available():
        usage_error("PyTorch finds no MPS device here; use --device cpu.")
    return device.value
