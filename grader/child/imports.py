"""Which imports of a submission have something around them that catches an ImportError."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from grader.child.execute import cell_of

_CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def guarded_in(cells: Sequence[str]) -> Callable[[str, int], bool]:
    """A function of a file's name and a line: is an import there run with a fallback around it?"""
    known: dict[int, frozenset[int]] = {}

    def guarded(file: str, line: int) -> bool:
        number = cell_of(file)
        if number is None or not 0 < number <= len(cells):
            return False
        if number not in known:
            known[number] = frozenset(_lines(cells[number - 1]))
        return line in known[number]

    return guarded


def _lines(cell: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(cell)):
        body: list[ast.stmt] = []
        if (isinstance(node, ast.Try) and any(map(_catches, node.handlers))) or (
            isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items)
        ):
            body = node.body
        for statement in body:
            yield from range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _CATCHING for node in ast.walk(handler.type))


def _suppresses(context: ast.expr) -> bool:
    return any(getattr(node, "attr", getattr(node, "id", "")) == "suppress" for node in ast.walk(context))
