"""What a learner has done, kept in SQLite in the user's data folder: a list of records that only grows.

All else (what is passed, what is next, minutes, mistakes) is computed from it: ``standing.py``. Each record is one
transaction, and no connection is kept open: several notebooks at once, and a crash of any, harm nothing. Where nothing
can be kept, what this process does is remembered until it ends, and `Progress.trouble` says why.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path

from grader.text import Text

if TYPE_CHECKING:
    from grader.report.model import Report

Kind = Literal["check", "hint", "solution", "tick", "reset", "interview", "scorecard"]
FORMAT = 1
WAIT_SECONDS = 10.0
"""How long to wait for another process that is writing."""

_TABLE = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, exercise TEXT NOT NULL, data TEXT NOT NULL
)"""


def data_folder() -> Path:
    """Where what is the learner's own is kept on this machine; ATTN_DATA may name another folder."""
    chosen = os.environ.get("ATTN_DATA")
    return Path(chosen) if chosen else user_data_path("attention-workshop", appauthor=False)


@dataclass(frozen=True)
class Record:
    """One thing that was done.

    Args:
        at: when, in seconds since 1970.
        data: of a check, ``score``, ``max_score``, ``status``, ``mistakes`` (slugs) and ``seconds``; of a hint, its
            ``number``, from 1; of a tick in a self-review, its ``item``, from 1, and whether it is ``ticked``; of a
            question of an interview, what ``interview.py`` puts there.
    """

    at: float
    kind: Kind
    exercise: str
    data: dict[str, Any] = field(default_factory=dict)


class Progress:
    """The records of one learner."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_folder() / "progress.sqlite3"
        self.trouble: Text | None = None
        """Why records are not kept, or not read; None while all is well."""
        self._unkept: list[Record] = []

    def add(self, kind: Kind, exercise: str, **data: Any) -> None:
        """Record what was done just now. Never raises for a disk or a file that does not do."""
        record = Record(time.time(), kind, exercise, data)
        try:
            with self._open() as database:
                database.execute(
                    "INSERT INTO records (at, kind, exercise, data) VALUES (?, ?, ?, ?)",
                    (record.at, kind, exercise, json.dumps(data)),
                )
        except (OSError, sqlite3.Error) as error:
            self._unkept.append(record)
            self.trouble = _not_kept(self.path, error)

    def checked(self, report: Report) -> None:
        """Record a check."""
        self.add(
            "check",
            report.exercise,
            score=report.score,
            max_score=report.max_score,
            status=report.status,
            mistakes=[found.mistake for found in report.diagnosis if found.mistake != "unknown"],
            seconds=round(report.seconds, 3),
        )

    def records(self) -> list[Record]:
        """All records, oldest first."""
        kept: list[Record] = []
        if self.path.exists():
            try:
                with self._open() as database:
                    rows = database.execute("SELECT at, kind, exercise, data FROM records ORDER BY at, id").fetchall()
                kept = [Record(at, kind, exercise, json.loads(data)) for at, kind, exercise, data in rows]
            except (OSError, sqlite3.Error, ValueError) as error:
                self.trouble = _not_kept(self.path, error)
        return [*kept, *self._unkept]

    def export(self) -> str:
        """All records as JSON."""
        return json.dumps({"format": FORMAT, "records": [asdict(record) for record in self.records()]}, indent=1)

    def delete(self) -> None:
        """Delete all records, for good.

        Raises:
            OSError: the file cannot be changed.
        """
        self._unkept.clear()
        if not self.path.exists():
            return
        try:
            with self._open() as database:
                database.execute("PRAGMA secure_delete = ON")
                database.execute("DELETE FROM records")
                database.execute("VACUUM")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from None
        except sqlite3.DatabaseError:  # it is damaged, and of no use to anybody
            for name in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + name).unlink()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)) as database:
            if database.execute("PRAGMA user_version").fetchone()[0] == 0:
                _begin(database)
            yield database


def _begin(database: sqlite3.Connection) -> None:
    """Make the table, once; two processes may do so at the same time."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("BEGIN IMMEDIATE")
    database.execute(_TABLE)
    database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


def _not_kept(path: Path, error: Exception) -> Text:
    return Text(
        f"Your progress cannot be kept in {path} ({error}). Set ATTN_DATA to a folder in which you can write; "
        "if the file is damaged, `attn progress --delete` begins anew.",
        f"无法把学习进度保存到 {path}（{error}）。请把 ATTN_DATA 设为可写的文件夹；"
        "如果文件已损坏，`attn progress --delete` 可以重新开始。",
    )
