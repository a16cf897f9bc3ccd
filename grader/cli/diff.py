"""``attn diff``: whose grade changed between two sets of reports, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import usage_error

if TYPE_CHECKING:
    from grader.report.model import Report


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A JSON report of `attn grade --json`.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Another, on the same submissions.", show_default=False)],
) -> None:
    """Say which submissions are graded or described differently in two JSON reports.

    Times, versions and sandbox layers do not count. Exits with 0 when nothing differs, with 1 when something does.
    """
    from rich.console import Console

    from grader.report.difference import differences
    from grader.report.render import in_a_line, plain

    console = Console(soft_wrap=True, markup=False, highlight=False)
    before, after = _reports(old), _reports(new)
    found = list(differences(before, after))
    for difference in found:
        console.print(in_a_line(f"{difference.submission}: {difference.change}"))
        for place, mine, theirs in difference.places:
            was, now = (json.dumps(value, ensure_ascii=False) for value in (mine, theirs))
            console.print(plain(f"    {place}: {was} → {now}"))
    graded = sum(difference.change != "said otherwise" for difference in found)
    console.print(f"{len(found)} of {max(len(before), len(after))} reports differ, {graded} in their grade.")
    if found:
        raise typer.Exit(1)


def _reports(path: Path) -> list[Report]:
    from grader.report.model import reports_from_json

    try:
        return reports_from_json(path.read_bytes())
    except OSError as error:
        usage_error(f"{path} cannot be opened: {error.strerror}.")
    except ValueError:
        usage_error(f"{path} is not a JSON report; give a file that `attn grade --json FILE` wrote.")
