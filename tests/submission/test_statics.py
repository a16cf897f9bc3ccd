"""The look at the text of a submission, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from attacking import read_attacks
from helpers import EXERCISE

from grader.submission import statics


def test_a_statement_that_binds_many_names_is_not_looked_at_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (attack.text for attack in read_attacks() if attack.name == "29_many_names")
    nodes, walk, looked_at = sum(1 for _ in ast.walk(ast.parse(text))), ast.walk, 0

    def counted(node: ast.AST) -> Iterator[ast.AST]:
        nonlocal looked_at
        for found in walk(node):
            looked_at += 1
            yield found

    monkeypatch.setattr(statics.ast, "walk", counted)
    assert statics.forbidden_uses([text], [EXERCISE], ["softmax"]) == []
    assert nodes <= looked_at < 10 * nodes
