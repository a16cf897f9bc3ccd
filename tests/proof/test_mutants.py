"""Mutants: both generators make wrong answers, a grading that looks kills them, and one that does not is told so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import little_exercise

from grader.course.authored import Authored
from grader.course.key import AnswerKey
from grader.proof import tables
from grader.proof.mutants import score
from grader.proof.mutants.mutant import Mutant, sampled, unlike
from grader.proof.mutants.probes import probes
from grader.proof.mutants.score import Score, Survivor, Trial
from grader.proof.mutants.syntax import syntactic
from grader.session import Session
from grader.values.tree import tensors

REFERENCE = '''
def weigh(x, weights, scale=1.0):
    """The sum of x (..., S, d), weighted by weights (..., S)."""
    total = (x * weights.unsqueeze(-1)).sum(dim=-2)
    return total * scale
'''.strip()
GRADING = """
from grader.authoring import Case, Exercise, call, known


def cases(rand):
    yield Case("plain", call(rand.normal(2, 3, 5, 4), rand.normal(2, 3, 5)), gradients=True, twice=True)
    yield Case("a scale", call(rand.normal(3, 4), rand.normal(3), scale=0.5))
    yield Case("wide", call(rand.normal(2, 5, 3), rand.normal(2, 5)), dtype="float64")


exercise = Exercise(targets=("weigh",), cases=cases, mistakes=known())
"""
BLIND = GRADING.replace('    yield Case("a scale", call(rand.normal(3, 4), rand.normal(3), scale=0.5))\n', "")


@pytest.fixture
def key_of(tmp_path: Path) -> Callable[[str], AnswerKey]:
    return lambda grading: Authored(little_exercise(tmp_path, grading, REFERENCE)).key(5)


def some(key: AnswerKey, session: Session, *wanted: tuple[str, str]) -> Score:
    """What becomes of mutants that are made by replacing a piece of the reference by another."""
    trial = Trial(key, session.runner)
    assert all(old in key.reference for old, _ in wanted)
    trial.chosen = {"first": [Mutant("constant", key.reference.replace(*pair)) for pair in wanted]}
    assert trial.count == len(wanted)
    return trial.scores()[0]


SCALE_IGNORED = ("return total * scale", "return total")
WRONG_AXIS = ("dim=-2", "dim=0")
EQUIVALENT = ("total * scale", "scale * total")


def test_what_the_grading_sees_is_killed_and_what_changes_nothing_is_equivalent(
    key_of: Callable[[str], AnswerKey], session: Session
) -> None:
    found = some(key_of(GRADING), session, SCALE_IGNORED, WRONG_AXIS, EQUIVALENT)
    assert (found.killed, len(found.equivalent), found.survivors, found.score) == (2, 1, [], 1.0)


def test_a_grading_without_the_case_has_a_survivor_with_the_difference(
    key_of: Callable[[str], AnswerKey], session: Session
) -> None:
    found = some(key_of(BLIND), session, SCALE_IGNORED)
    (survivor,) = found.survivors
    assert survivor.change == "- return total * scale\n+ return total"
    assert survivor.probe.split(": ")[1].startswith("scale=")
    assert survivor.difference.startswith("value off by ")
    assert found.score == 0.0


def test_probes_are_in_no_case_and_the_same_in_every_run(key_of: Callable[[str], AnswerKey]) -> None:
    key = key_of(GRADING)
    first, again = probes(key), probes(key)
    assert len(first) > 20
    assert [question.reason for question in first] == [question.reason for question in again]
    asked = [list(tensors((question.call.args, question.call.kwargs))) for question in key.questions]
    for question in first:
        for _, mine in tensors((question.call.args, question.call.kwargs)):
            alike = [x for inputs in asked for _, x in inputs if x.shape == mine.shape and x.dtype == mine.dtype]
            assert not any(torch.equal(mine, x) for x in alike)


def test_generators_make_many_kinds_of_mutants_that_compile(key_of: Callable[[str], AnswerKey]) -> None:
    generated = score.generated(key_of(GRADING))
    for mutants in generated.values():
        assert len({mutant.text for mutant in mutants}) == len(mutants) > 50
        assert len({mutant.kind for mutant in mutants}) >= 8
    first, second = ({mutant.text for mutant in mutants} for mutants in generated.values())
    assert len(first & second) < len(second) / 4


def test_nodes_are_changed_one_at_a_time() -> None:
    shown = {mutant.shown(REFERENCE) for mutant in unlike(REFERENCE, syntactic(REFERENCE))}
    line = "- total = (x * weights.unsqueeze(-1)).sum(dim=-2)\n+ total = "
    assert f"{line}(x * weights.unsqueeze(-2)).sum(dim=-2)" in shown
    assert f"{line}(x * weights.unsqueeze(-1)).mean(dim=-2)" in shown
    assert f"{line}((x / weights.unsqueeze(-1))).sum(dim=-2)" in shown
    assert f"{line}(x * weights.unsqueeze(-1)).sum(dim=-2).detach()" in shown
    assert "- return total * scale\n+ return None" in shown
    assert not any('"""' in change for change in shown)


