"""A sentence in the course's two languages. It imports nothing, so that everybody may say something."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """A sentence for the learner in the course's two languages."""

    en: str
    zh: str
