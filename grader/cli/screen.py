"""What a terminal can show: one that lacks our marks gets plain ones, and never a traceback."""

from __future__ import annotations

import codecs
import io
import sys

PLAIN = {
    "✓": "+",
    "✗": "x",
    "▶": ">",
    "·": "-",
    "●": "*",
    "○": ".",
    "■": "#",
    "√": "sqrt",
    "−": "-",
    "×": "x",
    "…": "...",
    "–": "-",
    "—": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "∞": "inf",
}


def take_what_can_be_shown() -> None:
    """From now on, standard output and error write what their encoding has, and plain marks for the rest."""
    codecs.register_error("attn-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="attn-plain")


def shows_everything() -> bool:
    """True where standard output can be given any text as it is."""
    return codecs.lookup(sys.stdout.encoding or "ascii").name.startswith("utf")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lost), error.end
