"""The ``attn`` command. Nothing here imports torch before a command needs it."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from grader.course.course import LocatedCourse
    from grader.report.model import Report
    from grader.submission.find import Work

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Attention Workshop: grade solutions to attention exercises, and name the mistake.",
)


class Device(StrEnum):
    """Where submissions run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Lang(StrEnum):
    """Language of the messages."""

    en = "en"
    zh = "zh"


LangOption = Annotated[Lang, typer.Option("--lang", envvar="ATTN_LANG", help="Language of the messages.")]


def main() -> None:
    """Entry point of the command."""
    app()


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
    lang: LangOption = Lang.en,
) -> None:
    """Grade submissions, and say for each which mistake was made.

    Exits with 0 when everything was graded, whatever the score; with 1 when something could not be (its status is
    invalid), or under --fail-under; with 2 when it was asked for something that cannot be done.
    """
    from grader.submission.find import find_work

    try:
        work = find_work(paths)
    except FileNotFoundError as error:
        _usage_error(f"There is no file or folder {error}.")
    except PermissionError as error:
        _usage_error(f"{error.filename} cannot be opened: {error.strerror}.")
    if not work:
        _usage_error(f"No .ipynb or .py file in {', '.join(map(str, paths))}.")
    located = _course()
    if any(path.resolve() in located.root.parents for path in paths):
        _usage_error(
            f"{located.root / 'course.yml'} lies among the submissions, so it is not trusted; "
            "run this inside your course."
        )
    _known(located, [exercise] if exercise else None)
    from grader.sandbox import LAYERS

    without = [layer.name for layer in LAYERS] if require_sandbox is False else []
    many = len(work) > 1 and any(path.is_dir() for path in paths)
    reports = _grade(located, work, exercise, device, without, many if require_sandbox is None else require_sandbox)
    if json_file != "-":
        _show(reports, lang)
    if json_file:
        _write_json(reports, json_file, lang)
    ungraded = [report for report in reports if report.status == "invalid"]
    if ungraded and len(reports) > 1:
        _list_ungraded(ungraded, len(reports), lang)
    if ungraded or (fail_under is not None and any(_percent(report) < fail_under for report in reports)):
        raise typer.Exit(1)


def _grade(
    located: LocatedCourse,
    work: list[Work],
    exercise: str | None,
    device: Device,
    without_layers: list[str],
    require_sandbox: bool,
) -> list[Report]:
    from grader.runner.process import WarmProcess, may_be_wrapped

    # It imports torch for a second or two; meanwhile, so does this process.
    wrapped = device in (Device.auto, Device.cpu) and may_be_wrapped("cpu", without_layers)
    early = WarmProcess(without_layers, wrapped)
    chosen = _device(device)
    if wrapped and chosen != "cpu":
        early.stop()
        early = WarmProcess(without_layers)
    from rich.console import Console

    from grader.course.errors import ExerciseError
    from grader.runner.pool import RunnerError
    from grader.sandbox import why_not
    from grader.session import Session

    notes = Console(stderr=True)
    bar = _progress(notes, "grading", len(work)) if len(work) > 1 and notes.is_terminal else nullcontext(lambda: None)
    try:
        with Session(located, chosen, without_layers, early) as session, bar as advance:
            lacking = why_not(session.runner.layers()) if require_sandbox else None
            if lacking:
                _usage_error(f"{lacking} For code that you trust, use --no-sandbox.")
            return session.grade_all(work, exercise, on_report=lambda _: advance())
    except (ExerciseError, RunnerError) as error:
        _fail(str(error))


def _show(reports: list[Report], lang: Lang) -> None:
    from rich.console import Console

    from grader.report.render import print_report, summary_table

    console = Console()
    if len(reports) == 1:
        print_report(console, reports[0], lang.value)
    else:
        console.print(summary_table(reports, lang.value))


def _list_ungraded(ungraded: list[Report], total: int, lang: Lang) -> None:
    from grader.report.render import plain

    title = {
        "en": f"{len(ungraded)} of {total} could not be graded:",
        "zh": f"{total} 份中有 {len(ungraded)} 份无法评分：",
    }
    print(title[lang.value], file=sys.stderr)
    for report in ungraded:
        reason = getattr(report.diagnosis[0].message, lang.value)
        print(plain(f"  {report.submission}: {reason}".replace("\n", " ")), file=sys.stderr)


def _progress(console: Any, what: str, total: int) -> Any:
    """A context manager that shows a bar and yields a function that advances it."""
    from contextlib import contextmanager

    from rich.progress import Progress

    @contextmanager
    def shown() -> Any:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda: progress.advance(task)

    return shown()


@app.command()
def build(
    exercises: Annotated[
        list[str] | None, typer.Argument(help="Exercises, or assignments; all when none is named.")
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write nbgrader's source notebooks, solutions included, into this folder."),
    ] = None,
) -> None:
    """Build the notebooks that are handed out, from solutions/ into exercises/; or, with --sources, nbgrader's."""
    _torch()
    from rich.console import Console

    from grader.handout.build import BuildError, write_sources
    from grader.handout.build import build as build_all

    located = _course()
    target = sources or located.root / "exercises"
    notes = Console(stderr=True)

    def progress(name: str) -> None:
        notes.print(f"building {name}", highlight=False)

    assignments = {assignment.id: assignment for assignment in located.course.assignments}
    named = [
        name
        for asked in exercises or []
        for name in ([entry.id for entry in assignments[asked].exercises] if asked in assignments else [asked])
    ]
    only = _known(located, named)
    try:
        written = (write_sources if sources else build_all)(located, target, only, progress)
    except BuildError as error:
        _fail(str(error))
    print(f"{len(written)} notebooks in {target}")


