"""``attn watch`` grades what is saved, and says what changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISES, environment, solve
from watchfiles import Change

from grader.course.course import LocatedCourse
from grader.desk.progress import Progress

FIRST = "attention_by_hand"


def test_what_is_saved_is_graded_and_only_what_changed_is_said(
    attn: Callable[..., Any], here: Path, course: LocatedCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here / "01-foundations" / f"01_{FIRST}.ipynb"
    fresh = path.read_text(encoding="utf-8")

    def saves(_folder: Path, *, watch_filter: Callable[..., bool], **_: Any) -> Iterator[set[tuple[Change, str]]]:
        assert watch_filter(Change.added, str(path.resolve()))
        assert not watch_filter(Change.deleted, str(path.resolve()))
        assert not watch_filter(Change.modified, str(here / "00_start.ipynb"))
        for text in (fresh, None, None, fresh, ""):
            path.write_text(text or fresh, encoding="utf-8")
            if text is None:
                solve(course, FIRST, path)
            elif not text:
                path.unlink()
            yield {(Change.modified, str(path.resolve()))}

    monkeypatch.setattr("watchfiles.watch", saves)
    done = attn("watch")
    assert done.returncode == 0
    _, _, after = done.stdout.partition(f"attn check {FIRST}\n")
    first, _, second, *_ = after.splitlines()
    assert (first, second) == (f"{FIRST}: 0/6 · not attempted", f"{FIRST}: 6/6")
    assert after.count("✓ called and answers as specified") == 1
    assert after.count(f"✓ 1 of {len(EXERCISES)} · next: Dot-product attention (15 min)\n") == 1
    assert after.endswith("Write your solution where it says YOUR CODE HERE, then check it.\n")
    assert f"{FIRST}: 6/6 (as before)\n{FIRST}: 0/6 · not attempted (was 6/6)\n" in after
    assert [record.data["score"] for record in Progress().records()] == [0, 6, 6, 0]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_a_save_is_noticed_and_ctrl_c_ends_it(here: Path, course: LocatedCourse) -> None:
    command = [sys.executable, "-m", "grader", "watch"]
    with subprocess.Popen(command, cwd=here, env=environment(), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        answer = here / "01-foundations" / f"01_{FIRST}.ipynb"
        seen = threading.Event()
        for line in watching.stdout:
            if f"attn check {FIRST}" in line:
                solve(course, FIRST, answer)
                threading.Thread(target=keep_touching, args=(answer, seen)).start()
            if "6/6" in line:
                break
        seen.set()
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
    assert watching.returncode == 0


def keep_touching(path: Path, until: threading.Event) -> None:
    """What was saved just before anybody looks is saved again."""
    while not until.wait(0.5):
        path.touch()
