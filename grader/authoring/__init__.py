"""The vocabulary of a ``grading.py``: all that it may import of the grader. See docs/authoring.md."""

from grader.authoring.cases import Case, built, call, standard
from grader.authoring.exercise import LIBRARY_ATTENTION, Exercise, sibling
from grader.authoring.inputs import Inputs
from grader.authoring.mistakes import Elsewhere, known, replace, rewrite
from grader.text import Text
from grader.values.compare import worst

__all__ = [
    "LIBRARY_ATTENTION",
    "Case",
    "Elsewhere",
    "Exercise",
    "Inputs",
    "Text",
    "built",
    "call",
    "known",
    "replace",
    "rewrite",
    "sibling",
    "standard",
    "worst",
]
