"""What the text of a submission shows without running it: which definitions are its answer, and what it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache

from grader.submission.language import codes_in_magics, parse, scripts_run


def definitions(cells: Iterable[str]) -> dict[str, list[ast.stmt]]:
    """Top-level statements by the names that they bind; the last binding of a name comes last."""
    bound: dict[str, list[ast.stmt]] = {}
    for cell in cells:
        for statement in statements(cell):
            for name in bound_names(statement):
                bound.setdefault(name, []).append(statement)
    return bound


@lru_cache(maxsize=256)
def statements(cell: str) -> tuple[ast.stmt, ...]:
    """The statements of a cell, and of the code that its magics run or write into files."""
    tree = parse(cell)
    if tree is None:
        return ()
    in_magics = (statement for code in codes_in_magics(tree) for statement in statements(code))  # shorter than the cell
    return (*tree.body, *in_magics)


def untouched(cells: Iterable[str], stub: Iterable[str], targets: Iterable[str]) -> bool:
    """True when nothing was added to the stub that could answer: each target is defined as it was handed out.

    Comments do not count, nor do cells that try things. What may change a target afterwards does: a method that is
    set on it, or anything that reaches names as text.
    """
    wanted = set(targets)
    mine, handed_out = definitions(cells), definitions(stub)
    for name in wanted:
        if name not in mine or name not in handed_out:
            return False
        if {ast.dump(statement) for statement in mine[name]} != {ast.dump(statement) for statement in handed_out[name]}:
            return False
    known = {ast.dump(statement) for cell in stub for statement in statements(cell)}
    return not any(
        _may_change(statement, wanted)
        for cell in cells
        for statement in statements(cell)
        if ast.dump(statement) not in known
    )


_REACHING = frozenset({"setattr", "delattr", "exec", "eval", "globals", "vars", "__setattr__", "update", "patch"})


def _may_change(statement: ast.stmt, targets: set[str]) -> bool:
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in targets:
                return True
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in _REACHING:
                return True
            case ast.FunctionDef(decorator_list=decorators) | ast.ClassDef(decorator_list=decorators) if decorators:
                names = {found.id for part in decorators for found in ast.walk(part) if isinstance(found, ast.Name)}
                if names & targets:
                    return True
    return False


def without_stubs_below(
    cells: Sequence[str], stub: Iterable[str], targets: Iterable[str]
) -> tuple[list[str], list[tuple[int, int]]]:
    """The cells without definitions as handed out that stand below an answer and would undo it.

    Returns also where they stood: the numbers of the cells and their lines.
    """
    handed_out = definitions(stub)
    as_shipped = {
        name: {ast.dump(found) for found in handed_out.get(name, ()) if _unwritten(found)} for name in targets
    }
    answered: set[str] = set()
    kept, passed_over = list(cells), list[tuple[int, int]]()
    for number, cell in enumerate(cells, 1):
        tree = parse(cell)
        for statement in tree.body if tree else ():
            for name in as_shipped.keys() & set(bound_names(statement)):
                is_definition = isinstance(statement, ast.FunctionDef | ast.ClassDef)
                if ast.dump(statement) not in as_shipped[name]:
                    answered.add(name)
                elif name in answered and is_definition:
                    kept[number - 1] = _blanked(kept[number - 1], statement)
                    passed_over.append((number, statement.lineno))
    return kept, passed_over


def _unwritten(definition: ast.stmt) -> bool:
    """True for a stub that is to be filled in; broken code that is to be mended is a definition like any other."""
    raised = [node.exc for node in ast.walk(definition) if isinstance(node, ast.Raise) and node.exc is not None]
    return any("NotImplementedError" in ast.dump(exception) for exception in raised)


def _blanked(cell: str, statement: ast.stmt) -> str:
    """The cell with the lines of one statement empty."""
    lines = cell.split("\n")
    first = min([statement.lineno, *(found.lineno for found in getattr(statement, "decorator_list", ()))])
    last = statement.end_lineno or first
    return "\n".join(["" if first <= number <= last else line for number, line in enumerate(lines, 1)])


def names_bound_at(cell: str, line: int | None) -> set[str]:
    """The names that the statement in a line of a cell binds; those of the whole cell where the line is not known."""
    tree = parse(cell)
    return {
        name
        for statement in (tree.body if tree else ())
        if line is None or statement.lineno <= line <= (statement.end_lineno or statement.lineno)
        for name in bound_names(statement)
    }


def imports(cells: Iterable[str]) -> set[str]:
    """Top-level packages that the code imports, anywhere, and files that it runs as a program."""
    found: set[str] = set()
    for cell in cells:
        found.update(scripts_run(parse(cell) or ast.Module([], [])))
        found.update(_imported(statements(cell)))
    return found


def _imported(code: Iterable[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for node in (node for statement in code for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def bound_names(statement: ast.stmt) -> list[str]:
    """The names that a statement binds in the namespace."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [(alias.asname or alias.name).split(".")[0] for alias in aliases]
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
    return found
