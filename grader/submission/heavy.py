"""Parses JSON of very many values in a process of its own: parsed here, it would keep every other thread waiting.

Almost all of them stand in outputs, which nobody asks for, so what comes back is the notebook without these.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from grader.isolated import environment
from grader.submission.contents import UnreadableError
from grader.text import Text

MOST_VALUES = 200_000
"""Values and strings' commas: what holds no more is parsed in a few hundredths of a second."""
MOST_SECONDS = 30
MOST_BYTES = 2**31
PROGRAM = f"""
import json, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, ({MOST_SECONDS}, {MOST_SECONDS}))
    resource.setrlimit(resource.RLIMIT_AS, ({MOST_BYTES}, {MOST_BYTES}))
except (ImportError, ValueError, OSError):
    pass
kept = lambda pairs: {{key: value for key, value in pairs if key not in ("outputs", "attachments")}}
text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
try:
    said = "found", json.loads(text, object_pairs_hook=kept)
except RecursionError:
    said = "deep", None
except ValueError as error:
    said = "wrong", [getattr(error, "msg", ""), getattr(error, "pos", -1)]
sys.stdout.write(json.dumps(said))
"""


def many_values(text: str) -> bool:
    """Whether some JSON may hold more values than are parsed among others' work."""
    return text.count(",") + text.count("[") + text.count("{") > MOST_VALUES


def notebook_from(text: str) -> Any:
    """What the JSON of a notebook says; without what its cells gave, where that is much.

    Raises:
        RecursionError, ValueError: as `json.loads` does.
        UnreadableError: there is too much of it, even so.
    """
    if not many_values(text):
        return json.loads(text)
    found = _parsed_elsewhere(text)
    if not found or many_values(found):
        raise UnreadableError(_TOO_MANY)
    how, what = json.loads(found)
    if how == "deep":
        raise RecursionError
    if how == "wrong":
        raise json.JSONDecodeError(what[0], text, what[1]) if what[1] >= 0 else ValueError
    return what


def _parsed_elsewhere(text: str) -> str:
    command = [sys.executable, "-I", "-S", "-c", PROGRAM]
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "surrogatepass"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            timeout=20 * MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode() if done.returncode == 0 else ""


_TOO_MANY = Text(
    "There is far too much in this file for a notebook, or it is damaged; open it in Jupyter, clear the outputs "
    "(Edit > Clear Outputs of All Cells) and save it again.",
    "这个文件的内容远多于一份笔记本应有的内容，或已损坏；请在 Jupyter 中打开，清除输出"
    "（Edit > Clear Outputs of All Cells）后重新保存。",
)
