"""What the text of a submission shows without running it: which definitions are its answer, and what they call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache

from grader.submission.installed import is_installed
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


def own_modules(cells: Iterable[str]) -> set[str]:
    """The names under which cells import modules of the learner's own, and by which they call nothing else.

    A learner's own is what no library has.
    """
    own, others = set[str](), set[str]()
    for node in (node for cell in cells for statement in statements(cell) for node in ast.walk(statement)):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    top = alias.name.partition(".")[0]
                    (others if is_installed(top) else own).add(alias.asname or top)
            case ast.ImportFrom(names=aliases):
                others.update(alias.asname or alias.name for alias in aliases)
            case ast.Assign(targets=targets):
                others.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.NamedExpr(target=ast.Name(id=name)):
                others.add(name)
    return own - others


def forbidden_uses(cells: Sequence[str], targets: Iterable[str], forbidden: Iterable[str]) -> list[tuple[str, int]]:
    """Uses of forbidden names, with their lines, in the code that the targets reach.

    A scratch cell that compares with the library is nobody's mistake: only definitions reachable from a target count.
    A learner's own function of the same name is no use of the library's: attributes, imports and names looked up as
    text are. Nor is what comes from a module of the learner's own, where that is seen to be defined, or an attribute of
    what a function is given or makes (``config.dropout``): if that is the library's after all, it is met when called.
    """
    bound = definitions(cells)
    mine = own_modules(cells)
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
    for statement in _reachable(bound, targets, mine):
        local = _local_names(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and _root(node) in local:
                continue
            defined = {
                name
                for name in _taken_from_own(node, mine)
                if any(other is not statement and not _is_import(other) for other in bound.get(name, ()))
            }
            for name in _library_names(node):
                if name in names - defined:
                    found[name, getattr(node, "lineno", 0)] = None
    return list(found)


def _taken_from_own(node: ast.AST, mine: set[str]) -> list[str]:
    """Names that are looked up in a module of the learner's own."""
    match node:
        case ast.ImportFrom(module=str(module), names=aliases) if not is_installed(module.partition(".")[0]):
            return [alias.name for alias in aliases]
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in mine:
            return [name]
    return []


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def imports(cells: Iterable[str]) -> set[str]:
    """Top-level packages that the code imports, anywhere, and files that it runs as a program."""
    found: set[str] = set()
    for cell in cells:
        found.update(scripts_run(parse(cell) or ast.Module([], [])))
        found.update(_imported(statements(cell)))
    return found


def imports_used(cells: Sequence[str], targets: Iterable[str]) -> set[str]:
    """Top-level packages that the targets use, by what they import themselves or by a name imported above them."""
    code = _reachable(definitions(cells), targets, own_modules(cells))
    inside = [statement for statement in code if not _is_import(statement)]
    used = {node.id for statement in inside for node in ast.walk(statement) if isinstance(node, ast.Name)}
    above = [
        type(statement)(**{**vars(statement), "names": [alias]})
        for statement in code
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names
        if (alias.asname or alias.name).split(".")[0] in used
    ]
    return _imported([*inside, *above])


def _imported(code: Iterable[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for node in (node for statement in code for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def _reachable(bound: dict[str, list[ast.stmt]], targets: Iterable[str], mine: set[str]) -> list[ast.stmt]:
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
                for node in ast.walk(statement):
                    waiting += [node.id] if isinstance(node, ast.Name) else _taken_from_own(node, mine)
    return statements


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


def _local_names(statement: ast.stmt) -> set[str]:
    """What functions in a statement are given or assign, without what they import."""
    assigned, imported = set[str](), set[str]()
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for node in ast.walk(statement):
            match node:
                case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                    assigned.add(name)
                case ast.Import() | ast.ImportFrom():
                    imported.update(bound_names(node))
    return assigned - imported


def _root(node: ast.expr) -> str | None:
    """The name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


_LOOK_UPS = frozenset({"getattr", "__getattribute__", "attrgetter", "import_module"})
"""Functions that find a thing by a name given as text."""


def _library_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Attribute(attr=name):
            return [name]
        case ast.ImportFrom(names=aliases):
            return [alias.name for alias in aliases]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in _LOOK_UPS:
            return [text for text in map(_text_of, args) if text]
        case (
            ast.Subscript(value=owner, slice=key)
            | ast.Call(func=ast.Attribute(attr="get" | "pop", value=owner), args=[key, *_])
        ) if _is_namespace(owner):
            text = _text_of(key)
            return [text] if text else []
    return []


def _is_namespace(owner: ast.expr) -> bool:
    """``vars(module)`` and ``module.__dict__`` hold names; another dictionary may have any keys."""
    return isinstance(owner, ast.Call) or (isinstance(owner, ast.Attribute) and owner.attr == "__dict__")


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
