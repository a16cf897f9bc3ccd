"""The first generator, its syntactic half: the reference with one node of its syntax tree changed, as text."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.proof.mutants.mutant import Mutant
from grader.proof.mutants.swaps import NAMES, OPERATORS, constants

_WRAPPINGS = {
    "dtype": ("{}.float()", "{}.double()", "{}.bfloat16().to({}.dtype)"),
    "detach": ("{}.detach()", "{}.data"),
    "layout": ("{}.squeeze()", "{}.flip(0)"),
}
"""What is done to a value that is assigned or returned."""

_LOOSE = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda)
"""What needs parentheses where something is done to it."""

Change = tuple[str, ast.AST, str]
"""The kind of a change, the node, and the text that takes its place."""


def syntactic(reference: str) -> Iterator[Mutant]:
    """Every mutant that the operators make of what the reference defines."""
    source = _Source(reference)
    for statement in ast.parse(reference).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        for kind, node, text in source.changes(statement):
            yield Mutant(kind, source.with_change(node, text))


class _Source:
    """A text, and what can be changed in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        for line in text.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def with_change(self, node: ast.AST, new: str) -> str:
        start, end = self._span(node)
        raw = self.text.encode()
        return (raw[:start] + new.encode() + raw[end:]).decode()

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = node
        return (
            self._starts[at.lineno - 1] + at.col_offset,  # type: ignore[attr-defined]
            self._starts[at.end_lineno - 1] + at.end_col_offset,  # type: ignore[attr-defined]
        )

    def of(self, node: ast.AST) -> str:
        text = ast.get_source_segment(self.text, node) or ast.unparse(node)
        return f"({text})" if isinstance(node, _LOOSE) else text

    def changes(self, statement: ast.stmt) -> Iterator[Change]:
        for node in _walk(statement):
            match node:
                case ast.FunctionDef():
                    yield from self._defaults(node)
                    yield from self._names(node)
                    yield from self._without_gradients(node)
                case ast.BinOp(left=left, op=op, right=right):
                    for sign in OPERATORS.get(type(op), ()):
                        yield "operator", node, f"({self.of(left)} {sign} {self.of(right)})"
                    yield "operand dropped", node, self.of(left)
                    yield "operand dropped", node, self.of(right)
                    if not isinstance(op, ast.Add | ast.Mult | ast.BitAnd | ast.BitOr):
                        reversed_ = f"({self.of(right)} {_sign(op)} {self.of(left)})"
                        yield "operands swapped", node, reversed_
                case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                    for text in constants(-value):
                        yield "constant", node, text
                case ast.UnaryOp(operand=operand):
                    yield "operator", node, self.of(operand)
                case ast.Compare(left=left, ops=[op], comparators=[right]):
                    for sign in OPERATORS.get(type(op), ()):
                        yield "comparison", node, f"({self.of(left)} {sign} {self.of(right)})"
                case ast.BoolOp(op=op, values=values):
                    texts = [self.of(value) for value in values]
                    other = " and " if isinstance(op, ast.Or) else " or "
                    yield "condition", node, f"({other.join(texts)})"
                    for i in range(len(texts)):
                        rest = (" or " if isinstance(op, ast.Or) else " and ").join(texts[:i] + texts[i + 1 :])
                        yield "condition", node, f"({rest})"
                case ast.Constant(value=value):
                    for text in constants(value):
                        yield "constant", node, text
                case ast.If(test=test) | ast.While(test=test):
                    yield from self._condition(test)
                    if isinstance(node, ast.If):
                        yield "statement", node, "pass"
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    yield from self._condition(test)
                    yield "condition", node, self.of(body)
                    yield "condition", node, self.of(orelse)
                case ast.Call():
                    yield from self._call(node)
                case ast.Attribute(value=value, attr=attr) if isinstance(node.ctx, ast.Load):
                    for other in NAMES.get(attr, ()):
                        yield "method", node, f"{self.of(value)}.{other}"
                case ast.Subscript(value=value, slice=index) if isinstance(node.ctx, ast.Load):
                    yield "index dropped", node, self.of(value)
                    yield from self._slices(index)
                case ast.For(iter=iterable, body=body):
                    yield "loop", iterable, f"list({self.of(iterable)})[1:]"
                    yield "loop", iterable, f"list({self.of(iterable)})[:-1]"
                    yield "loop", iterable, f"list({self.of(iterable)})[::-1]"
                    indent = " " * body[0].col_offset
                    yield "loop", body[-1], f"{self.of(body[-1])}\n{indent}break"
                case ast.comprehension(iter=iterable, ifs=conditions):
                    yield "loop", iterable, f"list({self.of(iterable)})[1:]"
                    for condition in conditions:
                        yield from self._condition(condition)
                case ast.Return(value=value) if value is not None:
                    yield from self._returned(node, value)
                case ast.Assign(value=value) | ast.AugAssign(value=value):
                    yield "statement", node, "pass"
                    yield from self._wrapped(value)
                case ast.Expr(value=ast.Call()) | ast.Raise():
                    yield "statement", node, "pass"
                case ast.With(body=body):
                    yield "statement", node, self._unindented(body)

    def _defaults(self, node: ast.FunctionDef) -> Iterator[Change]:
        for default in node.args.defaults:
            for text in {"None": ("0",), "True": ("False",), "False": ("True",)}.get(self.of(default), ()):
                yield "default", default, text
            if isinstance(default, ast.Constant) and isinstance(default.value, float):
                yield "default", default, repr(default.value * 1000 or 0.3)

    def _names(self, node: ast.FunctionDef) -> Iterator[Change]:
        """Another variable of the function, in the place of one: its neighbours in the order of the alphabet."""
        bound = {found.arg for found in node.args.args if found.arg != "self"}
        bound |= {
            found.id for found in ast.walk(node) if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store)
        }
        fields = {
            found.attr
            for found in ast.walk(node)
            if isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name) and found.value.id == "self"
        }
        for found in _walk(node):
            match found:
                case ast.Name(id=name, ctx=ast.Load()) if name in bound:
                    for other in _beside(name, bound):
                        yield "variable", found, other
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Load()):
                    for other in _beside(name, fields):
                        yield "field", found, f"self.{other}"

    def _without_gradients(self, node: ast.FunctionDef) -> Iterator[Change]:
        if any(isinstance(found, ast.Return) for found in ast.walk(node)) and not node.decorator_list:
            yield "detach", node, f"@torch.no_grad()\n{' ' * node.col_offset}{self.of(node)}"

    def _condition(self, test: ast.expr) -> Iterator[Change]:
        yield "condition", test, "True"
        yield "condition", test, "False"
        yield "condition", test, f"(not {self.of(test)})"

    def _call(self, node: ast.Call) -> Iterator[Change]:
        called = self.of(node.func)
        if isinstance(node.func, ast.Name):
            for other in NAMES.get(node.func.id, ()):
                yield "method", node.func, other
        if called.rsplit(".", 1)[-1].endswith("Error"):
            yield "exception", node.func, "KeyError"
            return
        parts = [self.of(part) for part in node.args]
        parts += [
            f"{word.arg}={self.of(word.value)}" if word.arg else f"**{self.of(word.value)}" for word in node.keywords
        ]
        for i in range(len(parts)):
            yield "argument dropped", node, f"{called}({', '.join(parts[:i] + parts[i + 1 :])})"
        for i in range(len(node.args) - 1):
            swapped = [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]
            yield "arguments swapped", node, f"{called}({', '.join(swapped)})"
        if isinstance(node.func, ast.Attribute) and called.split(".")[0] not in ("torch", "F", "nn", "math", "super()"):
            yield "call dropped", node, self.of(node.func.value)
        elif node.args and not isinstance(node.args[0], ast.Starred):
            yield "call dropped", node, parts[0]

    def _slices(self, index: ast.expr) -> Iterator[Change]:
        for part in index.elts if isinstance(index, ast.Tuple) else [index]:
            if not isinstance(part, ast.Slice):
                continue
            for bound in (part.lower, part.upper):
                if bound is not None:
                    yield "slice", bound, f"{self.of(bound)} + 1"
                    yield "slice", bound, ""

    def _returned(self, node: ast.Return, value: ast.expr) -> Iterator[Change]:
        yield "return", node, "return None"
        if isinstance(value, ast.Tuple) and len(value.elts) > 1:
            parts = [self.of(part) for part in value.elts]
            yield "return", node, f"return {', '.join([parts[1], parts[0], *parts[2:]])}"
            yield "return", node, f"return {parts[0]}"
            yield "return", node, f"return [{', '.join(parts)}]"
            for part in value.elts:
                yield from self._wrapped(part)
        else:
            yield "return", node, f"return {self.of(value)},"
            yield from self._wrapped(value)

    def _wrapped(self, value: ast.expr) -> Iterator[Change]:
        if isinstance(value, ast.Constant | ast.Tuple):
            return
        for kind, wrappings in _WRAPPINGS.items():
            for wrapping in wrappings:
                yield kind, value, wrapping.replace("{}", self.of(value))

    def _unindented(self, body: list[ast.stmt]) -> str:
        indent = " " * (body[0].col_offset - 4)
        return f"\n{indent}".join(self.of(part) for part in body)


def _walk(statement: ast.stmt) -> Iterator[ast.AST]:
    """All nodes but those of docstrings, messages of errors and annotations."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop(0)
        yield node
        for name, part in ast.iter_fields(node):
            if isinstance(node, ast.UnaryOp) and isinstance(part, ast.Constant):
                continue  # a negative number is one constant
            if name in ("annotation", "returns", "decorator_list", "defaults"):
                continue
            for child in part if isinstance(part, list) else [part]:
                is_message = isinstance(child, ast.JoinedStr) or isinstance(node, ast.Raise)
                if isinstance(child, ast.AST) and not is_message and not _is_docstring(child):
                    waiting.append(child)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            waiting.append(ast.copy_location(ast.Call(node.exc.func, [], []), node.exc))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _beside(name: str, names: set[str]) -> list[str]:
    order = sorted(names | {name})
    at = order.index(name)
    return list(dict.fromkeys(other for other in (order[at - 1], order[(at + 1) % len(order)]) if other != name))


def _sign(op: ast.operator) -> str:
    return ast.unparse(ast.BinOp(ast.Name("a"), op, ast.Name("b")))[2:-2]
