"""The answer key: one exercise compiled into data, from which everybody grades who has no author's file at hand.

A question is a call with its right answer. A known mistake is a variant of the reference, and what it would answer; an
answer of its is made when it is first looked at, unless the key was built ahead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grader.authoring.cases import Family
from grader.authoring.mistakes import Variant
from grader.course.reasons import OF_THE_GRADER
from grader.course.trusted import CodeError, run_call, scope_of, summed_up
from grader.text import Text
from grader.wire.calls import Call, Outcome


@dataclass(frozen=True)
class Question:
    """One call of the learner's code, why it is made, and what is right; as `grader.authoring.Case` describes it."""

    reason: str
    family: Family
    call: Call
    right: Outcome
    tolerance: float | None = None
    max_elements: int | None = None
    raises: str | None = None
    fault: str = ""
    """The text of a function that says what is wrong with an answer, and what it uses: the function comes last."""
    summary: str = ""
    """The text of a function that says what of an answer is judged, and what it uses: the function comes last."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """Of the tensors in an answer, where there is a summary."""
    public: bool = False
    zh: str = ""
    """The reason in Chinese."""
    essential: bool = False
    weight: float = 1.0
    needs_the_rest: bool = False
    """Whether it counts only where all others are answered rightly."""
    base: int | None = None
    """The number of the author's question that this one, which the grader derived from it, asks again."""

    @property
    def title(self) -> Text:
        """The reason, in the languages that it is there in."""
        return Text(self.reason, self.zh or OF_THE_GRADER.get(self.reason, self.reason))

    @property
    def is_plain(self) -> bool:
        """True where the answer to an author's question is compared with the right one."""
        return not self.fault and self.raises is None and self.base is None

    @property
    def is_direct(self) -> bool:
        """True where what the target itself returns is judged."""
        return self.call.probe is None and not self.summary

    def summed_up(self, outcome: Outcome) -> Outcome:
        """What of an outcome is judged."""
        return summed_up(outcome, self.summary, self.call, self.shapes)


class Predicted(Sequence[Outcome]):
    """What a known mistake answers to each question, made one by one, each when first looked at.

    Args:
        questions: what is asked.
        text: the mistake's code.
        made: answers that are known already, by the number of their question.
    """

    def __init__(self, questions: Sequence[Question], text: str, made: dict[int, Outcome] | None = None) -> None:
        self._questions, self.text = questions, text
        self.made: dict[int, Outcome] = {} if made is None else made
        self._scope: dict[str, Any] | None = None
        self.is_new = False
        """True where answers were made since: they are worth keeping."""

    def __len__(self) -> int:
        return len(self._questions)

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < len(self._questions):
            raise IndexError(i)
        if i not in self.made:
            if self._scope is None:
                self._scope = scope_of(self.text)
            question = self._questions[i]
            self.made[i] = question.summed_up(run_call(question.call, self._scope))
            self.is_new = True
        return self.made[i]


@dataclass(frozen=True)
class KnownMistake:
    """One way to make a known mistake."""

    slug: str
    family: Family
    text: Text
    variant: Variant | None
    """None where only its answers are known."""
    predicted: Sequence[Outcome]


@dataclass(frozen=True, eq=False)
class AnswerKey:
    """All that judging an exercise takes.

    Args:
        exercise: its id.
        points: what full marks are.
        targets, outputs, forbidden, forbidden_imports: as `grader.authoring.Exercise` has them.
        questions: in the order of the cases.
        mistakes: one for each way to make a mistake, the likelier of two look-alikes first.
        reference: the code that mistakes are variants of; empty in the public part.
        stub: the code cells as handed out.
        left_out: texts of the code cells that only show something; a submission's copy of one need not be run.
        device: where submissions run.
    """

    exercise: str
    points: float
    targets: tuple[str, ...]
    outputs: tuple[str, ...]
    forbidden: tuple[str, ...]
    forbidden_imports: tuple[str, ...]
    questions: tuple[Question, ...]
    mistakes: Sequence[KnownMistake]
    reference: str = ""
    stub: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    device: str = "cpu"
    stamp: str = ""
    """The digest of what it was made of; empty where it is kept nowhere."""
    _combined: dict[tuple[int, int], Predicted | None] = field(default_factory=dict, repr=False)

    @property
    def calls(self) -> list[Call]:
        """One call a question."""
        return [question.call for question in self.questions]

    def summed_up(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What of the outcomes of all calls is judged."""
        return [asked.summed_up(outcome) for asked, outcome in zip(self.questions, outcomes, strict=True)]

    def combined(self, first: int, second: int, chosen: Collection[int]) -> dict[int, Outcome]:
        """What two mistakes, by number, answer together to some questions; nothing where they cannot be combined."""
        if (first, second) not in self._combined:
            self._combined[first, second] = self._both(first, second)
        both = self._combined[first, second]
        try:
            return {} if both is None else {i: both[i] for i in chosen}
        except CodeError:  # the two make no code together
            self._combined[first, second] = None
            return {}

    def _both(self, first: int, second: int) -> Predicted | None:
        one, other = self.mistakes[first].variant, self.mistakes[second].variant
        if one is None or other is None:
            return None
        # Only the answers are looked at: what watches how they are made is left out, and takes most of the time.
        plain = [
            replace(question, call=replace(question.call, gradients=False, twice=False, measure=False, watched=()))
            for question in self.questions
        ]
        try:
            return Predicted(plain, other.apply(one.apply(self.reference, self.targets), self.targets))
        except ValueError:  # the second has nothing left to replace
            return None

    def only(self, targets: Collection[str]) -> AnswerKey:
        """The part that is about some of the targets, for as many points."""
        chosen = [i for i, question in enumerate(self.questions) if question.call.target in targets]
        return replace(self.choosing(chosen), targets=tuple(name for name in self.targets if name in targets))

    def public(self) -> AnswerKey:
        """The part that may be shown: public questions that are answered by comparison, and no fault or mistake."""
        shown = [i for i, question in enumerate(self.questions) if question.public and not question.fault]
        part = self.choosing(shown)
        mistakes = [replace(mistake, variant=None) for mistake in part.mistakes]
        return replace(part, mistakes=mistakes, reference="", stub=(), left_out=frozenset(), stamp="")

    def choosing(self, chosen: Sequence[int]) -> AnswerKey:
        """The part that asks some of the questions, by number; with each derived one, its base."""
        mistakes = [replace(known, predicted=_Chosen(known.predicted, chosen)) for known in self.mistakes]
        places = {i: place for place, i in enumerate(chosen)}
        questions = tuple(
            asked if asked.base is None else replace(asked, base=places[asked.base])
            for asked in (self.questions[i] for i in chosen)
        )
        return replace(self, questions=questions, mistakes=mistakes, _combined={})


class _Chosen(Sequence[Outcome]):
    """Some of a mistake's answers, looked at no earlier than they are asked for."""

    def __init__(self, outcomes: Sequence[Outcome], chosen: Sequence[int]) -> None:
        self._outcomes, self._chosen = outcomes, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, i: Any) -> Any:
        return self._outcomes[self._chosen[i]]
