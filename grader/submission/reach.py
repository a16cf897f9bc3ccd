"""What an answer can reach: the statements that its names lead to, and where in them each name is bound.

Names are followed as Python finds them. A local variable of the answer leads nowhere, however many cells have a global
one of the same name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

from grader.submission.installed import is_installed
from grader.submission.statics import statements

Place = tuple[int, str]
"""Where a name is bound: the scope, 0 for the module's, and the name."""


class Scope:
    """The names that a function, a class or a comprehension binds for itself. The module's is no `Scope` but None."""

    def __init__(self, around: Scope | None, is_class: bool = False) -> None:
        self.around, self.is_class = around, is_class
        self.bound = set[str]()
        self.elsewhere = set[str]()
        """Declared ``global`` or ``nonlocal``."""


def place_of(name: str, scope: Scope | None) -> Place:
    """Where a name that stands in a scope is bound. Only what stands in a class itself sees the names of the class."""
    at = scope
    while at is not None:
        if name in at.bound and name not in at.elsewhere and (at is scope or not at.is_class):
            return id(at), name
        at = at.around
    return 0, name


Scoped = list[tuple[ast.AST, "Scope | None"]]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = frozenset({*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS})
_BINDING = frozenset(
    {
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
        *(ast.Name, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
    }
)
_CHANGED = frozenset({ast.Attribute, ast.Subscript, ast.Call})
_SHORT = 5_000
"""Characters of a cell that is worth keeping: those that all submissions have are."""


def scoped(cell: str) -> list[tuple[ast.stmt, Scoped]]:
    """The statements of a cell, each with its nodes and the scopes that these stand in."""
    return _kept(cell) if len(cell) <= _SHORT else _scoped(cell)


def _scoped(cell: str) -> list[tuple[ast.stmt, Scoped]]:
    found = []
    for statement in statements(cell):
        nodes: Scoped = []
        _look_at(statement, None, nodes)
        found.append((statement, nodes))
    return found


_kept = lru_cache(maxsize=256)(_scoped)


def _look_at(node: ast.AST, scope: Scope | None, found: Scoped) -> None:
    found.append((node, scope))
    kind = type(node)
    if scope is not None and kind in _BINDING:
        scope.bound.update(_bound_by(node))
    if kind in _SCOPES:
        _look_into(node, scope, found)
        return
    if scope is not None and isinstance(node, ast.Global | ast.Nonlocal):
        scope.elsewhere.update(node.names)
    for child in ast.iter_child_nodes(node):
        if type(child) not in _CONTEXTS:
            _look_at(child, scope, found)


_CONTEXTS = frozenset({ast.Load, ast.Store, ast.Del})


def _look_into(node: ast.AST, around: Scope | None, found: Scoped) -> None:
    """What stands within a function, a class or a comprehension, and what of it still stands outside."""
    scope = Scope(around, isinstance(node, ast.ClassDef))
    inside: Sequence[ast.AST] = ()
    match node:
        case ast.FunctionDef(args=given) | ast.AsyncFunctionDef(args=given) | ast.Lambda(args=given):
            stars = [star for star in (given.vararg, given.kwarg) if star is not None]
            parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, *stars]
            scope.bound.update(parameter.arg for parameter in parameters)
            inside = node.body if isinstance(node.body, list) else [node.body]
        case ast.ClassDef(body=body):
            inside = body
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first = node.generators[0]
            _look_at(first.iter, around, found)
            found.append((first, scope))
            later = [child for child in ast.iter_child_nodes(node) if child is not first]
            inside = [first.target, *first.ifs, *later]
    within = {id(part) for part in inside}
    if not isinstance(node, _COMPREHENSIONS):
        for child in ast.iter_child_nodes(node):
            if id(child) not in within:
                _look_at(child, around, found)
    for part in inside:
        _look_at(part, scope, found)


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [(alias.asname or alias.name).split(".")[0] for alias in aliases]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


