"""Bytes into text: byte order marks, UTF-16 and UTF-32, and the coding that a script declares (PEP 263)."""

from __future__ import annotations

import codecs
import json
import re

from grader.submission.contents import UnreadableError
from grader.text import Text

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as UTF-16's does, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]{1,40})")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?$")
_NO_CHARACTER_SETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
"""Python's codecs that spell text in other ways; some of them take time that grows with the square of its length."""


def decode(content: bytes) -> str:
    """The text that bytes stand for, its lines ended by ``\\n``.

    Raises:
        UnreadableError: they are no text, or in a coding that they do not declare.
    """
    mark, coding = _marked(content)
    content = content[len(mark) :]
    declared = None if mark or coding != "utf-8" else _declared(content)
    try:
        text = content.decode(_known(declared) if declared else coding)
    except UnicodeError as error:
        raise UnreadableError(_wrong(content, error, declared)) from None
    if "\0" in text:
        raise UnreadableError(
            Text(
                "This is not text, so it is neither a notebook nor Python code; hand in the file that you wrote.",
                "这不是文本，因此既不是笔记本也不是 Python 代码；请提交你所写的文件。",
            )
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _declared(content: bytes) -> str | None:
    first, _, rest = content[:2048].partition(b"\n")
    lines = [first, rest.partition(b"\n")[0]] if _BLANK.match(first.rstrip(b"\r")) else [first]
    found = next(filter(None, map(_DECLARED.match, lines)), None)
    return found[1].decode("ascii") if found else None


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name.replace("-", "_")
        if name not in _NO_CHARACTER_SETS:
            "a".encode(name)  # a LookupError for codecs that are not for text
            return name
    except (LookupError, UnicodeError):
        pass
    raise UnreadableError(
        Text(
            f"The file declares a coding `{declared}`, which Python does not know; "
            "save it as UTF-8 and take that line out.",
            f"文件声明的编码 `{declared}` 不是 Python 认识的编码；请另存为 UTF-8，并删去那一行声明。",
        )
    )


def _wrong(content: bytes, error: UnicodeError, declared: str | None) -> Text:
    start = getattr(error, "start", 0)
    line = content.count(b"\n", 0, start) + 1
    if declared:
        return Text(
            f"The file declares the coding {declared}, but it is not written in it (byte {start}, line {line}); "
            "save it as UTF-8 and take that line out.",
            f"文件声明的编码是 {declared}，但内容并非如此（第 {start} 字节，第 {line} 行）；"
            "请另存为 UTF-8，并删去那一行声明。",
        )
    return Text(
        f"The file is not UTF-8 text (byte {start}, line {line}); save it as UTF-8.",
        f"文件不是 UTF-8 文本（第 {start} 字节，第 {line} 行）；请另存为 UTF-8。",
    )


def decode_beginning(content: bytes) -> str:
    """The text with which a file begins, as far as it can be told: for a look at what it may be."""
    mark, coding = _marked(content)
    return content[len(mark) :].decode(coding, errors="replace")


def _marked(content: bytes) -> tuple[bytes, str]:
    """The mark with which bytes begin, and their coding; without one, zeros tell UTF-16 and UTF-32, as in JSON."""
    for mark, coding in _MARKS:
        if content.startswith(mark):
            return mark, coding
    return b"", json.detect_encoding(content) if b"\0" in content[:4] else "utf-8"
