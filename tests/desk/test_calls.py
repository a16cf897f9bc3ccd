"""Calls in the learner's own kernel: they end, what they print is kept apart, and what they return harms nothing."""

from __future__ import annotations

import json
import linecache
import os
import re
import signal
import time
import types
from pathlib import Path
from typing import Any

import pytest
from helpers import WRONG

from grader import check
from grader.desk import calls
from grader.desk.stale import Runs
from grader.runner.limits import Limits

NAME = "scaled_dot_product_attention"
HEAD = f"import torch\ndef {NAME}(q, k, v, mask=None):\n"

pytestmark = pytest.mark.usefixtures("data")


def function(code: str) -> types.FunctionType:
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope[NAME]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little time: the answers here need none."""
    monkeypatch.setattr("grader.desk.here._limits", lambda: Limits(call_seconds=0.3))
    monkeypatch.setattr(calls, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(calls, "IDLE_SHARE", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    while True: pass\n", "The call took longer than 0.3 s"),
        ("    import time; time.sleep(10_000)\n", "The call waits for something"),
    ],
    ids=["endless", "waiting"],
)
def test_what_never_comes_back_is_stopped(body: str, said: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    report = check(function(HEAD + body)).report
    assert report.status == "timeout"
    assert said in report.diagnosis[0].message.en
    assert any("too many calls before" in one.message.en for one in report.checks)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_stays_a_person_s() -> None:
    with pytest.raises(KeyboardInterrupt):
        check(function(f"{HEAD}    raise KeyboardInterrupt\n"))


def test_what_is_printed_is_said_by_case(capsys: pytest.CaptureFixture[str]) -> None:
    code = WRONG.replace("    scores = ", "    print('shape', q.dim(), '<b>')\n    scores = ", 1)
    result = check(function(code))
    assert "What your code printed, case: no leading axes\nshape 2 <b>\n" in capsys.readouterr().out
    assert "<pre>shape 2 &lt;b&gt;</pre>" in result._repr_html_()
    assert re.search(r"case: .*, and \d+ more\nshape 4 <b>", repr(result))


def test_much_that_is_printed_is_cut() -> None:
    printed = calls._Output()
    for _ in range(10_000):
        printed.write("x" * 100)
    assert len(printed.getvalue()) <= calls.MOST_PRINTED + 1


@pytest.mark.parametrize(
    "answer",
    [
        "import numpy; return numpy.zeros(3), 'x'",
        "return torch.zeros(3).to_sparse(), torch.empty(2, device='meta')",
        "return type('E', (), {'__eq__': lambda *_: 1 / 0, '__len__': lambda _: 1 / 0})(), {1: {2: {}}}",
        "x = []; x.append(x); return x, x",
        "return q @ k.transpose(-2, -1) + 1j, torch.zeros(2, 2).to_mkldnn()",
    ],
)
def test_whatever_comes_back_is_judged(answer: str) -> None:
    report = check(function(f"{HEAD}    {answer}\n")).report
    assert report.status == "graded"
    assert not report.passed
    assert "TypeError" not in " ".join(one.message.en for one in report.checks)


def test_a_mistyped_name_is_told() -> None:
    scope: dict[str, Any] = {}
    exec(
        "import torch\ndef padding_mask(lengths, max_len=None): return None\ndef casual_mask(L, S): return None", scope
    )
    report = check(scope, exercise="attention_masks").report
    assert [note.message.en for note in report.notes] == [
        "You have `casual_mask`. If that is meant to be `causal_mask`, give it that name."
    ]


class Shell:
    """As much of IPython as is asked."""

    def __init__(self) -> None:
        self.input_hist_raw: list[str] = []
        self.history_manager = self
        self.events = self

    def register(self, name: str, hook: Any) -> None:
        self.hook = hook

    def run(self, cell: str) -> None:
        self.input_hist_raw.append(cell)
        self.hook(types.SimpleNamespace(raw_cell=cell))


def test_a_definition_that_is_older_than_its_cell_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cell, shell = "import torch\n\ndef masked_softmax(scores):\n    return 1\n", Shell()
    linecache.cache["<a cell>"] = (len(cell), None, cell.splitlines(keepends=True), "<a cell>")
    scope: dict[str, Any] = {}
    exec(compile(cell, "<a cell>", "exec"), scope)
    runs = Runs(shell)

    def told() -> str:
        return " ".join(text.en for text in runs.stale(["masked_softmax"], scope, "masked_softmax"))

    def saved(text: str, seconds: float) -> None:
        path = tmp_path / "02_masked_softmax.ipynb"
        path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": [text]}]}), encoding="utf-8")
        os.utime(path, (time.time() + seconds,) * 2)

    shell.run(cell)
    assert told() == ""
    saved(cell, +60)
    assert told() == ""
    saved(cell.replace("1", "2"), -60)  # not saved since it was run
    assert told() == ""
    saved(cell.replace("1", "2"), +60)
    assert "changed after you ran it" in told()
    shell.run(cell.replace("return 1", "return 1 +"))
    assert "failed before it came to the definition" in told()
