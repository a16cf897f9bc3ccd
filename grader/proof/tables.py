"""What verification found, as three Markdown tables: families checked, mistakes named, questions answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.authoring.cases import FAMILIES
from grader.course.course import Course
from grader.proof.verify import Proof


def as_markdown(course: Course, proofs: Sequence[Proof]) -> str:
    """The tables, with a heading each."""
    return "\n\n".join(
        [
            "# What verification found",
            "Written by `attn verify --docs`; do not edit.",
            "## Exercises × families of checks",
            "How many checks of each family an exercise has.",
            _families(proofs),
            "## Mistakes × what they are named as",
            "Every known mistake, handed in as a learner would; one made in several ways has a row once, with how "
            "many of them were named as itself.",
            _mistakes(proofs),
            "## Questions of the documents × exercises",
            _questions(course),
            "",
        ]
    )


def _families(proofs: Iterable[Proof]) -> str:
    rows = [[proof.exercise, *(str(proof.families.get(family, 0) or "") for family in FAMILIES)] for proof in proofs]
    return _table(["exercise", *FAMILIES], rows)


def _mistakes(proofs: Iterable[Proof]) -> str:
    rows = []
    for proof in proofs:
        ways: dict[str, list[str]] = {}
        family_of: dict[str, str] = {}
        for slug, family, first in proof.named:
            ways.setdefault(slug, []).append(first)
            family_of[slug] = family
        for slug, named in ways.items():
            right = sum(first == slug for first in named)
            others = sorted({first for first in named if first != slug})
            rows.append([proof.exercise, slug, family_of[slug], f"{right} of {len(named)}", ", ".join(others)])
    return _table(["exercise", "mistake", "family", "named as itself", "otherwise as"], rows)


def _questions(course: Course) -> str:
    rows = []
    for code, question in course.questions.items():
        answering = [entry.id for _, entry in course.entries() if code in entry.answers]
        rows.append([code, question, ", ".join(answering)])
    return _table(["code", "question", "exercises"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
