"""The look at the text of a submission, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from attacking import read_attacks
from helpers import EXERCISE

from grader.submission import statics, uses


def test_a_statement_that_binds_many_names_is_not_looked_at_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (attack.text for attack in read_attacks() if attack.name == "29_many_names")
    nodes, walk, looked_at = sum(1 for _ in ast.walk(ast.parse(text))), ast.iter_child_nodes, 0

    def counted(node: ast.AST) -> Iterator[ast.AST]:
        nonlocal looked_at
        for found in walk(node):
            looked_at += 1
            yield found

    monkeypatch.setattr(ast, "iter_child_nodes", counted)
    assert uses.forbidden_uses([text], [EXERCISE], ["softmax"]) == []
    assert nodes <= looked_at < 10 * nodes


SHORTCUT = "def f(x):\n    return mine.softmax(x)\n"


@pytest.mark.parametrize(
    "cells",
    [
        ["import mine\n" + SHORTCUT],  # there is no such module, or the library stands under its name
        ["import mine\nfrom torch.nn import functional as mine\n" + SHORTCUT],
        ["import mine\n" + SHORTCUT, "import torch\nmine = torch"],
        ["import mine\n" + SHORTCUT, "from torch import *"],
        [
            "import mine\ndef f(x):\n    return mine.go(x)\n",
            "import torch\ndef go(x):\n    return torch.softmax(x, -1)",
        ],
        ["from mine import softmax as go\ndef f(x):\n    return go(x)\n"],
        ["from mine import go\ndef f(x):\n    return go(x)\n", "from torch import softmax as go"],
        ["get_ipython().run_line_magic('time', 'from torch import softmax as f')"],
    ],
)
def test_a_module_of_ones_own_hides_no_library(cells: list[str]) -> None:
    assert {name for name, _ in uses.forbidden_uses(cells, ["f"], ["softmax"])} == {"softmax"}


@pytest.mark.parametrize("cell", ["import mine\n" + SHORTCUT, "from mine import softmax as f", "from mine import *"])
def test_a_function_of_ones_own_is_no_librarys(cell: str) -> None:
    helper = "def softmax(x):\n    return x.exp() / x.exp().sum(-1, keepdim=True)\n"
    assert uses.forbidden_uses([cell, helper], ["f"], ["softmax"]) == []


def test_imports_in_magics_are_imports() -> None:
    written = "get_ipython().run_cell_magic('writefile', 'a.py', \"get_ipython().magic('time import torch')\\n\")"
    assert statics.imports(["get_ipython().run_line_magic('time', 'import numpy')"]) == {"numpy"}
    assert statics.imports([written]) == {"torch"}