def test_a_sample_is_the_same_in_every_run_and_has_every_kind() -> None:
    mutants = [Mutant("often", str(i)) for i in range(50)] + [Mutant("once", "x")]
    chosen = sampled(mutants, 5, "seed")
    assert chosen == sampled(mutants[::-1], 5, "seed")
    assert len(chosen) == 5
    assert "once" in {mutant.kind for mutant in chosen}
    assert sampled(mutants, None, "seed") == mutants


SCORES = [
    Score("one", "first", 3, ["a"], [Survivor("constant", "- a | b\n+ c", "plain: 2 becomes 1", "shape", (1, 9))]),
    Score("two", "first", 4, [], []),
]


def test_the_section_on_mutants_leaves_all_else_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "verification.md"
    path.write_text("# What verification found\n\nProofs.\n\n## Mutants\n\nOld.\n", encoding="utf-8")
    tables.write_scores(path, SCORES)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# What verification found\n\nProofs.\n\n## Mutants\n\nWritten by")
    assert "Old." not in text
    assert "| one | first | 5 | 1 | 3 | 1 | 75.0 % |\n| two | first | 4 | 0 | 4 | 0 | 100.0 % |\n" in text
    assert "| all | first | 9 | 1 | 7 | 1 | 87.5 % |" in text
    assert r"| one | constant | `- a \| b → + c` | `plain: 2 becomes 1` | `shape` |" in text


def test_proofs_leave_the_section_on_mutants(tmp_path: Path, session: Session) -> None:
    path = tmp_path / "verification.md"
    tables.write_scores(path, SCORES)
    mutants = path.read_text(encoding="utf-8")
    tables.write_proofs(path, session.located.course, [])
    assert path.read_text(encoding="utf-8").startswith("# What verification found")
    assert path.read_text(encoding="utf-8").endswith(mutants)


def test_the_command(attn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(score, "MOST", 3)
    file = tmp_path / "scores.json"
    done = attn("verify", "--mutants", "transformer_in_brief", "--json", file)
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:3] for row in rows if row[:1] == ["all"]] == [["all", "first", "3"], ["all", "second", "3"]]
    written = json.loads(file.read_text(encoding="utf-8"))
    assert [(found["exercise"], found["generator"]) for found in written] == [
        ("transformer_in_brief", "first"),
        ("transformer_in_brief", "second"),
    ]
    assert all(0 <= found["score"] <= 1 for found in written)


def test_options_that_belong_to_mutants(attn: Callable[..., Any]) -> None:
    done = attn("verify", "--all")
    assert (done.returncode, done.stderr) == (2, "--all and --json belong to --mutants.\n")
