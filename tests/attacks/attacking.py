"""What the tests of attacks share: the attacks themselves, a small course with something to steal, and one graded run.

An attack is a file in ``submissions/``, put behind ``prelude.py``. Lines ``key: value`` in its docstring say what comes
of it: ``deserves`` (a score that it may not exceed; zeros when nothing is said), ``status``, ``fails`` (a check),
``open`` where the hole is known and not closed yet, and ``exercise`` where it is an answer to another one: then it
stands alone, without the prelude.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from helpers import EXERCISE, ROOT

from grader.course.course import find_course
from grader.course.keyfile import write_key
from grader.course.keys import key_of

HERE = Path(__file__).resolve().parent
PRELUDE = (HERE / "prelude.py").read_text(encoding="utf-8")
HONEST = {
    "right": f"{EXERCISE} = right\n",
    "zeros": f"{EXERCISE} = zeros\n",
    "nothing": f"def {EXERCISE}(q, k, v, mask=None):\n    raise KeyError\n",
}
"""What attacks are measured by: honest submissions of the same answers."""


@dataclass(frozen=True)
class Attack:
    """One attack, and what is said of it."""

    name: str
    text: str
    says: dict[str, str] = field(default_factory=dict)

    @property
    def deserves(self) -> str:
        """The honest submission that it may not score more than, or ``half`` or ``less than right``."""
        return self.says.get("deserves", "zeros")

    @property
    def exercise(self) -> str:
        """What it is an answer to."""
        return self.says.get("exercise", EXERCISE)

    @property
    def aim(self) -> str:
        """What it tries, in a sentence."""
        return self.text.split('"""')[1].split("\n")[0].split(". ", 1)[1]


def read_attacks() -> list[Attack]:
    """Every attack that is a Python file."""
    found = []
    for path in sorted((HERE / "submissions").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        says = dict(re.findall(r"^(\w+): (.+)$", text.split('"""')[1], re.MULTILINE))
        found.append(Attack(path.stem, text, says))
    return found


@dataclass(frozen=True)
class Place:
    """A small course with a gradebook, a folder of submissions, and services that an attack would like to reach."""

    course: Path
    submissions: Path
    gradebook: Path
    canary: Path
    port: int
    abstract: str

    @property
    def sibling(self) -> Path:
        """The submission that others want to read and change."""
        return self.submissions / "honest-right" / f"{EXERCISE}.py"

    def code(self, text: str, exercise: str = EXERCISE) -> str:
        """The text of a submission made of an attack's."""
        for word, value in (
            ("@COURSE@", self.course),
            ("@SUBMISSIONS@", self.submissions),
            ("@SIBLING@", self.sibling),
            ("@GRADEBOOK@", self.gradebook),
            ("@CANARY@", self.canary),
            ("@PORT@", self.port),
            ("@ABSTRACT@", self.abstract),
        ):
            text = text.replace(word, str(value))
        return PRELUDE + text if exercise == EXERCISE else text

    def hand_in(self, name: str, text: str, exercise: str = EXERCISE) -> Path:
        """Write a submission."""
        folder = self.submissions / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{exercise}.py"
        path.write_text(self.code(text, exercise), encoding="utf-8")
        return path

    def hand_in_attack(self, attack: Attack) -> Path:
        """Write an attack's submission."""
        return self.hand_in(attack.name, attack.text, attack.exercise)


@contextlib.contextmanager
def place(folder: Path, limits: dict[str, float] | None = None) -> Iterator[Place]:
    """Set everything up in a folder, and serve for as long as the context lasts."""
    course = folder / "course"
    small_course(course, limits or {"seconds": 10, "call_seconds": 1.5, "memory_mb": 1024, "file_mb": 16}, ATTACKED)
    (course / ".git").mkdir()
    gradebook = course / "gradebook.db"
    with contextlib.closing(sqlite3.connect(gradebook)) as database:
        database.execute("create table grade (student text, auto_score real)")
        database.execute("insert into grade values ('mallory', 0)")
        database.commit()
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    abstract = f"attn-attack-{os.getpid()}-{server.server_port}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0" + abstract)
        listening.listen()
        yield Place(course, course / "class", gradebook, folder / "canary", server.server_port, abstract)
    server.shutdown()
    server.server_close()


ATTACKED = (EXERCISE, *sorted({attack.exercise for attack in read_attacks()} - {EXERCISE}))
"""The exercises that attacks are answers to."""


def small_course(course: Path, limits: dict[str, float], exercises: Sequence[str] = (EXERCISE,)) -> None:
    """A course of a few exercises, the first of them with its key built ahead and its notebook."""
    whole = yaml.safe_load((ROOT / "course.yml").read_text(encoding="utf-8"))
    for assignment in whole["assignments"]:
        chosen = [{**entry, "needs": []} for entry in assignment["exercises"] if entry["id"] in exercises]
        assignment["exercises"] = chosen
        for entry in chosen:
            own = Path(assignment["id"]) / entry["id"]
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "solutions" / own, course / "solutions" / own, ignore=unwanted)
    for shared in [*(ROOT / "solutions").glob("*.py"), *(ROOT / "solutions").glob("*.yml")]:
        shutil.copy(shared, course / "solutions")
    key = find_course(ROOT).built_key(EXERCISE, "cpu").relative_to(ROOT)
    (course / key).parent.mkdir()
    write_key(key_of(find_course(ROOT), EXERCISE), course / key)
    (course / "exercises" / "01-foundations").mkdir(parents=True)
    shutil.copy(ROOT / "exercises" / "01-foundations" / f"{EXERCISE}.ipynb", course / "exercises" / "01-foundations")
    whole |= {"assignments": [part for part in whole["assignments"] if part["exercises"]], "limits": limits}
    (course / "course.yml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")


def environment() -> dict[str, str]:
    """Of an instructor who has secrets in it."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "ATTN_TEST_TOKEN": "secret", "PYTHONDONTWRITEBYTECODE": "1"}


def run_attn(cwd: Path, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command, as it is run once installed: the folder that it runs in is no source of modules."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "grader", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def reports_by_name(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The JSON reports by the folders that the submissions lie in."""
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return {Path(report["submission"]).parent.name: report for report in json.loads(done.stdout)}


def snapshot(folder: Path) -> dict[str, str]:
    """Every file of a folder, with its content and mode."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts and path.is_file() and not path.is_symlink():
            status = path.stat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if status.st_size < 2**24 else "large"
            found[str(path)] = f"{digest} {status.st_mode:o} {status.st_size}"
    return found


def adopt_orphans() -> None:
    """From now on, processes whose parents are gone become this one's children, and can be seen."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def children() -> set[int]:
    """Processes that this one is the parent of, and that have not ended."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.add(int(status.parent.name))
    return found


def gone(before: set[int], seconds: float = 60.0) -> bool:
    """True as soon as this process has no other children than before."""
    end = time.monotonic() + seconds
    while children() - before:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
