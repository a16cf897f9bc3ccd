"""Python newer than the one that grades: recognised by what it cannot parse, and a newer one can.

The newer forms are spelled as older ones; where the code parses then, they were what kept it from parsing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

Version = tuple[int, int]

MAX_NEST = 20
_PARAMETERS = r"\[[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*\]"
_FORMS: tuple[tuple[Version, re.Pattern[str], str], ...] = (
    ((3, 12), re.compile(rf"^([ \t]*)type +([^\W\d]\w*)(?:{_PARAMETERS})?[ \t]*=", re.MULTILINE), r"\1\2 ="),
    ((3, 12), re.compile(rf"^([ \t]*(?:async +)?(?:def|class) +\w+){_PARAMETERS}", re.MULTILINE), r"\1"),
    ((3, 14), re.compile(r"^([ \t]*except\*? +)(\w[\w.]*(?:, *\w[\w.]*)+)[ \t]*:", re.MULTILINE), r"\1(\2):"),
)
"""A newer form, since when it is one, and how older Python spells it."""
_TOKEN = re.compile(r"#[^\n]*|([a-zA-Z]{0,2})(\"\"\"|'''|\"|')")


def needed_version(code: str, parse: Callable[[str], Any], running: Version = sys.version_info[:2]) -> Version | None:
    """The Python that parses what the running one does not; None where nothing newer is in the way."""
    if parse(code) is not None:
        return None
    needed = set[Version]()
    try:
        older, expressions, templates = _without_formatted(code)
    except ValueError:
        return None
    if templates or (expressions and running < (3, 12)):
        needed.add((3, 14) if templates else (3, 12))
        code = older
    for since, form, spelling in _FORMS:
        shorter = form.sub(spelling, code)
        if shorter != code:
            needed.add(since)
            code = shorter
    needed = {version for version in needed if version > running}
    inside = "\n".join(f"(\n{expression}\n)" for expression in expressions)
    return max(needed) if needed and parse(code) is not None and parse(inside) is not None else None


def _without_formatted(code: str, nest: int = 0) -> tuple[str, list[str], bool]:
    """The code with an empty string for every f-string and t-string, the expressions in them, and whether there is a t.

    They are read as Python 3.12 reads them: quotes, backslashes and lines in their braces are those of expressions.

    Raises:
        ValueError: a string does not end.
    """
    pieces, expressions, templates, at = list[str](), list[str](), False, 0
    while found := _TOKEN.search(code, at):
        end = found.end()
        if found[2]:
            prefix = found[1].lower()
            if "f" in prefix or "t" in prefix:
                end, inner = _formatted(code, end, found[2], nest)
                expressions += inner
                templates = templates or "t" in prefix
                pieces += [code[at : found.start()], '""']
                at = end
                continue
            end = _plain(code, end, found[2])
        pieces.append(code[at:end])
        at = end
    return "".join([*pieces, code[at:]]), expressions, templates


def _plain(code: str, at: int, quote: str) -> int:
    """Where a string ends whose text begins at a place."""
    while at < len(code):
        if code.startswith(quote, at):
            return at + len(quote)
        if code[at] == "\n" and len(quote) == 1:
            break
        at += 2 if code[at] == "\\" else 1
    raise ValueError("a string does not end")


def _formatted(code: str, at: int, quote: str, nest: int) -> tuple[int, list[str]]:
    """Where an f-string ends whose text begins at a place, and the expressions in it."""
    expressions = list[str]()
    while at < len(code):
        if code.startswith(quote, at):
            return at + len(quote), expressions
        if code[at] == "\n" and len(quote) == 1:
            break
        if code.startswith(("{{", "}}"), at):
            at += 2
        elif code.startswith("\\N{", at):  # a character by its name
            at = code.find("}", at) + 1 or len(code)
        elif code[at] == "{":
            at, inner = _field(code, at + 1, quote, nest + 1)
            expressions += inner
        else:
            at += 2 if code[at] == "\\" and not code.startswith(("\\{", "\\}"), at) else 1
    raise ValueError("a string does not end")


def _field(code: str, at: int, quote: str, nest: int) -> tuple[int, list[str]]:
    """Where a replacement field ends whose expression begins at a place, and the expressions in it."""
    if nest > MAX_NEST:
        raise ValueError("strings are nested too deeply")
    begin, depth = at, 0
    while at < len(code):
        found = _TOKEN.match(code, at)
        if found and not found[2]:  # a comment
            at = found.end()
        elif found and set(found[1].lower()) & {"f", "t"}:
            at, _ = _formatted(code, found.end(), found[2], nest)
        elif found:
            at = _plain(code, found.end(), found[2])
        elif code[at] in "([{":
            depth, at = depth + 1, at + 1
        elif depth and code[at] in ")]}":
            depth, at = depth - 1, at + 1
        elif code[at] in ")]":
            break
        elif not depth and (code[at] in "}:" or (code[at] == "!" and code[at + 1 : at + 2] != "=")):
            return _after_expression(code, begin, at, quote, nest)
        else:
            at += 1
    raise ValueError("a field does not end")


def _after_expression(code: str, begin: int, at: int, quote: str, nest: int) -> tuple[int, list[str]]:
    """The end of a field behind its expression: a conversion, and a format that may hold fields itself."""
    expression = re.sub(r"(?<![=!<>])=\s*$", "", code[begin:at])
    if not expression.strip():
        raise ValueError("a field is empty")
    text, expressions, _ = _without_formatted(expression, nest)
    expressions.append(text)
    while at < len(code) and code[at] != "}":
        if code.startswith(quote, at):
            break
        if code[at] == "{":
            at, inner = _field(code, at + 1, quote, nest + 1)
            expressions += inner
        else:
            at += 1
    if at >= len(code) or code[at] != "}":
        raise ValueError("a field does not end")
    return at + 1, expressions
