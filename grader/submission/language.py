"""The language of a cell: Python, or what IPython makes Python of. What comes out is what is run and looked at.

A cell that is Python as it stands is left alone. IPython's own translation is asked for the rest; the cell magics whose
body is Python are taken off, so that what stands in them is code like any other.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from threading import Lock

from grader.submission.contents import UnreadableError
from grader.submission.translator import python_of
from grader.text import Text

MAX_CELLS = 500
MAX_CODE_CHARACTERS = 200_000
MAX_DEPTH = 200
"""Of the syntax tree: what looks at trees does so recursively."""
MAX_MAGICS_AROUND = 5
MOST_TRANSLATING_SECONDS = 6.0
"""Of CPU time, for all cells of a submission. Others wait meanwhile, for all are translated by one process."""
TOO_DEEP = "raise SyntaxError('the code is nested too deeply')"
TOO_MUCH = Text(
    "There is more code here than can be an answer to an exercise.",
    "这里的代码超过了一道题的解答可能有的长度。",
)
_OTHER_LANGUAGES = (
    "bash sh script html HTML javascript js svg SVG latex markdown perl ruby cmd system sx ! R r julia octave cython "
    "sql bigquery python python2 python3 pypy cpp cuda"
)
WRITING = frozenset({"writefile", "file"})
NOT_PYTHON = WRITING | frozenset(_OTHER_LANGUAGES.split())
"""Cell magics whose body is no code of the notebook's own."""

_one_parser_at_a_time = Lock()


def as_code(cells: Sequence[str]) -> tuple[str, ...]:
    """The texts of code cells as Python that can be run and looked at.

    Raises:
        UnreadableError: there is more of it than can be an answer.
    """
    if len(cells) > MAX_CELLS or sum(map(len, cells)) > MAX_CODE_CHARACTERS:
        raise UnreadableError(TOO_MUCH)
    patience = Patience()
    return tuple(as_python(cell, patience) for cell in cells)


class Patience:
    """How long the cells of one submission may still be translated; those that come too late stay as they are."""

    def __init__(self) -> None:
        self.seconds = MOST_TRANSLATING_SECONDS

    def python_of(self, cell: str) -> str | None:
        """A cell as Python, where that can be had in time."""
        if self.seconds <= 0:
            return None
        python, took = python_of(cell)
        self.seconds -= took
        return python


def as_python(cell: str, patience: Patience | None = None, around: int = 0) -> str:
    """A cell as Python, each statement in its line.

    A cell that is too deep to be looked at is not run either: rules are checked on all of what runs. One of which
    nothing can be made stays as it is, and is a syntax error when it is run.
    """
    stands = as_module(cell)
    if stands is not None:
        return stands
    patience = patience or Patience()
    python = patience.python_of(cell)
    if python is None:
        return cell
    python = python if cell.endswith("\n") else python.removesuffix("\n")
    if parse(python) is None:
        return cell if _is_broken(python) else TOO_DEEP
    magic = cell_magic(python)
    if magic is not None and magic.name in WRITING and as_module(magic.body) == TOO_DEEP:
        return TOO_DEEP
    if magic is None or magic.name in NOT_PYTHON or around >= MAX_MAGICS_AROUND:
        return python
    above = cell.split("\n").index(next(line for line in cell.split("\n") if line.strip()))
    body = as_python(magic.body, patience, around + 1)
    if parse(body) is None:
        return python
    return "\n" * above + "\n".join([_in_its_line(magic), *([body] if body else [])])


def as_module(text: str) -> str | None:
    """Python as it stands, where that is not too deep to be looked at; None where it is no Python."""
    try:
        return TOO_DEEP if _too_deep(_tree(text)) else text
    except (RecursionError, MemoryError):
        return TOO_DEEP
    except (SyntaxError, ValueError):
        return None


class Magic:
    """A cell magic: its name, what stands behind it in its line, and its body."""

    def __init__(self, name: str, line: str, body: str) -> None:
        self.name, self.line, self.body = name, line, body


def cell_magic(python: str) -> Magic | None:
    """The magic that a whole cell, translated, is the body of."""
    tree = parse(python)
    if tree is None or len(tree.body) != 1:
        return None
    match tree.body[0]:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=arguments)) if len(arguments) == 3:
            texts = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
            return Magic(*map(str, texts)) if len(texts) == 3 else None
    return None


def _in_its_line(magic: Magic) -> str:
    """What a magic's own line does: ``%%capture name`` binds a name, ``%%timeit code`` runs some first."""
    if magic.name == "capture":
        found = re.search(r"(?:^|\s)([A-Za-z_]\w*)", magic.line)
        return f"{found[1]} = get_ipython().captured()" if found else ""
    code = _behind_options(magic.line) if magic.name in ("timeit", "prun") else ""
    return code if parse(code) else ""


def codes_in_magics(tree: ast.AST) -> Iterator[str]:
    """Texts in the calls that magics have become: code that they run or write into a file."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic" | "run_cell_magic" | "run_cell" | "magic" as called), args=args
            ):
                for argument in args[-1:]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        text = argument.value
                        yield _behind_options(text.partition(" ")[2] if called == "magic" else text)


def scripts_run(tree: ast.AST) -> Iterator[str]:
    """Names, without their suffix, of the files that ``%run`` runs."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic"),
                args=[ast.Constant(value="run"), ast.Constant(value=str(line))],
            ):
                found = re.match(r"(?:-\w+\s+)*['\"]?(?:\./)?(\w+)(?:\.py)?(?:['\"\s]|$)", line)
                if found:
                    yield found[1]


def _behind_options(text: str) -> str:
    """``-n 1 -r 1 f(x)``: the code."""
    return re.sub(r"^(?:\s*-[A-Za-z]+(?:\s+\d+|\d*)(?=\s|$))+\s*", "", text)


@lru_cache(maxsize=256)
def parse(code: str) -> ast.Module | None:
    """The syntax tree, or None where the code does not parse."""
    try:
        tree = _tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if _too_deep(tree) else tree


def _tree(code: str) -> ast.Module:
    # CPython 3.11 loses count of its recursion depth when two threads parse at once (a SystemError).
    with _one_parser_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\\d" in what somebody handed in is no warning, or error, of ours
        return ast.parse(code)


def _is_broken(code: str) -> bool:
    try:
        _tree(code)
    except (SyntaxError, ValueError):
        return True
    except (RecursionError, MemoryError):
        pass
    return False


def _too_deep(tree: ast.Module) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True
