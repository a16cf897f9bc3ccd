"""The README: its commands, typed in a fresh clone; its samples and those of docs/, run and compared."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers import ROOT

from grader.session import Session
from grader.submission.find import find

pytestmark = pytest.mark.slow


def section(title: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


def commands(title: str) -> list[str]:
    """The lines of a section's code blocks."""
    blocks = re.findall(r"^```\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a person at a terminal gets whose environment is activated."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a fresh clone, as git has them now, in a repository of their own."""
    root = tmp_path_factory.mktemp("fresh") / "clone"
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no clone of the repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    for arguments in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "as cloned")):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    return root


def test_the_demonstration_works_as_typed(clone: Path) -> None:
    assert "attn demo" in commands("Start")
    done = typed("attn demo", clone)
    assert done.returncode == 0, done.stderr
    assert f"attn grade {Path('demo', 'class', 'chen')}\n" in done.stdout
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in commands("Start"):
        if line.startswith("make "):
            assert f"\n{line.split()[1]}:" in make, line


def test_hosting_works_as_typed(clone: Path) -> None:
    solved = clone / "exercises" / "01-foundations" / "weighted_sum.ipynb"
    for line in commands("Host it with nbgrader"):
        done = typed(line, clone)
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    with (clone / "grades.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], row["assignment"], float(row["score"])) == ("ada", "01-foundations", 0.0)
    assert float(row["max_score"]) > 0
    assert (clone / "feedback" / "ada" / "01-foundations" / "weighted_sum.html").is_file()
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert changed.stdout == "", "tracked files are changed, or files are left that git does not ignore"
    assert solved.is_file()


def test_hosting_again_loses_nothing_that_was_solved(clone: Path) -> None:
    """Depends on the test above: the road is walked a second time, with work in what was handed out."""
    places = ("release/01-foundations", "exercises/01-foundations", "submitted/ada/01-foundations")
    paths = [clone / place / "weighted_sum.ipynb" for place in places]
    for path in paths:
        path.write_text(path.read_text("utf-8").replace("raise NotImplementedError()", "return 1"), "utf-8")
    before = [path.read_text("utf-8") for path in paths]
    for line in commands("Host it with nbgrader"):
        if not line.startswith(("cp", "mkdir")):
            assert typed(line, clone).returncode == 0, line
    assert [path.read_text("utf-8") for path in paths] == before


def matches(sample: str, output: str) -> bool:
    """Whether a command printed what the page shows; ``…`` on the page stands for anything, lines included."""
    pattern = re.escape(sample.rstrip()).replace(r"…", ".*?")
    return re.fullmatch(pattern, output.rstrip(), re.DOTALL) is not None


def test_the_first_example_says_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    code, said = re.findall(r"^```(?:python)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[:2]
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    done = typed(f"python {tmp_path / 'example.py'}", ROOT)
    assert done.returncode == 0, done.stderr
    assert matches(said, done.stdout), done.stdout


def samples() -> list[tuple[str, str]]:
    """Every ``$ command`` of the pages, with the output that is shown for it."""
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return re.findall(r"^```\n\$ (.*?)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), samples(), ids=[command for command, _ in samples()])
def test_sample_outputs_are_real(command: str, shown: str) -> None:
    done = typed(command.replace("attn ", "python -m grader ", 1), ROOT)
    assert matches(shown, done.stdout), done.stdout + done.stderr


def test_the_picture_shows_what_is_printed_today(session: Session) -> None:
    drawn = ElementTree.parse(ROOT / "docs" / "report.svg").getroot().itertext()
    picture = " ".join(" ".join(drawn).replace("│", " ").split())
    for name in ("ada", "chen", "dara", "eli", "fay", "gus"):
        (work,) = find([ROOT / "demo" / "class" / name]).work
        report = session.grade(work)
        cause = report.diagnosis[0].message.en if report.diagnosis else ""
        assert f"{name} {report.score:.4g}/{report.max_score:g} {cause}".strip() in picture, "run tools/picture.py"