@app.command()
def verify(
    exercises: Annotated[list[str] | None, typer.Argument(help="Exercises; all when none is named.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Write what was found to this Markdown file.")] = None,
) -> None:
    """Prove the course sound: stubs 0, references full marks, every known mistake caught and named."""
    from concurrent.futures import ThreadPoolExecutor

    _torch()
    from rich.console import Console

    from grader.course.errors import ExerciseError
    from grader.proof.tables import as_markdown
    from grader.proof.verify import Proof
    from grader.proof.verify import verify as verify_one
    from grader.session import Session

    located = _course()
    names = _known(located, exercises) or [entry.id for _, entry in located.course.entries()]
    console = Console()

    def proved(name: str) -> Proof:
        try:
            return verify_one(located, name, session.runner)
        except ExerciseError as error:
            return Proof(name, [str(error)])

    proofs = []
    with Session(located) as session, ThreadPoolExecutor(os.cpu_count()) as pool:
        for proof in pool.map(proved, names):
            proofs.append(proof)
            _print_proof(console, proof)
    if docs is not None:
        docs.write_text(as_markdown(located.course, proofs), encoding="utf-8")
    unsound = sum(not proof.sound for proof in proofs)
    if unsound:
        _fail(f"{unsound} of {len(names)} exercises are not sound.")
    console.print(f"{len(names)} exercises verified.", highlight=False)


def _print_proof(console: Any, proof: Any) -> None:
    named = sum(slug == first for slug, _, first in proof.named)
    mark, style = ("✓", "green") if proof.sound else ("✗", "red")
    console.print(
        f"{mark} {proof.exercise}: {named} of {len(proof.named)} mistakes named", style=style, highlight=False
    )
    for problem in proof.problems:
        console.print(f"    {problem}", markup=False, highlight=False)
    for idle in proof.idle_cases:
        said = f"    note: no known mistake shows in {idle!r}"
        console.print(said, style="dim", markup=False, highlight=False)


@app.command()
def doctor() -> None:
    """Say what this system can do: sandbox layers, devices, versions; and what to do about what is missing."""
    import platform

    torch = _torch()
    from rich.console import Console
    from rich.table import Table

    from grader.grade import own_version
    from grader.runner.pool import RunnerError, WarmParent
    from grader.runner.selftest import escapes
    from grader.sandbox import LAYERS, REQUIRED, available

    console = Console()
    try:
        with WarmParent() as runner:
            active, escaped = runner.layers(), escapes(runner)
    except RunnerError as error:
        _fail(str(error))
    table = Table("layer", "available", "active", "stops", "if missing", title="sandbox")
    for layer in LAYERS:
        mark = [("yes" if layer.name in names else "no") for names in (available(), active)]
        remedy = "" if layer.name in active else layer.remedy
        table.add_row(layer.name + (" *" if layer.name in REQUIRED else ""), *mark, layer.stops, remedy)
    console.print(table)
    console.print("* required for grading a class", highlight=False)
    for attempt in escaped:
        console.print(f"✗ a child can still {attempt}", style="red", highlight=False)
    if not escaped:
        console.print("✓ a child that tries to get out does not", style="green", highlight=False)
    devices = [name for name, there in (("cuda", torch.cuda.is_available()),) if there]
    if torch.backends.mps.is_available():
        devices.append("mps")
    console.print(f"devices: {', '.join(['cpu', *devices])}", highlight=False)
    console.print(
        f"attn {own_version()}, torch {torch.__version__}, Python {platform.python_version()}", highlight=False
    )
    console.print(f"{platform.platform()}", highlight=False)
    if escaped:
        raise typer.Exit(1)


def _course() -> LocatedCourse:
    from grader.course.course import find_course
    from grader.course.errors import CourseError

    try:
        return find_course()
    except CourseError as error:
        _usage_error(str(error))


def _device(device: Device) -> str:
    torch = _torch()
    if device is Device.auto:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device is Device.cuda and not torch.cuda.is_available():
        _usage_error("PyTorch finds no CUDA device here; use --device cpu.")
    if device is Device.mps and not torch.backends.mps.is_available():
        _usage_error("PyTorch finds no MPS device here; use --device cpu.")
    return device.value


def _torch() -> Any:
    """Import torch. Interrupted meanwhile, its import goes on and fails later: so this process ends at once instead."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        import torch
    finally:
        signal.signal(signal.SIGINT, before)
    return torch


def _known(located: LocatedCourse, exercises: list[str] | None) -> list[str]:
    """The exercises, if the course has them all; else a usage error that suggests what may have been meant."""
    import difflib

    known = [entry.id for _, entry in located.course.entries()]
    for name in exercises or []:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else "."
            _usage_error(f"There is no exercise {name!r}{hint}")
    return exercises or []


def _percent(report: Report) -> float:
    return 100 * report.score / report.max_score if report.max_score else 0.0


def _write_json(reports: list[Report], where: str, lang: Lang) -> None:
    text = json.dumps([report.to_json(lang.value) for report in reports], indent=1, ensure_ascii=False)
    path = Path("standard output" if where == "-" else where)
    try:
        if where == "-":
            print(text, flush=True)
            return
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_text(text + "\n", encoding="utf-8")
            return
        # Written beside and then renamed: a run that is killed leaves the old file or the new one, never half of one.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(name, path)
    except OSError as error:
        if where == "-":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer cannot be written either
        _fail(f"The report cannot be written to {path}: {error.strerror}.")


def _usage_error(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(2)


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)
