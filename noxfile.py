"""Runs the quick tests with the versions that pyproject.toml promises, and writes what came of it to docs/versions.md.

    make versions                             # every row, each in an environment of its own
    .venv/bin/nox -s "tests(3.11-lowest)"     # one; `.venv/bin/nox --list` has their names

It needs those Pythons, and for each row some minutes and, on Linux, some GB. `nox -db uv` installs with uv.
"""

from __future__ import annotations

import datetime
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nox

PAGE = Path("docs/versions.md")
THIS_PAGE = "tests/walks/test_documents.py::test_what_is_promised_of_versions_was_run"
"""The test that the page is up to date, which it is not yet."""
LOWEST = "\n## The lowest\n\n"
"""The heading that the lowest versions are listed under, which ends the page."""

ROWS = (("3.11", "lowest"), ("3.11", "pinned"), ("3.12", "pinned"), ("3.13", "pinned"), ("3.13", "newest"))
"""Pythons, and which of the other versions: the lowest that pyproject.toml allows, those of constraints.txt, or the
newest that are to be had."""

ASK_SYSTEM = "import platform; print(platform.system(), platform.python_version())"
ASK_VERSIONS = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


@nox.session
@nox.parametrize("python,versions", ROWS, ids=["-".join(row) for row in ROWS])
def tests(session: nox.Session, versions: str) -> None:
    """Install the project, run its quick tests, and write the row."""
    session.install(*_constraints(session, versions), "-e", ".[test]")
    results = Path(session.virtualenv.location, "results.xml")
    # Where versions are not the pinned ones, one library may find that another is old-fashioned; that breaks nothing.
    warnings = () if versions == "pinned" else ("-W", "default")
    command = ("python", "-m", "pytest", "-n", "2", "-m", "not slow", f"--deselect={THIS_PAGE}", *warnings)
    session.run(*command, f"--junitxml={results}", success_codes=(0, 1))

    passed, failed = _counts(results)
    system, python = _ask(session, ASK_SYSTEM)
    [torch] = _ask(session, ASK_VERSIONS, "torch")
    result = f"{passed} passed, {failed} failed"
    _write_row(system, python, versions, torch, result, datetime.date.today().isoformat())
    if versions == "lowest":
        names = _direct()
        _write_lowest(dict(zip(names, _ask(session, ASK_VERSIONS, *names), strict=True)))
    if failed:
        session.error(result)


def _constraints(session: nox.Session, versions: str) -> tuple[str, ...]:
    """What pip is told of the versions."""
    if versions == "newest":
        return ()
    if versions == "pinned":
        return ("-c", "constraints.txt")
    found = Path(session.virtualenv.location, "lowest.txt")
    resolve = ("uv", "pip", "compile", "--quiet", "--upgrade", "--resolution=lowest-direct", "--extra=test")
    session.run(
        *resolve, f"--python-version={session.python}", "pyproject.toml", f"--output-file={found}", external=True
    )
    return ("-c", str(found))


def _counts(results: Path) -> tuple[int, int]:
    """How many tests passed, and how many did not."""
    suite = next(ET.parse(results).iter("testsuite"))
    total, skipped, failures, errors = (int(suite.attrib[name]) for name in ("tests", "skipped", "failures", "errors"))
    return total - skipped - failures - errors, failures + errors


def _ask(session: nox.Session, program: str, *arguments: str) -> list[str]:
    return str(session.run("python", "-c", program, *arguments, silent=True)).split()


def _direct() -> list[str]:
    """Names of what the project and its tests ask for themselves."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = (project["optional-dependencies"][extra] for extra in ("lab", "nbgrader", "test"))
    asked = {re.split(r"[^\w-]", line)[0] for lines in (project["dependencies"], *extras) for line in lines}
    return sorted(asked - {project["name"]})


def _write_row(*cells: str) -> None:
    """In place of the one of the same system, Python and choice of versions."""
    page = PAGE.read_text(encoding="utf-8")
    table = re.search(r"(?:^\|.*\n)+", page, re.MULTILINE)
    assert table
    header, line, *rows = table[0].splitlines(keepends=True)
    system, python, versions = cells[:3]
    same = re.compile(rf"\| {system} \| {python.rpartition('.')[0]}\.\w+ \| {versions} \|")
    rows = sorted([*(row for row in rows if not same.match(row)), f"| {' | '.join(cells)} |\n"])
    PAGE.write_text(page[: table.start()] + "".join([header, line, *rows]) + page[table.end() :], encoding="utf-8")


def _write_lowest(versions: dict[str, str]) -> None:
    page = PAGE.read_text(encoding="utf-8").partition(LOWEST)[0]
    PAGE.write_text(page + LOWEST + "".join(f"- {name} {version}\n" for name, version in versions.items()), "utf-8")
