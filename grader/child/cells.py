"""Runs the cells of a submission as a kernel would, but goes on behind a statement that fails.

What fails costs what failed: an import of a library that is missing leaves the answer below it alone.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import sys
import types
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from inspect import CO_COROUTINE
from typing import Any

from grader.child.clock import StoppedError
from grader.child.execute import ERRORS, describe
from grader.wire.calls import Raised

FEATURES = 0
for _name in __future__.all_feature_names:
    if _name != "barry_as_FLUFL":  # with it, `<>` is Python, and not for those who look at the text
        FEATURES |= getattr(__future__, _name).compiler_flag


class Cells:
    """The state of a kernel between two cells: its namespace, and what was imported from ``__future__``.

    Args:
        scope: the namespace.
        errors_caught: what a statement may raise at its own cost.
        limit: a context manager that ends what takes too long; one for each stretch of statements.
        keep: gets the value of the last line of each cell.
    """

    def __init__(
        self,
        scope: dict[str, Any],
        errors_caught: tuple[type[BaseException], ...] = ERRORS,
        limit: Callable[[], AbstractContextManager[None]] = nullcontext,
        keep: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.scope, self.limit, self.keep = scope, limit, keep
        self.errors_caught: tuple[type[BaseException], ...] = (*errors_caught, StoppedError)
        self.errors: list[Raised] = []
        self._features = 0

    def run(self, number: int, cell: str) -> None:
        """Run one cell; what its statements raise is noted in ``errors``."""
        name = f"<cell {number}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)  # for inspect.getsource
        try:
            statements = compile(cell, name, "exec", self._flags | ast.PyCF_ONLY_AST, dont_inherit=True).body
        except self.errors_caught as error:
            self._note(error, number, getattr(error, "lineno", None))
            return
        waiting = list(enumerate(statements, 1))
        stretches = 0
        while waiting and stretches < 2:  # a cell that is stopped goes on once more, and is then left
            stretches += 1
            try:
                with self.limit():
                    while waiting:
                        place, statement = waiting.pop(0)
                        self._execute(number, name, statement, place == len(statements))
            except StoppedError as error:
                self._note(error, number, statement.lineno)

    @property
    def _flags(self) -> int:
        return self._features | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def _execute(self, number: int, name: str, statement: ast.stmt, last: bool) -> None:
        try:
            if last and isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), name, "eval", self._flags, dont_inherit=True)
                self.keep(self._run(code))
            else:
                code = compile(ast.Module([statement], []), name, "exec", self._flags, dont_inherit=True)
                self._features |= code.co_flags & FEATURES
                self._run(code)
        except StoppedError:
            raise
        except self.errors_caught as error:
            self._note(error, number, statement.lineno)

    def _run(self, code: types.CodeType) -> Any:
        result = eval(code, self.scope)
        if code.co_flags & CO_COROUTINE:
            from grader.child.loop import wait_for

            result = wait_for(result)
        return result

    def _note(self, error: BaseException, number: int, line: int | None) -> None:
        self.errors.append(replace(describe(error), cell=number, line=line))


def new_scope(name: str = "submission", **names: Any) -> dict[str, Any]:
    """A namespace that is a real module, so that classes and dataclasses defined in it work, with some names in it."""
    module = types.ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    return module.__dict__


def run_cells(cells: Iterable[str], scope: dict[str, Any]) -> list[Raised]:
    """Run trusted cells; what they raise."""
    running = Cells(scope)
    for number, cell in enumerate(cells, 1):
        running.run(number, cell)
    return running.errors
