"""Which forbidden things the code of an answer uses: those of the library, and not what is only called alike.

What an expression may hold of the library is followed through assignments, from the imports on. A name that is read
from anything else is the learner's own: of a configuration, a registry, a class. Where a module of the library is
handed to code that is not followed, every owner may be the library.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

from grader.submission.reach import Place, Program, Scope, global_looked_up, is_own, place_of, text_of
from grader.submission.statics import imports

ANYTHING, OWN, OTHER, PART = "?", "own", "other", "part"
"""What an expression may hold, besides a module of torch by its name: anything of the library; a module of the
learner's own; something of another installed library; a function, class or value of torch, which is no module."""
Held = frozenset[str]
_NOTHING: Held = frozenset()
_ANY: Held = frozenset({ANYTHING})
_DOORS = frozenset({"sys", "importlib", "builtins", "gc", "inspect", "pkgutil", "runpy", "ctypes"})
"""Modules that lead to every other."""
_OPENING = frozenset({"__import__", "eval", "exec", "__builtins__", "__loader__", "__spec__"})
_READING = frozenset({"getattr", "hasattr", "vars", "dir", "type", "id", "print", "isinstance", "list", "tuple"})
"""Functions that keep nothing of what they are given."""
_LOOK_UPS = frozenset({"__getattribute__", "__getattr__", "get", "pop", "setdefault", "__getitem__"})
"""Methods that find a thing by a name given as text."""
_HOLDING = (
    *(ast.Dict, ast.List, ast.Tuple, ast.Set, ast.IfExp, ast.BoolOp, ast.NamedExpr, ast.Starred, ast.Await, ast.Yield),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
_ROUNDS = 5
"""Of assignments: what takes more is not followed."""


def forbidden_uses(cells: Sequence[str], targets: Iterable[str], forbidden: Iterable[str]) -> list[tuple[str, int]]:
    """Uses of forbidden names of the library, with their lines, in the code that the targets reach.

    A scratch cell that compares with the library is nobody's mistake.
    """
    names = frozenset(forbidden)
    program = Program(cells, targets)
    holds = Holding(program)
    found: dict[tuple[str, int], None] = {}
    for node, scope in program.reached:
        for name in _used(node, scope, names, program, holds):
            found[name, getattr(node, "lineno", 0)] = None
    return list(found)


def forbidden_imports(cells: Sequence[str], targets: Iterable[str], packages: Iterable[str]) -> list[str]:
    """The forbidden packages that the code of the targets imports; or that any does, where it can reach anything."""
    wanted = set(packages)
    if not wanted:
        return []
    found = set[str]()
    reached = Program(cells, targets).reached
    used = {node.id for node, _ in reached if isinstance(node, ast.Name)}
    for node, scope in reached:
        match node:
            case ast.Import(names=aliases):  # of several in one statement, some may be for another cell
                tops = {
                    alias.name.partition(".")[0]
                    for alias in aliases
                    if scope is not None or (alias.asname or alias.name).partition(".")[0] in used
                }
            case ast.ImportFrom(module=str(module)):
                tops = {module.partition(".")[0]}
            case ast.Name(id=name) if name in {*_OPENING, "globals", "locals"} and place_of(name, scope)[0] == 0:
                tops = imports(cells)
            case _:
                continue
        found |= imports(cells) if tops & _DOORS else tops
    return sorted(found & wanted)


def _used(node: ast.AST, scope: Scope | None, names: frozenset[str], program: Program, holds: Holding) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=name, value=owner) if name in names:
            held = holds.of(owner, scope)
            if held - {OWN, PART} or (OWN in held and not program.defines(name, node)):
                yield name
        case ast.Import(names=aliases):
            for alias in aliases:  # without a name of its own, it only binds the package
                if alias.asname and not is_own(alias.name):
                    yield from (part for part in alias.name.split(".") if part in names)
        case ast.ImportFrom(module=module, names=aliases):
            for alias in aliases:
                if alias.name in names and not (is_own(module or "") and program.defines(alias.name, node)):
                    yield alias.name
        case ast.Call(func=ast.Name(id="attrgetter" | "import_module") | ast.Attribute(attr="attrgetter")):
            yield from (text for text in map(text_of, node.args) if text in names)
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, text, *_]):
            yield from _looked_up(owner, text, scope, names, holds)
        case ast.Call(func=ast.Attribute(attr=method, value=owner), args=args) if method in _LOOK_UPS:
            for text in args:
                yield from _looked_up(owner, text, scope, names, holds)
        case ast.Subscript(value=owner, slice=text) if (global_looked_up(node) or "") not in program.bound:
            yield from _looked_up(owner, text, scope, names, holds)
        case ast.Name(id=name, ctx=ast.Load()) if name in names and holds.is_unbound(name, scope):
            yield name  # of a library all of which was imported


def _looked_up(
    owner: ast.expr, text: ast.expr, scope: Scope | None, names: frozenset[str], holds: Holding
) -> Iterator[str]:
    name = text_of(text)
    if name in names and holds.of(owner, scope) - {PART}:
        yield name


