"""``attn demo``: grades a small class: right in two styles, wrong in five ways, and what else is handed in."""

from __future__ import annotations

from pathlib import Path

from grader.cli.app import app
from grader.cli.common import LangOption, course, usage_error
from grader.cli.grade import TRUSTED, Device, run

CLASS = Path("demo", "class")

NEXT = """
Two things to try next:
  attn start
    a folder of your own with the exercises in it; check(...) there says what is wrong
  attn grade {one}
    one submission, with every check (see `attn --help` for the rest)"""


@app.command()
def demo(lang: LangOption = "en") -> None:
    """Grade the demonstration: a class of eleven, in demo/class of the course."""
    located = course()
    folder = _as_typed(located.root / CLASS)
    from grader.submission.find import find

    found = find([folder])
    reports = run(located, found.work, None, Device.auto, TRUSTED).reports
    from grader.cli.passed_over import list_passed_over
    from grader.cli.reports import list_ungraded, show

    show(reports, lang)
    list_ungraded(reports, lang)
    list_passed_over(found.passed_over, lang)
    print(NEXT.format(one=folder / "chen"))


def _as_typed(folder: Path) -> Path:
    """A folder of the course, as it is called from the working folder."""
    if not folder.is_dir():
        usage_error(f"There is no {folder}; run this in a checkout of the Attention Workshop.")
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
