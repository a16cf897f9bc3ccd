"""Questions that the grader asks of every exercise, made of those of its author.

Each asks one of the author's again, its base, in circumstances that a right answer stands without having thought of
them: among other calls, in other sizes, with large numbers. It has no check of its own, and counts only if the base
alone is answered rightly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.course.derived import circumstances, device, modules, state
from grader.course.derived.asking import Reference
from grader.course.key import Question


def derived(questions: Sequence[Question], classes: Mapping[str, type], reference: Reference) -> Iterator[Question]:
    """The questions that follow from an exercise's own.

    Args:
        questions: its own.
        classes: the reference's classes for targets that are modules.
        reference: answers what is asked.
    """
    for target in dict.fromkeys(question.call.target for question in questions):
        bases = [i for i, question in enumerate(questions) if question.call.target == target and _can_be_base(question)]
        if not bases:
            continue
        yield from state.asked(questions, bases, classes.get(target), reference)
        yield from circumstances.asked(questions, bases, reference)
        yield from device.asked(questions, bases, reference)
        if target in classes:
            yield from modules.asked(questions, bases[0], classes[target], reference)


def _can_be_base(question: Question) -> bool:
    call = question.call
    plain = question.is_plain and question.is_direct and question.right.raised is None
    return plain and not call.train and call.dtype == "float32"
