"""Functions as text: what an author writes in a ``grading.py`` is run elsewhere, without that file."""

from __future__ import annotations
import __future__

import ast
import dis
import inspect
import sys
import textwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from grader.text import Text

_ANNOTATIONS_AS_TEXT = __future__.annotations.compiler_flag


def definition_of(definition: Any) -> str:
    """The source text of a function or class, at top level and without decorators."""
    text = textwrap.dedent(inspect.getsource(definition))
    lines = text.split("\n")
    while lines and not lines[0].startswith(("def ", "class ")):
        lines.pop(0)
    return "\n".join(lines)


def standing_alone(function: Any, course_folder: Path) -> str:
    """The text of a function, with all that it uses: what lies in the course as text, libraries as imports.

    Args:
        function: defined at the top level of a file.
        course_folder: ``solutions/``; what is defined in there may not be imported where the text is run.

    Raises:
        ValueError: it uses something that cannot be written down.
    """
    if not isinstance(function, FunctionType) or function.__closure__ or function.__name__ == "<lambda>":
        raise ValueError(
            f"{getattr(function, '__qualname__', function)} must be a function at the top level of its file"
        )
    needed: dict[str, str] = {}
    _collect(function, course_folder, needed)
    imports = [text for text in needed.values() if text.startswith(("import ", "from "))]
    rest = [text for text in needed.values() if not text.startswith(("import ", "from "))]
    return "\n".join(["from __future__ import annotations", *imports, *rest]) + "\n"


def _collect(definition: Any, folder: Path, needed: dict[str, str]) -> None:
    """Add what a definition needs to ``needed``, by name, and then the definition itself."""
    name, text = definition.__name__, definition_of(definition)
    known = name in needed
    _note(name, text, needed)
    if known:  # a function that calls itself, too
        return
    names = vars(inspect.getmodule(definition)) if inspect.isclass(definition) else definition.__globals__
    for used in sorted(_names_in(text)):
        if used in names:
            _write_down(used, names[used], folder, needed)
    needed[name] = needed.pop(name)  # below what it uses


def _write_down(name: str, value: Any, folder: Path, needed: dict[str, str]) -> None:
    if isinstance(value, ModuleType):
        if _is_inside(value, folder):
            raise ValueError(f"{name}: import the names that are used from {value.__name__}, not the module")
        _note(name, f"import {value.__name__} as {name}", needed)
    elif isinstance(value, FunctionType | type) and _is_inside(value, folder):
        _collect(value, folder, needed)
        if value.__name__ != name:
            _note(name, f"{name} = {value.__name__}", needed)
    elif isinstance(value, Text):
        _note("Text", f"from {Text.__module__} import Text as Text", needed)
        _note(name, f"{name} = {value!r}", needed)
    elif _is_plain(value):
        _note(name, f"{name} = {value!r}", needed)
    elif _is_found_by_name(value):
        _note(name, f"from {value.__module__} import {value.__name__} as {name}", needed)
    else:
        raise ValueError(f"{name} = {value!r} cannot be written down as text; make it within the function")


def _note(name: str, text: str, needed: dict[str, str]) -> None:
    if needed.setdefault(name, text) != text:
        raise ValueError(f"{name!r} means two things; give one of them another name")


def _names_in(text: str) -> set[str]:
    """Names that a definition looks up outside of itself, annotations left out."""
    names, waiting = set(), [compile(text, "<definition>", "exec", _ANNOTATIONS_AS_TEXT, dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        names |= {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
    return names


def _is_inside(value: Any, folder: Path) -> bool:
    try:
        file = inspect.getsourcefile(value)
    except TypeError:  # built in
        return False
    return file is not None and folder.resolve() in Path(file).resolve().parents


def _is_found_by_name(value: Any) -> bool:
    """Whether a library has it under the name that it gives itself."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    return hasattr(value, "__name__") and getattr(module, value.__name__, None) is value


def _is_plain(value: Any) -> bool:
    """Whether it is what its text says: not so an infinite number, a tensor, or a class of one's own."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False
