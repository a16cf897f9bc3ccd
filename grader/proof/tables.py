"""What verification found, as Markdown: families checked, mistakes named, questions answered, mutants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.authoring.cases import FAMILIES
from grader.course.course import Course
from grader.proof.mutants.score import Score, total
from grader.proof.verify import Proof

MUTANTS = "## Mutants"


def write_proofs(path: Path, course: Course, proofs: Sequence[Proof]) -> None:
    """Write the tables of proofs, and leave what the file says of mutants as it is."""
    path.write_text(as_markdown(course, proofs) + _parts(path)[1], encoding="utf-8")


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write what became of mutants, and leave all else in the file as it is."""
    path.write_text(_parts(path)[0] + mutants_as_markdown(scores), encoding="utf-8")


def _parts(path: Path) -> tuple[str, str]:
    """What a file says of proofs, and of mutants."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, heading, after = text.partition(f"{MUTANTS}\n")
    return before, heading + after


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


def mutants_as_markdown(scores: Sequence[Score]) -> str:
    """The section on mutants."""
    return "\n\n".join(
        [
            MUTANTS,
            "Written by `attn verify --mutants --docs`. A mutant is a reference with one thing changed. It is killed "
            "where it loses marks, and equivalent where no probe, a call that is in no case, tells it from the "
            "reference. The score is the share of the killed among those that are not equivalent.",
            _scores(scores),
            "### Survivors",
            "Mutants with full marks, each with the probe that shows the difference best.",
            _survivors(scores),
            "",
        ]
    )


def _scores(scores: Sequence[Score]) -> str:
    rows = [
        [
            score.exercise,
            score.generator,
            *map(str, (score.mutants, len(score.equivalent), score.killed, len(score.survivors))),
            f"{100 * score.score:.1f} %",
        ]
        for score in [*scores, *total(scores)]
    ]
    return _table(["exercise", "generator", "mutants", "equivalent", "killed", "survivors", "score"], rows)


def _survivors(scores: Sequence[Score]) -> str:
    rows = [
        [score.exercise, found.kind, _code(found.change), _code(found.probe), _code(found.difference)]
        for score in scores
        for found in score.survivors
    ]
    return _table(["exercise", "kind", "change", "probe", "difference"], rows)


def _code(text: str) -> str:
    """Text in a cell of a table, where signs mean what they are."""
    one_line = re.sub(r"\s*\n\s*", " → ", text).replace("|", "\\|")
    return f"`{one_line}`" if "`" not in one_line else one_line


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
        rows.append([code, question.en, ", ".join(answering)])
    return _table(["code", "question", "exercises"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
