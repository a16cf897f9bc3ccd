"""Which language is spoken to whoever is there: decided here, for every door."""

from __future__ import annotations

import locale
import os
from pathlib import Path
from typing import TYPE_CHECKING

from grader.desk import workspace

if TYPE_CHECKING:
    from grader.report.model import Language
    from grader.text import Text

VARIABLE = "ATTN_LANG"


def spoken(asked: str | None = None) -> Language:
    """The language that was asked for; else that of ATTN_LANG; else that of the locale, or of the workspace around.

    Names are taken in any form that people and systems use: ``zh``, ``zh_CN.UTF-8``, ``zh-Hans``. A Chinese workspace
    is spoken to in Chinese whatever the locale, since many machines have none.
    """
    for name in (asked, os.environ.get(VARIABLE)):
        if name:
            return named(name) or "en"
    if named(_locale()) == "zh":
        return "zh"
    around = workspace.find(Path.cwd())
    return around.language if around else "en"


def named(name: str) -> Language | None:
    """The language that a name stands for; None where we do not speak it."""
    simple = name.strip().lower()
    if simple.startswith(("zh", "chinese")):
        return "zh"
    return "en" if simple.startswith(("en", "c.", "posix")) or simple == "c" else None


def say(text: Text, language: Language) -> str:
    """The text in that language."""
    return str(getattr(text, language))


def _locale() -> str:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return os.environ[variable]
    return locale.getlocale()[0] or ""  # Windows has no such variables
