"""What a learner has done is kept, whoever else writes at the same time and however a process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import environment

from grader.desk.progress import Progress, data_folder

WRITER = """
import sys
from pathlib import Path
from grader.desk.progress import Progress
progress = Progress(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    progress.add("hint", sys.argv[3], number=number)
    print(number, progress.trouble, flush=True)
"""


def writer(path: Path, count: int, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(count), name]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "progress.sqlite3"
    writers = [writer(path, 15, name) for name in ("one", "other")]
    for each in writers:
        out, _ = each.communicate()
        assert out.count(" None\n") == 15
    records = Progress(path).records()
    for name in ("one", "other"):
        assert [record.data["number"] for record in records if record.exercise == name] == list(range(15))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_while_it_writes_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "progress.sqlite3"
    with writer(path, 10_000, "killed") as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert told[2] == "2 None\n"
    progress = Progress(path)
    kept = [record.data["number"] for record in progress.records()]
    assert kept == list(range(len(kept)))
    assert len(kept) >= 3
    progress.add("hint", "after", number=1)
    assert (progress.records()[-1].exercise, progress.trouble) == ("after", None)


def test_what_is_recorded_can_be_exported_and_deleted(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.sqlite3")
    progress.add("check", "weighted_sum", score=1.0, max_score=4.0, status="graded", mistakes=["mean"], seconds=0.1)
    exported = json.loads(progress.export())
    assert exported["format"] == 1
    (record,) = exported["records"]
    assert (record["kind"], record["exercise"], record["data"]["mistakes"]) == ("check", "weighted_sum", ["mean"])
    progress.delete()
    assert progress.records() == []
    assert not any(b"weighted_sum" in path.read_bytes() for path in tmp_path.iterdir())


def test_where_nothing_can_be_kept_it_is_remembered_and_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    progress = Progress(tmp_path / "file" / "progress.sqlite3")
    progress.add("solution", "weighted_sum")
    assert [record.kind for record in progress.records()] == ["solution"]
    assert progress.trouble is not None
    assert "ATTN_DATA" in progress.trouble.en


def test_a_damaged_file_is_said_and_can_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "progress.sqlite3"
    path.write_bytes(b"no database" * 100)
    progress = Progress(path)
    assert progress.records() == []
    assert progress.trouble is not None
    assert "attn progress --delete" in progress.trouble.zh
    progress.delete()
    again = Progress(path)
    again.add("solution", "weighted_sum")
    assert (len(again.records()), again.trouble) == (1, None)


def test_it_lies_in_the_data_folder(data: Path) -> None:
    assert data_folder() == data
    assert Progress().path.parent == data
