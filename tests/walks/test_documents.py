"""What the documents say is so: links, versions, families; and commits are kept from notebooks with work in them."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from helpers import ROOT
from packaging.version import Version

from grader.authoring.cases import FAMILIES
from grader.course.course import LocatedCourse

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        place, _, heading = target.partition("#")
        if "://" in target:
            continue
        found = page.parent / place if place else page
        assert found.exists(), target
        if heading:
            text = found.read_text(encoding="utf-8")
            headings = [re.sub(r"[^\w -]", "", line).strip().lower() for line in re.findall(r"^#+ (.*)", text, re.M)]
            assert heading in [name.replace(" ", "-") for name in headings], target


@pytest.mark.parametrize("page", ["docs/architecture.md"])
def test_what_is_named_is_there(page: str) -> None:
    """Rooms and files, written in backquotes."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z_/]+(?:\.py|/))`", text):
        if name not in ("grading.py", "notebook.py"):  # an exercise's
            places = [ROOT / name, ROOT / "grader" / name, *(ROOT / "grader").glob(f"*/{name}")]
            assert any(place.exists() for place in places), name


def test_every_room_has_its_line() -> None:
    """And no line is about a room that is gone."""
    part = (
        (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    )
    named = [name for row in re.findall(r"^\| (`.*?) \|", part, re.M) for name in re.findall(r"`([\w.]+)/?`", row)]
    rooms = [path for path in (ROOT / "grader").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    assert sorted(named) == sorted(path.name for path in rooms if not path.name.startswith("__"))


def test_the_changelog_begins_with_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]


def test_what_is_promised_of_versions_was_run() -> None:
    """The page is what `make versions` wrote."""
    page = (ROOT / "docs/versions.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    row = r"^\| \w+ \| (3\.\d+)\.\d+ \| (\w+) \| ([\d.]+)\S* \| \d+ passed, 0 failed \|"
    passed = re.findall(row, page, re.MULTILINE)
    pythons = sorted({python for python, *_ in passed})
    assert re.findall(r"Python :: (3\.\d+)\n", "\n".join(project["classifiers"])) == pythons
    assert f"Python {pythons[0]} to {pythons[-1]}" in (ROOT / "README.md").read_text(encoding="utf-8")

    pinned = {torch for _, versions, torch in passed if versions == "pinned"}
    assert re.findall(r"^torch==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE) == [
        *pinned
    ]

    assert "lowest" in [versions for _, versions, _ in passed]
    lowest = dict(re.findall(r"^- (\S+) (\S+)$", page, re.MULTILINE))
    extras = (project["optional-dependencies"][extra] for extra in ("lab", "nbgrader", "test"))
    for line in itertools.chain(project["dependencies"], *extras):
        if not line.startswith(project["name"]):
            name, bound = re.findall(r"^([\w-]+)>=([\d.]+)", line)[0]
            assert Version(bound) == Version(lowest[name]), name


def test_the_readme_counts_the_exercises(course: LocatedCourse) -> None:
    count = len(list(course.course.entries()))
    assert f" {count} exercises " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_families_are_listed_as_they_are() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/2-wrong-accepted.yml").read_text(encoding="utf-8"))
    (options,) = (part["attributes"]["options"] for part in form["body"] if part.get("id") == "family")
    assert tuple(options) == FAMILIES
    listed = re.search(r"A family is one of (.*?)\.", (ROOT / "docs/reports.md").read_text("utf-8"), re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r"`(\w+)`", listed[1])) == FAMILIES


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ("raise NotImplementedError()", "return values", "is not what `attn build weighted_sum` makes"),
        ('"outputs": []', '"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]', "holds outputs"),
    ],
    ids=["as built", "worked in", "run"],
)
def test_commits_are_kept_from_notebooks_with_work_in_them(
    course: LocatedCourse, tmp_path: Path, old: str, new: str, said: str
) -> None:
    script = importlib.util.spec_from_file_location("check_notebooks", ROOT / "tools" / "check_notebooks.py")
    assert script is not None
    assert script.loader is not None
    tool = importlib.util.module_from_spec(script)
    script.loader.exec_module(tool)
    mine = LocatedCourse(tmp_path, course.course)
    mine.release("weighted_sum").parent.mkdir(parents=True)
    mine.release("weighted_sum").write_text(
        course.release("weighted_sum").read_text("utf-8").replace(old, new), "utf-8"
    )
    shutil.copytree(course.solution("weighted_sum"), mine.solution("weighted_sum"))
    problems = list(tool.wrong_notebooks(mine, ["weighted_sum"]))
    assert [said in problem for problem in problems] == ([True] if said else [])