class Holding:
    """What the names and attributes of a program may hold of the library."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names: dict[Place, Held] = {}
        self.attributes: dict[str, Held] = {}
        self.is_returned = self.is_handed_on = False
        self.changed = True
        self._known: dict[int, Held] = {}
        self._scopes = {id(node): scope for node, scope in program.reached}
        for _ in range(_ROUNDS):
            if self.changed:
                self.changed = False
                for node, scope in program.reached:
                    self._look_at(node, scope)
                self._known.clear()

    def of(self, node: ast.AST, scope: Scope | None) -> Held:
        """What an expression may hold."""
        held = self._of(node, scope)
        return _ANY if self.is_handed_on and not held and not _is_ones_own(node) else held

    def is_unbound(self, name: str, scope: Scope | None) -> bool:
        """Whether no code says what a name is: it comes of ``import *``, or of code made at run time."""
        is_global = place_of(name, scope)[0] == 0 and name not in self.program.bound
        return is_global and (name in _OPENING or not hasattr(builtins, name))

    def _of(self, node: ast.AST, scope: Scope | None) -> Held:
        if id(node) not in self._known:
            self._known[id(node)] = self._found(node, self._scopes.get(id(node), scope))
        return self._known[id(node)]

    def _found(self, node: ast.AST, scope: Scope | None) -> Held:
        match node:
            case ast.Name(id=name):
                return _ANY if self.is_unbound(name, scope) else self.names.get(place_of(name, scope), _NOTHING)
            case ast.Attribute(value=owner, attr=name):
                if name in ("__globals__", "__builtins__"):
                    return _ANY
                held = {_part_of(one, name) for one in self._of(owner, scope)}
                return frozenset(held - {""}) | self.attributes.get(name, _NOTHING)
            case ast.Subscript() if (looked_up := global_looked_up(node) or "") in self.program.bound:
                return self.names.get((0, looked_up), _NOTHING)
            case ast.Subscript(value=owner):
                return _unknown(self._of(owner, scope))
            case ast.Call(func=ast.Name(id="globals" | "locals" | "vars"), args=[]):
                return _ANY
            case ast.Call(func=function):
                called = self._of(function, scope)
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                leads = called & {ANYTHING, *_DOORS} or any(_library(self._of(value, scope)) for value in given)
                own = self.is_returned and not called
                return _ANY if leads or own else _NOTHING
            case _ if isinstance(node, _HOLDING):
                children = (self._of(child, scope) for child in ast.iter_child_nodes(node))
                return frozenset().union(*children)
            case ast.comprehension(iter=source):
                return self._of(source, scope)
        return _NOTHING

    def _look_at(self, node: ast.AST, scope: Scope | None) -> None:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._bind(alias.asname or name, scope, frozenset({_module(name)}))
            case ast.ImportFrom(module=module, names=aliases) if module:
                for alias in aliases:
                    self._bind(alias.asname or alias.name, scope, self._imported(module, alias.name))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, scope, self._of(value, scope))
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                self._assign(target, scope, self._of(value, scope))
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                self._assign(target, scope, _unknown(self._of(value, scope)))
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                self._assign(target, scope, self._of(value, scope))
            case ast.arguments(defaults=defaults, kw_defaults=more):
                if any(_library(self._of(value, scope)) for value in (*defaults, *more) if value is not None):
                    self._hand_on()
            case ast.Lambda(body=value) | ast.Match(subject=value) if _library(self._of(value, scope)):
                self._hand_on()
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                if _library(self._of(value, scope)) and not self.is_returned:
                    self.is_returned = self.changed = True
            case ast.Call(func=function):
                reads = isinstance(function, ast.Name) and function.id in _READING
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                if not reads and any(_library(self._of(value, scope)) for value in given):
                    self._hand_on()

    def _imported(self, module: str, name: str) -> Held:
        if is_own(module):
            known = self.names.get((0, name), _NOTHING)
            return known if self.program.defines(name) else known | {OWN}
        return frozenset({_part_of(_module(module), name)} - {""})

    def _assign(self, target: ast.expr, scope: Scope | None, held: Held) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(name, scope, held)
            case ast.Attribute(attr=name) if held - self.attributes.get(name, _NOTHING):
                self.attributes[name] = self.attributes.get(name, _NOTHING) | held
                self.changed = True
            case ast.Subscript() if _library(held):
                self._hand_on()
            case ast.Starred(value=part):
                self._assign(part, scope, _unknown(held))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._assign(part, scope, _unknown(held))

    def _bind(self, name: str, scope: Scope | None, held: Held) -> None:
        place = place_of(name, scope)
        if held - self.names.get(place, _NOTHING):
            self.names[place] = self.names.get(place, _NOTHING) | held
            self.changed = True
        if scope is not None and scope.is_class and held - self.attributes.get(name, _NOTHING):
            self.attributes[name] = self.attributes.get(name, _NOTHING) | held
            self.changed = True

    def _hand_on(self) -> None:
        self.changed |= not self.is_handed_on
        self.is_handed_on = True


def _library(held: Held) -> bool:
    """Whether it may be a module of the library, or lead to one."""
    return any(one not in (OWN, OTHER, PART) for one in held)


def _unknown(held: Held) -> Held:
    return _ANY if _library(held) else held


def _is_ones_own(owner: ast.AST) -> bool:
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls", "ctx")


def _module(name: str) -> str:
    top = name.partition(".")[0]
    return name if top == "torch" or top in _DOORS else OWN if is_own(name) else OTHER


def _part_of(owner: str, name: str) -> str:
    """What an attribute of something holds."""
    if owner in (ANYTHING, OTHER, PART):
        return owner
    if owner == OWN:
        return ""
    if owner.partition(".")[0] in _DOORS:
        return ANYTHING
    found: object = sys.modules.get("torch")
    for part in (*owner.split(".")[1:], name):
        if not isinstance(found, ModuleType) or part not in vars(found):
            return ANYTHING  # what is imported when it is first asked for
        found = vars(found)[part]
    return f"{owner}.{name}" if isinstance(found, ModuleType) else PART
