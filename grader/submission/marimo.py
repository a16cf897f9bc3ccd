"""The cells of a marimo notebook, a script in which every cell is a function of what other cells define."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator, Sequence

from grader.submission.contents import Cell

Parse = Callable[[str], ast.Module | None]
MAX_PARTS = 500
"""As many as a notebook may have cells; more are taken in the order of the file."""


def marimo_cells(text: str, tree: ast.Module, parse: Parse) -> list[Cell] | None:
    """The cells in the order in which marimo runs them, or None where this is no marimo notebook.

    What ends every cell, ``return (names,)``, is left out: it tells marimo who gives whom what.
    """
    app = _app(tree)
    if app is None:
        return None
    lines = text.split("\n")
    found = [part for statement in tree.body if (part := _part(statement, app, lines, parse))]
    return [Cell(None, "code", part.source, part.line) for part in _in_order(found)]


class _Part:
    """A cell with the names that it takes from others and gives to others."""

    def __init__(self, source: str, line: int, needs: set[str], gives: set[str]) -> None:
        self.source, self.line, self.needs, self.gives = source, line, needs, gives


def _app(tree: ast.Module) -> str | None:
    """The name that ``marimo.App(...)`` is given."""
    imported = any(isinstance(part, ast.Import) and part.names[0].name == "marimo" for part in tree.body)
    for statement in tree.body if imported else []:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Attribute(value=ast.Name(), attr="App")),
            ):
                return name
    return None


def _part(statement: ast.stmt, app: str, lines: Sequence[str], parse: Parse) -> _Part | None:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return _function(statement, app, lines, parse)
        case ast.With(items=[ast.withitem(context_expr=context)], body=body) if _called(context, app) == "setup":
            return _Part(_text(body, lines, parse), body[0].lineno, set(), set())
        case ast.Expr(value=ast.Call(func=called, args=[ast.Constant(value=str(source))])) if (
            _called(called, app) == "_unparsable_cell"
        ):
            return _Part(textwrap.dedent(source), statement.lineno, set(), set())
    return None


def _function(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, app: str, lines: Sequence[str], parse: Parse
) -> _Part:
    decorators = statement.decorator_list
    if isinstance(statement, ast.ClassDef) or not decorators or _called(decorators[0], app) != "cell":
        # A definition that stands by itself, below ``@app.function`` or ``@app.class_definition``.
        own = decorators[1:] if decorators and _called(decorators[0], app) else decorators
        begin = own[0].lineno if own else statement.lineno
        source = "\n".join(lines[begin - 1 : statement.end_lineno])
        return _Part(source, begin, set(), {statement.name})
    body, gives = statement.body, set[str]()
    if isinstance(body[-1], ast.Return):
        gives = {node.id for node in ast.walk(body[-1]) if isinstance(node, ast.Name)}
        body = body[:-1]
    gives |= {part.name for part in body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    needs = {argument.arg for argument in statement.args.args}
    return _Part(_text(body, lines, parse), (body or [statement])[0].lineno, needs, gives)


def _called(expression: ast.expr, app: str) -> str | None:
    """``cell`` for ``app.cell`` and for ``app.cell(hide_code=True)``."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    match expression:
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == app:
            return name
    return None


def _text(body: list[ast.stmt], lines: Sequence[str], parse: Parse) -> str:
    """Statements as text at top level; as Python spells them where dedenting would change a string in them."""
    if not body:
        return ""
    begin = min([body[0].lineno, *(decorator.lineno for decorator in getattr(body[0], "decorator_list", ()))])
    text, module = textwrap.dedent("\n".join(lines[begin - 1 : body[-1].end_lineno])), ast.Module(body, [])
    tree = parse(text)
    try:
        return text if tree and ast.dump(tree) == ast.dump(module) else ast.unparse(module)
    except RecursionError:
        return text


def _in_order(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Parts after those whose names they need, otherwise as they stand in the file."""
    makers = {name: number for number, part in enumerate(parts) for name in part.gives}
    waiting = [{makers[name] for name in part.needs if name in makers} - {number} for number, part in enumerate(parts)]
    left, done = list(range(len(parts))), set[int]()
    if len(parts) > MAX_PARTS:
        yield from parts
        return
    while left:
        ready = next((number for number in left if waiting[number] <= done), left[0])
        left.remove(ready)
        done.add(ready)
        yield parts[ready]
