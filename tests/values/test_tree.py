"""Nested results are walked alike, whatever they are nested in."""

from __future__ import annotations

import torch

from grader.course.key import Question
from grader.values.compare import differences
from grader.values.tree import at, leaves, map_paths, shown, tensors
from grader.verdict.evidence import Problem
from grader.verdict.likeness import likeness
from grader.wire.calls import Call, Outcome

TREE = ({"a": [1.0, torch.ones(2)]}, None)


def test_every_leaf_has_its_path() -> None:
    paths = [path for path, _ in leaves(TREE)]
    assert [shown(path) for path in paths] == ["[0]['a'][0]", "[0]['a'][1]", "[1]"]
    assert all(at(TREE, path) is leaf for path, leaf in leaves(TREE))
    assert [path for path, _ in tensors(TREE)] == [(0, "a", 1)]
    assert map_paths(lambda path, _: len(path), TREE) == ({"a": [3, 3]}, 1)


def test_differences_are_found_in_dictionaries_too() -> None:
    other = ({"a": [2.0, torch.zeros(2)]}, None)
    assert [(found.kind, shown(found.path)) for found in differences(other, TREE)] == [
        ("value", "[0]['a'][0]"),
        ("value", "[0]['a'][1]"),
    ]
    assert differences(({"b": []}, None), TREE)[0].kind == "structure"
    assert differences([TREE[0], None], TREE)[0].path == ()


def test_evidence_counts_alike_in_a_tuple_and_in_a_dictionary() -> None:
    right, mistaken, mine = torch.zeros(10), torch.ones(10), torch.ones(10)
    mine[0] = 5.0
    as_tuple, as_dict = (
        likeness(
            Question("any", "numerics", Call("f"), Outcome(wrap(right))),
            Outcome(wrap(mine)),
            Problem(0, "value"),
            Outcome(wrap(mistaken)),
            {"value": Problem(0, "value")},
        )
        for wrap in (lambda value: (value,), lambda value: {"out": value})
    )
    assert as_tuple == as_dict == 0.9