class Program:
    """The code of a submission and of its helper modules, all in one namespace, as far as the targets reach it."""

    def __init__(self, cells: Iterable[str], targets: Iterable[str]) -> None:
        self.targets = list(targets)
        self.bound: dict[str, list[ast.stmt]] = {}
        """Statements by the global names that they bind, or of which they change a part."""
        self._nodes: dict[int, Scoped] = {}
        self._defining: dict[str, list[ast.stmt]] = {}
        for statement, nodes in (found for cell in cells for found in scoped(cell)):
            self._nodes[id(statement)] = nodes
            for node, scope in nodes:
                if type(node) in _BINDING:
                    self._binds(statement, node, scope)
                elif type(node) in _CHANGED:
                    for name in _changed_by(node):
                        if place_of(name, scope)[0] == 0:
                            self.bound.setdefault(name, []).append(statement)

    def _binds(self, statement: ast.stmt, node: ast.AST, scope: Scope | None) -> None:
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        for name in _bound_by(node):
            if place_of(name, scope)[0] == 0:
                self.bound.setdefault(name, []).append(statement)
                if not is_import:
                    self._defining.setdefault(name, []).append(statement)

    @cached_property
    def reached(self) -> Scoped:
        """The nodes of every statement that the targets lead to, with their scopes."""
        waiting, seen, walked = list(self.targets), set[str](), set[int]()
        found: Scoped = []
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for statement in self.bound.get(name, ()):
                if id(statement) not in walked:  # one statement may bind many names
                    walked.add(id(statement))
                    nodes = self._nodes[id(statement)]
                    found += nodes
                    waiting += (led for node, scope in nodes for led in self._leads_to(node, scope))
        return found

    def _leads_to(self, node: ast.AST, scope: Scope | None) -> Iterator[str]:
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if place_of(name, scope)[0] == 0:
                yield name
            case ast.ImportFrom(module=str(module), names=aliases) if is_own(module):
                yield from (alias.name for alias in aliases)
            case ast.Subscript() if looked_up := global_looked_up(node):
                yield looked_up
            case ast.Attribute(value=ast.Name(id=module), attr=name) if self._is_own_module(module, scope):
                yield name

    def _is_own_module(self, name: str, scope: Scope | None) -> bool:
        return place_of(name, scope)[0] == 0 and name in self._own_modules

    @cached_property
    def _statement_of(self) -> dict[int, int]:
        return {id(node): statement for statement, nodes in self._nodes.items() for node, _ in nodes}

    @cached_property
    def _own_modules(self) -> set[str]:
        every = (node for nodes in self._nodes.values() for node, _ in nodes if isinstance(node, ast.Import))
        return {alias.asname or alias.name for node in every for alias in node.names if is_own(alias.name)}

    def defines(self, name: str, but: ast.AST | None = None) -> bool:
        """Whether a statement, other than the one that a node stands in, defines a global name: an import does not."""
        return any(id(found) != self._statement_of.get(id(but)) for found in self._defining.get(name, ()))


def is_own(module: str) -> bool:
    """Whether a module is none of Python's or of a library's: it is the learner's own, or there is none."""
    return not is_installed(module.partition(".")[0])


_CHANGING = frozenset({"update", "append", "extend", "insert", "add", "setdefault", "__setattr__", "__setitem__"})


def _changed_by(node: ast.AST) -> list[str]:
    """The name of the thing of which a node changes a part: ``Answer.forward = …``, ``setattr(Answer, …)``."""
    match node:
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
            root: ast.expr = node
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.expr() as root, *_]):
            pass
        case ast.Call(func=ast.Attribute(attr=method, value=root)) if method in _CHANGING:
            pass
        case _:
            return []
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    return [root.id] if isinstance(root, ast.Name) else []


def global_looked_up(node: ast.AST) -> str | None:
    """The name in ``globals()["name"]``."""
    match node:
        case ast.Subscript(value=ast.Call(func=ast.Name(id="globals"), args=[]), slice=index):
            return text_of(index)
    return None


def text_of(node: ast.AST) -> str | None:
    """What a string in the code says, also one that is put together from pieces: a name for ``getattr``, perhaps."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            pieces = [text_of(left), text_of(right)]
        case ast.JoinedStr(values=values):
            pieces = [text_of(value) for value in values]
        case ast.FormattedValue(value=value):
            return text_of(value)
        case _:
            return None
    return None if None in pieces else "".join(piece for piece in pieces if piece)
