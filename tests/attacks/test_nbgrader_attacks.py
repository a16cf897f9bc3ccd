"""What lives in notebooks, through `nbgrader autograde` with this repository's settings, and through `attn grade`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attacking import HONEST, environment, small_course, snapshot
from browser import BROWSER_MILLISECONDS, chromium, jupyter_server
from helpers import EXERCISE, RIGHT, ROOT
from nbgrader.api import Gradebook, MissingEntry
from notebooks import ATTACKS, SCRIPT, NotebookAttack, answered, honest, text_of

from grader.course.course import find_course
from grader.handout.build import write_sources
from grader.session import Session
from grader.submission.find import find

pytestmark = pytest.mark.slow

ASSIGNMENT = "01-foundations"
LIMITS = {"seconds": 200, "call_seconds": 30, "memory_mb": 1024, "file_mb": 16}
FILES = ("torch.py", "sitecustomize.py", "nbgrader_config.py", "conftest.py", "course.yml", "gradebook.db", "x.pth")


@dataclass
class Graded:
    """A course after one run of autograde."""

    root: Path
    canary: Path
    attn: dict[str, dict[str, Any]]
    before: dict[str, str]
    after: dict[str, str]

    def score(self, student: str) -> float | None:
        """What the gradebook says; None when nothing was graded."""
        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}") as gradebook:
            try:
                return float(gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, student).score)
            except MissingEntry:
                return None

    def page(self, student: str) -> str:
        """The feedback that a student gets and an instructor may open."""
        return (self.root / "feedback" / student / ASSIGNMENT / f"{EXERCISE}.html").read_text(encoding="utf-8")


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    root = tmp_path_factory.mktemp("nbgrader-attacks") / "course"
    canary = root.parent / "canary"
    small_course(root, LIMITS)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    located = find_course(root)
    write_sources(located, root / "source")
    made = nbgrader(root, "generate_assignment", ASSIGNMENT, "--force")
    assert made.returncode == 0, made.stderr
    handed_out = json.loads((root / "release" / ASSIGNMENT / f"{EXERCISE}.ipynb").read_text(encoding="utf-8"))

    def hand_in(student: str, text: str) -> Path:
        path = root / "submitted" / student / ASSIGNMENT / f"{EXERCISE}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    for name in HONEST:
        hand_in(f"honest-{name}", text_of(answered(handed_out, honest(name)), canary))
    for attack in ATTACKS:
        hand_in(attack.name, text_of(attack.make(handed_out), canary))
    beside = hand_in("files", text_of(answered(handed_out, honest("zeros")), canary))
    for name in FILES:
        (beside.parent / name).write_text(f"open({str(canary)!r}, 'w').close()\n")
    hand_in("symlink", "").unlink()
    link = root / "submitted" / "symlink" / ASSIGNMENT / f"{EXERCISE}.ipynb"
    link.symlink_to(root / "source" / ASSIGNMENT / f"{EXERCISE}.ipynb")
    hand_in("zz-honest", text_of(answered(handed_out, RIGHT), canary))

    watched = [root / part for part in ("source", "release", "exercises", "solutions", "submitted", "course.yml")]
    before = {name: seen for part in watched for name, seen in snapshot(part).items()}
    nbgrader(root, "autograde", ASSIGNMENT)
    nbgrader(root, "generate_feedback", ASSIGNMENT)
    after = {name: seen for part in watched for name, seen in snapshot(part).items()}
    with Session(located) as session:
        graded = [report.to_json() for report in session.grade_all(find([root / "submitted"]).work)]
    reports = {Path(report["submission"]).parts[-3]: report for report in graded}
    return Graded(root, canary, reports, before, after)


@pytest.mark.parametrize(
    "attack",
    [pytest.param(attack, id=attack.name) for attack in ATTACKS],
)
def test_a_notebook_earns_what_its_code_deserves(course: Graded, attack: NotebookAttack) -> None:
    deserved = course.attn[f"honest-{attack.deserves}"]["score"]
    assert course.score(f"honest-{attack.deserves}") == pytest.approx(deserved, abs=1e-4)
    assert course.attn[attack.name]["score"] == pytest.approx(deserved, abs=1e-4)
    assert course.score(attack.name) == pytest.approx(deserved, abs=1e-4)


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in ATTACKS])
def test_nobody_loses_their_feedback(course: Graded, attack: NotebookAttack) -> None:
    page = course.page(attack.name)
    assert EXERCISE in page
    assert "strict=True" not in page  # of the hidden tests


def test_honest_submissions_keep_their_grades(course: Graded) -> None:
    assert course.score("honest-right") == course.score("zz-honest") == 6
    assert course.score("honest-zeros") == pytest.approx(course.attn["honest-zeros"]["score"], abs=1e-4)


def test_the_course_gives_the_points(course: Graded) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(ASSIGNMENT):
            assert submission.max_score == 6
            assert 0 <= submission.score <= 6


def test_files_beside_a_notebook_are_not_believed(course: Graded) -> None:
    assert course.score("files") == pytest.approx(course.attn["honest-zeros"]["score"], abs=1e-4)


def test_a_link_to_the_solution_is_no_submission(course: Graded) -> None:
    assert course.attn["symlink"]["status"] == "invalid"
    assert not course.score("symlink")


def test_no_file_changes(course: Graded) -> None:
    assert course.after == course.before
    assert not course.canary.exists()


@pytest.mark.parametrize(
    "student",
    ["31_script_in_text", "31_script_in_an_output", "31_script_in_an_error"],
)
def test_feedback_runs_no_script_of_a_submission(course: Graded, student: str) -> None:
    page = course.page(student)
    assert "alert('attack')</script>" not in page
    assert not re.search(r"<[^>&]*onerror", page)
    assert SCRIPT not in page


def test_the_explanation_in_the_gradebook_is_text(course: Graded) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        found = gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, "31_script_in_an_error")
        assert any(comment.auto_comment for comment in found.comments)


@pytest.fixture(scope="module")
def formgrader(course: Graded) -> Iterator[Callable[[str], str]]:
    """The address of a student's page in formgrader, where an instructor reads the submission."""
    with jupyter_server(course.root) as address:

        def page(student: str) -> str:
            with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
                found = gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, student).id
            return f"{address}/formgrader/submissions/{found}/?index=0"

        yield page


LIVE = """() => [...document.querySelectorAll('body *')].filter(element =>
    [...element.attributes].some(attribute => /attack|alert/.test(attribute.value)
        && (attribute.name.startsWith('on') || /script:/.test(attribute.value.replace(/[\\s\\u200b]/g, ''))))
    || (element.tagName == 'SCRIPT' && /attack/.test(element.textContent))
    || (element.protocol || '').endsWith('script:')).map(element => element.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("where", ["formgrader", "feedback"])
@pytest.mark.parametrize("student", ["31_script_in_text", "31_every_live_text"])
def test_nothing_that_was_written_runs_in_a_browser(
    course: Graded, formgrader: Callable[[str], str], browser: Any, student: str, where: str
) -> None:
    path = course.root / "feedback" / student / ASSIGNMENT / f"{EXERCISE}.html"
    address = formgrader(student) if where == "formgrader" else path.as_uri()
    with browser.new_context() as context:
        page = context.new_page()
        dialogs = list[str]()
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.add_init_script("window.hits = 0; window.attacked = () => { window.top.hits += 1; }")
        page.goto(address, wait_until="load", timeout=BROWSER_MILLISECONDS)
        assert "attack" in page.content()  # it is the page, and it shows what was written
        assert page.evaluate(LIVE) == []
        assert page.evaluate("window.hits") == 0
    assert dialogs == []
