"""An answer key is kept or built ahead, needs no author's file, and is made again when one of them changes."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISE, RIGHT, ROOT, SUBMISSIONS, SYSTEM, WRONG, run_attn

from grader.course import keys
from grader.course.course import LocatedCourse, find_course
from grader.course.key import AnswerKey, Predicted
from grader.course.keyfile import read_key, write_key
from grader.course.keys import key_of, keys_folder, make_key, reference_of, targets_of
from grader.grade import Grader
from grader.handout.keys import answered, write_keys
from grader.report.difference import without_varying
from grader.session import Session
from grader.submission.find import Work
from grader.submission.reader import Submission
from grader.verdict.effects import effects_of


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocatedCourse:
    """A course of one exercise, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(keys, "stamp_of", keys.stamp_of.__wrapped__)  # a process sees its files change only in tests
    monkeypatch.setattr(keys, "_key", keys._key.__wrapped__)
    for name in ("course.yml", "solutions/shared.py", "solutions/mistakes.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    place = find_course(ROOT).solution(EXERCISE).relative_to(ROOT)
    shutil.copytree(ROOT / place, tmp_path / place)
    return find_course(tmp_path)


def made_afresh(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The exercises whose files are read from now on."""
    read: list[str] = []

    class Reading(keys.Authored):
        def __init__(self, folder: Path, device: str = "cpu") -> None:
            read.append(folder.name)
            super().__init__(folder, device)

    monkeypatch.setattr(keys, "Authored", Reading)
    return read


def report_on(key: AnswerKey, session: Session, code: str) -> dict[str, Any]:
    return without_varying(Grader(key, session.runner).grade_cells(Submission(Path("x.py"), (code,))).to_json())


def test_a_key_is_kept_and_read_without_the_author(copy: LocatedCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    read = made_afresh(monkeypatch)
    first = key_of(copy, EXERCISE)
    again = key_of(copy, EXERCISE)
    assert read == [EXERCISE]
    assert (first.stamp, first.reference, first.stub) == (again.stamp, again.reference, again.stub)
    assert targets_of(copy, EXERCISE) == (EXERCISE,)


@pytest.mark.skipif(SYSTEM == "win32", reason="modes are those of POSIX")
def test_nobody_else_reads_it(copy: LocatedCourse) -> None:
    keys_folder().mkdir(parents=True, mode=0o755)
    key_of(copy, EXERCISE)
    (kept,) = keys_folder().iterdir()
    assert stat.S_IMODE(keys_folder().stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["notebook.py", "grading.py", "mistakes.yml", "../../shared.py", "../../mistakes.yml"])
def test_another_file_makes_another_key(copy: LocatedCourse, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    key_of(copy, EXERCISE)
    path = copy.solution(EXERCISE) / name
    path.write_text(path.read_text("utf-8") + "\n# changed\n", encoding="utf-8")
    read = made_afresh(monkeypatch)
    key_of(copy, EXERCISE)
    assert read == [EXERCISE]


def test_a_key_of_a_sibling_is_made_of_its_files_too() -> None:
    folder = find_course(ROOT).solution("debug_3")
    assert folder.parents[1] / "02-heads/multi_head_attention/notebook.py" in keys._sources(folder)


def test_what_a_question_asks_is_kept(session: Session, tmp_path: Path) -> None:
    key = session.grader("debug_1").key
    write_key(key, tmp_path / "key")
    plain = ("reason", "family", "tolerance", "weight", "essential", "base", "fault", "summary", "needs_the_rest")
    for mine, kept in zip(key.questions, read_key(tmp_path / "key").questions, strict=True):
        assert [getattr(kept, name) for name in plain] == [getattr(mine, name) for name in plain]
    assert any(question.needs_the_rest for question in key.questions)


@pytest.mark.parametrize("damage", [b"", b"no key", b'\x10\0\0\0\0\0\0\0{"__metadata__":1'])
def test_a_damaged_key_is_made_again(copy: LocatedCourse, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    key_of(copy, EXERCISE)
    (kept,) = keys_folder().iterdir()
    kept.write_bytes(damage)
    read = made_afresh(monkeypatch)
    assert key_of(copy, EXERCISE).targets == (EXERCISE,)
    assert read == [EXERCISE]
    assert read_key(kept).targets == (EXERCISE,)


def test_without_a_cache_folder_it_is_made_each_time(copy: LocatedCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy.root / "cache").write_text("a file is in the way", encoding="utf-8")
    read = made_afresh(monkeypatch)
    assert key_of(copy, EXERCISE).questions
    assert key_of(copy, EXERCISE).questions
    assert read == [EXERCISE, EXERCISE]


def test_what_mistakes_answer_is_kept_as_far_as_it_was_asked(copy: LocatedCourse, session: Session) -> None:
    key = key_of(copy, EXERCISE)
    before = report_on(key, session, WRONG)
    asked = sum(len(known.predicted.made) for known in key.mistakes if isinstance(known.predicted, Predicted))
    assert asked
    keys.keep_answers(key)
    again = key_of(copy, EXERCISE)
    assert report_on(again, session, WRONG) == before
    assert not any(known.predicted.is_new for known in again.mistakes if isinstance(known.predicted, Predicted))


def test_a_key_built_ahead_runs_no_author(
    copy: LocatedCourse, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = report_on(make_key(copy, EXERCISE), session, WRONG)
    (path,) = write_keys(copy, only=[EXERCISE])
    assert path == copy.built_key(EXERCISE, "cpu")
    read = made_afresh(monkeypatch)
    monkeypatch.setattr("grader.course.key.run_call", lambda *_: pytest.fail("an author's code was run"))
    built = key_of(copy, EXERCISE)
    assert report_on(built, session, WRONG) == fresh
    assert report_on(built, session, RIGHT)["score"] == built.points
    assert read == []


def test_in_a_key_built_ahead_mistakes_show_where_they_did(copy: LocatedCourse) -> None:
    fresh = make_key(copy, EXERCISE)
    write_keys(copy, only=[EXERCISE])
    built = read_key(copy.built_key(EXERCISE, "cpu"))
    for number in range(len(fresh.mistakes)):
        assert effects_of(built).of(number) == effects_of(fresh).of(number)


def test_a_public_part_has_nothing_of_an_author() -> None:
    part = answered(make_key(find_course(ROOT), EXERCISE).public())
    assert (part.reference, part.stub, part.stamp) == ("", (), "")
    assert part.questions
    assert all(question.public and not question.fault for question in part.questions)
    assert all(known.variant is None for known in part.mistakes)


@pytest.mark.slow
def test_exercises_are_graded_without_solutions(session: Session, course: LocatedCourse, tmp_path: Path) -> None:
    """In a fresh process, from keys alone: the reports are those that are made with the authors' files.

    One exercise of each assignment, which between them have all that a key can hold.
    """
    chosen = [assignment.exercises[-1].id for assignment in course.course.assignments]
    shutil.copy(ROOT / "course.yml", tmp_path)
    there = find_course(tmp_path)
    work = []
    for exercise in chosen:
        path = there.built_key(exercise, "cpu")
        path.parent.mkdir(exist_ok=True)
        write_key(key_of(course, exercise), path)
        folder = tmp_path / "class" / exercise
        folder.mkdir(parents=True)
        right = folder / f"{exercise}.py"
        right.write_text(reference_of(course, exercise), encoding="utf-8")
        work.append(right)
        wrong = next((path for path in SUBMISSIONS if path.parent.name == exercise and "wrong" in path.name), None)
        if wrong is not None:
            other = tmp_path / "other" / exercise
            other.mkdir(parents=True)
            work.append(Path(shutil.copy(wrong, other / f"{exercise}.py")))
    assert not (tmp_path / "solutions").exists()
    done = run_attn("grade", "class", "other", "--json", "-", "--no-sandbox", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {report["submission"]: without_varying(report) for report in json.loads(done.stdout)}
    assert len(found) == len(work) > len(chosen)
    for path in work:
        shown = os.path.relpath(path, tmp_path)
        here = json.loads(json.dumps(session.grade(Work(path, shown)).to_json()))
        assert found[shown] == without_varying(here)
