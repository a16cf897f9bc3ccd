"""What the text of a submission shows without running it: which definitions are its answer, and what they call."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from grader.submission.reader import parse


def definitions(cells: Iterable[str]) -> dict[str, list[ast.stmt]]:
    """Top-level statements by the names that they bind; the last binding of a name comes last."""
    bound: dict[str, list[ast.stmt]] = {}
    for cell in cells:
        tree = parse(cell)
        for statement in tree.body if tree else []:
            for name in _bound_names(statement):
                bound.setdefault(name, []).append(statement)
    return bound


def unchanged(cells: Iterable[str], stub: Iterable[str], targets: Iterable[str]) -> bool:
    """True when every target is still defined just as in the stub that was handed out, comments aside."""
    mine, handed_out = definitions(cells), definitions(stub)
    return all(
        name in mine and name in handed_out and ast.dump(mine[name][-1]) == ast.dump(handed_out[name][-1])
        for name in targets
    )


def forbidden_uses(cells: Iterable[str], targets: Iterable[str], forbidden: Iterable[str]) -> list[tuple[str, int]]:
    """Uses of forbidden names, with their lines, in the code that the targets reach.

    A scratch cell that compares with the library is nobody's mistake: only definitions reachable from a target count.
    A learner's own function of the same name is no use of the library's: attributes, imports and names looked up as
    text are.
    """
    bound = definitions(cells)
    own = {
        node.name
        for statements in bound.values()
        for statement in statements
        if isinstance(statement, ast.ClassDef)
        for node in statement.body
        if isinstance(node, ast.FunctionDef)
    }
    names = set(forbidden) - own
    found: dict[tuple[str, int], None] = {}
    for statement in _reachable(bound, targets):
        for node in ast.walk(statement):
            for name in _library_names(node):
                if name in names:
                    found[name, getattr(node, "lineno", 0)] = None
    return list(found)


def imports(cells: Iterable[str]) -> set[str]:
    """Top-level packages that the code imports, anywhere."""
    found: set[str] = set()
    for cell in cells:
        for node in ast.walk(parse(cell) or ast.Module([], [])):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def _reachable(bound: dict[str, list[ast.stmt]], targets: Iterable[str]) -> list[ast.stmt]:
    waiting, seen, statements = list(targets), set[str](), list[ast.stmt]()
    walked = set[int]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in bound:
            continue
        seen.add(name)
        for statement in bound[name]:
            if id(statement) not in walked:  # one statement may bind many names
                walked.add(id(statement))
                statements.append(statement)
                waiting += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return statements


def _bound_names(statement: ast.stmt) -> list[str]:
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


def _is_own(owner: ast.expr) -> bool:
    """What hangs on ``self`` or on an autograd context is the learner's own."""
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls", "ctx")


_LOOK_UPS = frozenset({"getattr", "__getattribute__", "attrgetter", "get", "pop", "import_module"})
"""Functions that find a thing by a name given as text."""


def _library_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Attribute(attr=name, value=owner) if not _is_own(owner):
            return [name]
        case ast.ImportFrom(names=aliases):
            return [alias.name for alias in aliases]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in _LOOK_UPS:
            return [text for text in map(_text_of, args) if text]
        case ast.Subscript(slice=index):  # vars(module)["name"]
            text = _text_of(index)
            return [text] if text else []
    return []


def _text_of(node: ast.AST) -> str | None:
    """What a string in the code says, also one that is put together from pieces: a name for ``getattr``, perhaps."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            pieces = [_text_of(left), _text_of(right)]
        case ast.JoinedStr(values=values):
            pieces = [_text_of(value) for value in values]
        case ast.FormattedValue(value=value):
            return _text_of(value)
        case _:
            return None
    return None if None in pieces else "".join(piece for piece in pieces if piece)
