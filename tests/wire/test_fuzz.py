"""The two parsers that read what others wrote: whatever they are given, they answer or refuse, and nothing else."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from grader.grade import Grader
from grader.runner.runner import Run
from grader.submission.contents import UnreadableError
from grader.submission.language import as_python
from grader.submission.reader import Submission, read_submission
from grader.values.compare import differences
from grader.values.tree import map_leaves
from grader.verdict.evidence import problems_of
from grader.verdict.judge import judge
from grader.wire.bounds import MAX_AXES, MAX_DEPTH, MAX_ITEMS, WireError
from grader.wire.calls import Opaque, Outcome, Raised
from grader.wire.encoding import (
    Decoder,
    Encoder,
    decode_outcome,
    pack_outcome,
    unpack,
    unpack_loaded,
    unpack_outcome,
)

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | JSON,
        "source": st.text() | st.lists(st.text() | JSON, max_size=4) | JSON,
        "metadata": JSON,
        "outputs": JSON,
    },
)
NOTEBOOK = st.fixed_dictionaries(
    {},
    optional={
        "cells": st.lists(CELL | JSON, max_size=5) | JSON,
        "metadata": st.fixed_dictionaries({"attention_workshop": JSON}) | JSON,
        "nbformat": JSON,
    },
)
CODE = st.text(alphabet="%!?= \n\tabc.()[]{}:'\"\\#0λ\0\ud800", max_size=60)

TENSORS = st.builds(
    lambda shape, dtype, seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul(9).to(dtype),
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.int8, torch.bool]),
    st.integers(0, 9),
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    PLAIN | TENSORS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
TAGGED = st.recursive(
    PLAIN | st.text() | st.integers(),
    lambda inner: (
        st.fixed_dictionaries({"tuple": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"list": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"dict": st.lists(st.tuples(st.text(max_size=4), inner).map(list) | inner, max_size=3)})
        | st.fixed_dictionaries({"tensor": st.sampled_from(["0", "1", "9"]), "order": st.just([0, 1]) | inner})
        | st.dictionaries(st.sampled_from(["dtype", "device", "opaque"]), inner, min_size=1, max_size=1)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with contextlib.suppress(UnreadableError):
        found = read_submission(path)
        assert isinstance(found, Submission)
        assert all(isinstance(cell, str) for cell in found.cells)
        assert len(found.digest) == 64


@QUICK
@given(content=st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")), suffix=st.booleans())
def test_any_file_is_a_submission_or_refused(tmp_path: Path, content: bytes, suffix: bool) -> None:
    read(tmp_path / ("x.ipynb" if suffix else "x.py"), content)


@QUICK
@given(notebook=NOTEBOOK | JSON)
def test_anything_like_a_notebook_is_a_submission_or_refused(tmp_path: Path, notebook: Any) -> None:
    read(tmp_path / "x.ipynb", json.dumps(notebook).encode())


@QUICK
@given(code=CODE)
def test_neutralising_magics_keeps_lines_and_never_fails(code: str) -> None:
    python = as_python(code)
    assert python.count("\n") in (code.count("\n"), 0)
    assert as_python(python) == python or python == ""


@pytest.mark.parametrize(
    "code",
    [
        "(" * 5000,
        "[" * 150 + "]" * 150,
        "-" * 50_000 + "1",
        "not " * 20_000 + "1",
        "a" + ".a" * 20_000,
        "a" + "[0]" * 5000,
        "+".join(["a"] * 20_000),
        "lambda:" * 5000 + "1",
        "1 if 1 else " * 5000 + "1",
        "f(" * 90,
        "with " + "(" * 90,
        "{" * 90,
        "x = (" * 90,
        "f'" + "{f'" * 50,
        "%%script\n" + "x" * 100_000,
        "x" + "=" * 100_000,
        "x" + "= " * 50_000,
        " " * 100_000 + "?",
        "@" * 10_000,
        "if 1:\n" * 5000,
        "".join(" " * depth + "if 1:\n" for depth in range(99)) + " " * 99 + "pass",
    ],
    ids=range(21),
)
def test_code_that_is_hard_on_parsers(code: str, grader: Grader) -> None:
    report = grader.grade_cells(Submission(Path("x.py"), (as_python(code[:200_000]),)))
    assert report.score == 0


@QUICK
@given(tree=TREES)
def test_plain_data_comes_through_the_wire_as_it_was(tree: Any) -> None:
    index, outcome = unpack_outcome(*_through(pack_outcome(3, Outcome(value=tree))))
    assert index == 3
    assert not differences(outcome.value, tree)
    assert not differences(tree, outcome.value)
    assert _dtypes(outcome.value) == _dtypes(tree)


def _dtypes(tree: Any) -> list[torch.dtype]:
    found: list[torch.dtype] = []
    map_leaves(lambda leaf: found.append(leaf.dtype) if isinstance(leaf, torch.Tensor) else None, tree)
    return found


def _through(frame: bytes) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    text, block = struct.unpack("!II", frame[:8])
    assert len(frame) == 8 + text + block
    return unpack(frame[8 : 8 + text], frame[8 + text :])


def answer(header: Any, tensors: Any) -> Outcome | None:
    try:
        index, outcome = unpack_outcome(header, tensors)
    except WireError:
        return None
    assert type(index) is int
    assert outcome.raised is None or isinstance(outcome.raised, Raised)
    assert isinstance(outcome.largest, int)
    json.dumps([outcome.changed, outcome.seen, outcome.devices, outcome.gradient_error], ensure_ascii=False).encode()
    return outcome


@QUICK
@given(text=st.binary(), block=st.binary())
def test_any_frame_is_read_or_refused(text: bytes, block: bytes) -> None:
    try:
        header, tensors = unpack(text, block)
    except WireError:
        return
    answer(header, tensors)


@QUICK
@given(tree=TREES, where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_frame_is_read_or_refused(tree: Any, where: float, byte: int, cut: bool) -> None:
    frame = bytearray(pack_outcome(0, Outcome(value=tree, raised=Raised("E", ("E",), "m"))))
    text = struct.unpack("!II", frame[:8])[0]
    place = 8 + int(where * (len(frame) - 8))
    frame[place] = byte
    body = frame[8:place] if cut else frame[8:]
    with contextlib.suppress(WireError):
        answer(*unpack(bytes(body[:text]), bytes(body[text:])))


FIELDS = ("value", "raised", "gradients", "gradient_error", "changed", "again", "devices", "seen", "largest", "call")
TWO = {"0": torch.zeros(2, 3), "1": torch.zeros(())}


@QUICK
@given(header=st.fixed_dictionaries(dict.fromkeys(FIELDS, TAGGED | JSON)))
def test_any_header_is_an_outcome_or_refused_and_can_be_judged(header: dict[str, Any], grader: Grader) -> None:
    outcome = answer(header, TWO)
    if outcome is None:
        return
    key = grader.key
    problems_of(0, key.questions[0], outcome)
    run = Run([outcome] * len(key.questions), defined=list(key.targets))
    report = judge(key, run, ("",), grader.environment)
    assert 0 <= report.score < 6
    json.dumps(report.to_json(), ensure_ascii=False).encode()


@QUICK
@given(value=TAGGED | TREES.map(lambda tree: Encoder().encode(tree)))
def test_any_answer_can_be_judged(value: Any, grader: Grader) -> None:
    fields = {"raised": None, "gradients": None, "gradient_error": None, "changed": [], "again": value, "devices": []}
    outcome = answer({"call": 0, "value": value, **fields, "seen": [], "largest": 1}, TWO)
    if outcome is not None:
        key = grader.key
        run = Run([outcome] * len(key.questions), defined=list(key.targets))
        report = judge(key, run, ("",), grader.environment)
        assert 0 <= report.score < 6


@QUICK
@given(header=st.fixed_dictionaries({"errors": st.lists(JSON, max_size=3) | JSON, "defined": TAGGED | JSON}))
def test_any_report_on_cells_is_read_or_refused(header: dict[str, Any]) -> None:
    try:
        errors, defined = unpack_loaded(header, ["f"])
    except WireError:
        return
    assert all(isinstance(error, Raised) for error in errors)
    assert defined in ([], ["f"])


def test_depth_is_bounded_both_ways() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    encoded = Encoder().encode(deep)
    assert "opaque" in json.dumps(encoded)
    assert Decoder({}).decode(encoded) is not None
    forged: Any = 1
    for _ in range(MAX_DEPTH + 3):
        forged = {"list": [forged]}
    with pytest.raises(WireError):
        Decoder({}).decode(forged)


def test_what_is_cheap_to_send_is_cheap_to_look_at() -> None:
    once = {"tensor": "0", "order": [0, 1]}
    refused = {
        "a tensor named twice": {"list": [once, once]},
        "more values than may be": {"list": [0] * (MAX_ITEMS + 100)},
        "lists of lists": {"list": [{"list": [0] * 200}] * 200},
        "axes that are none": {"tensor": "0", "order": [0] * 20_000},
    }
    for tree in refused.values():
        with pytest.raises(WireError):
            Decoder(TWO).decode(tree)
    many = {"0": torch.zeros([1] * 20_000)}
    with pytest.raises(WireError):
        Decoder(many).decode({"tensor": "0", "order": list(range(20_000))})
    fields = {"raised": None, "gradients": None, "gradient_error": None, "changed": [], "devices": []}
    with pytest.raises(WireError):  # over the whole answer
        decode_outcome({**fields, "value": once, "again": once, "seen": [], "largest": 1}, TWO)


def test_what_goes_beyond_the_bounds_is_told_in_a_word_and_arrives() -> None:
    for value in ([0] * (2 * MAX_ITEMS), [[0] * 200] * 200, {str(i): i for i in range(2 * MAX_ITEMS)}):
        _, outcome = unpack_outcome(*_through(pack_outcome(0, Outcome(value=value))))
        assert "Opaque" in str(outcome.value)
    _, outcome = unpack_outcome(*_through(pack_outcome(0, Outcome(value=torch.zeros([1] * (MAX_AXES + 1))))))
    assert outcome.value == Opaque(f"a tensor with {MAX_AXES + 1} axes")
    tensor = torch.zeros([1] * MAX_AXES)
    assert unpack_outcome(*_through(pack_outcome(0, Outcome(value=[tensor, tensor]))))[1].value[1].shape == tensor.shape


def test_names_of_tensors_are_bounded_before_they_are_read() -> None:
    block = save({str(number): torch.zeros(0) for number in range(2000)})
    with pytest.raises(WireError, match="names"):
        unpack(b"{}", block)
