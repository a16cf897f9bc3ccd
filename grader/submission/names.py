"""What the name of a file tells: its kind, and whose copy it is. Browsers, systems and Jupyter all mark copies."""

from __future__ import annotations

import re

HIDDEN, START_PAGE, KEPT, INTERVIEWS = ".attn", "00_start.ipynb", "kept", "interviews"
"""What a learner's workspace has beside answers: a hidden folder that marks it, its start page, copies of what was, and
interviews, which have several answers in a file."""

_ENDING = re.compile(r"\.(?:ipynb|py|txt|json)$", re.IGNORECASE)
_COPY = re.compile(
    r"(?:[\s_-]*(?:copy|copie|kopie|copia|副本|拷贝|コピー)[\s_-]{0,3}\d{0,4}"
    r"|[\s_-]*[(（]\d{1,4}[)）])$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[\s_-]v?\d{1,3}$", re.IGNORECASE)
_PLACE = re.compile(r"^\d{1,3}[\s_.-]+(?=.)")
_COPY_OF = re.compile(r"^copy of |^“|”的副本$", re.IGNORECASE)


def shown(name: str) -> str:
    """The name as it can stand within a sentence: on one line, and without what is not seen."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in name).split())


def suffix_of(name: str) -> str:
    """``.ipynb`` or ``.py``, in small letters, also of ``x.ipynb.txt`` and ``x.IPYNB``; else empty.

    The first that is told counts: ``x.py.txt`` is a script that a browser or an editor has renamed.
    """
    endings = []
    while found := _ENDING.search(name):
        endings.append(found[0].lower())
        name = name[: found.start()]
    return next((ending for ending in reversed(endings) if ending in (".ipynb", ".py")), "")


def bare_name(name: str) -> str:
    """The name without suffixes."""
    return _stripped(name, _ENDING)


def stem_of(name: str) -> str:
    """The name without suffixes, and without what marks a copy: ``x`` for ``x (1).ipynb`` and ``x-Copy1.ipynb.txt``."""
    return _stripped(name, _ENDING, _COPY_OF, _COPY)


def possible_exercises(name: str) -> tuple[str, ...]:
    """What exercise the name may stand for, the likeliest first.

    A number at its end may be a copy's, and one before it the exercise's place in a workspace.
    """
    stems = (bare_name(name), stem_of(name), _stripped(name, _ENDING, _COPY_OF, _COPY, _NUMBER))
    words = (word for stem in stems for word in (stem, _PLACE.sub("", stem)))
    return tuple(dict.fromkeys(form for word in words for form in (word, word.lower())))


def _stripped(name: str, *patterns: re.Pattern[str]) -> str:
    before = None
    while before != name:
        before = name
        for pattern in patterns:
            name = pattern.sub("", name) or name
    return name
