"""Grades mutants of an exercise's reference, and tells those that survive from those that are no mistakes at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from grader.course.key import AnswerKey, Question
from grader.grade import Attempt, Grader
from grader.proof.mutants.conduct import behavioural
from grader.proof.mutants.mutant import Mutant, sampled, unlike
from grader.proof.mutants.probes import probes
from grader.proof.mutants.second import exchanged, occasional
from grader.proof.mutants.syntax import syntactic
from grader.runner.runner import PackedCalls, Run, Runner
from grader.submission.reader import Submission
from grader.values.compare import differences
from grader.verdict.checks import score_checks
from grader.verdict.evidence import Problem, problems_of
from grader.verdict.judge import problems_in, rule_breaches
from grader.wire.calls import Outcome

PART = 30
"""Probes that are asked first: they mostly suffice to tell a mistake."""
MOST = 60
"""Mutants of an exercise that are graded, of each generator, unless all are wanted."""


@dataclass(frozen=True)
class Survivor:
    """A mutant with full marks that answers otherwise than the reference.

    Args:
        kind: of mutant.
        change: what was changed.
        probe: a question that shows the difference.
        difference: what it is.
        of: how many probes show one, and of how many.
    """

    kind: str
    change: str
    probe: str
    difference: str
    of: tuple[int, int]


@dataclass
class Score:
    """What became of the mutants that one generator made of an exercise."""

    exercise: str
    generator: str
    killed: int = 0
    equivalent: list[str] = field(default_factory=list)
    """What was changed in those that no probe tells from the reference."""
    survivors: list[Survivor] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + len(self.equivalent) + len(self.survivors)

    @property
    def score(self) -> float:
        """The share of those that are not equivalent which were killed."""
        wrong = self.killed + len(self.survivors)
        return self.killed / wrong if wrong else 1.0


def total(scores: Sequence[Score]) -> list[Score]:
    """The sums over all exercises, by generator."""
    sums: dict[str, Score] = {}
    for score in scores:
        so_far = sums.setdefault(score.generator, Score("all", score.generator))
        so_far.killed += score.killed
        so_far.equivalent += score.equivalent
        so_far.survivors += score.survivors
    return list(sums.values())


def generated(key: AnswerKey) -> dict[str, list[Mutant]]:
    """All mutants of a reference, by generator."""
    reference, targets = key.reference, key.targets
    first = [*syntactic(reference), *behavioural(reference, targets)]
    second = [*occasional(reference, targets), *exchanged(reference, key.exercise)]
    return {"first": unlike(reference, first), "second": unlike(reference, second)}


class Trial:
    """The mutants of one reference, to be graded.

    Args:
        key: what the exercise is graded by.
        runner: where mutants run, as submissions do.
        most: mutants of each generator; all where it is None.
    """

    def __init__(self, key: AnswerKey, runner: Runner, most: int | None = MOST) -> None:
        self.key, self.grader = key, Grader(key, runner)
        self.chosen = {
            generator: sampled(mutants, most, f"{generator} {key.exercise}")
            for generator, mutants in generated(key).items()
        }

    @property
    def count(self) -> int:
        """Of mutants that are graded."""
        return sum(map(len, self.chosen.values()))

    def scores(self, workers: int = 1, on_mutant: Callable[[], None] = lambda: None) -> list[Score]:
        """The scores, by generator.

        Args:
            workers: how many mutants are graded at a time.
            on_mutant: called after each.
        """
        assert self.probes is not None  # made here, before threads ask for them
        found = []
        for generator, mutants in self.chosen.items():
            score = Score(self.key.exercise, generator)
            with ThreadPoolExecutor(workers) as pool:
                for mutant, (killed, survivor) in zip(mutants, pool.map(self._of, mutants), strict=True):
                    if killed:
                        score.killed += 1
                    elif survivor is None:
                        score.equivalent.append(mutant.shown(self.key.reference))
                    else:
                        score.survivors.append(survivor)
                    on_mutant()
            found.append(score)
        return found

    def _of(self, mutant: Mutant) -> tuple[bool, Survivor | None]:
        """Whether a mutant loses marks; if not, what is wrong with it, where anything is."""
        attempt = self.grader.look_at(Submission(Path("<mutant>"), (mutant.text,)))
        if not isinstance(attempt, Attempt) or not self._passes(attempt, self.grader.run(attempt)):
            return True, None
        return False, self._survivor(mutant, attempt)

    def _passes(self, attempt: Attempt, run: Run) -> bool:
        outcomes = self.key.summed_up(run.outcomes)
        problems = problems_in(self.key, outcomes)
        if problems:
            return False
        checks = score_checks(self.key, outcomes, problems, rule_breaches(self.key, attempt.cells))
        return all(check.passed for check in checks)

    def _survivor(self, mutant: Mutant, attempt: Attempt) -> Survivor | None:
        for questions, packed in self.probes:
            run = self.grader.runner.run(attempt.cells, self.key.targets, packed)
            asked = enumerate(zip(questions, _summed_up(questions, run.outcomes), strict=True))
            wrong = [
                (question, outcome, found[0])
                for i, (question, outcome) in asked
                if (found := problems_of(i, question, outcome))
            ]
            if wrong:
                question, outcome, problem = max(wrong, key=_size)
                change = mutant.shown(self.key.reference)
                said = _said(question, outcome, problem)
                return Survivor(mutant.kind, change, question.reason, said, (len(wrong), len(questions)))
        return None

    @cached_property
    def probes(self) -> list[tuple[list[Question], PackedCalls]]:
        """In parts, as the first often suffices. Those that the reference does not pass where mutants run are out."""
        asked = probes(self.key)
        right = self.grader.runner.run([self.key.reference], self.key.targets, PackedCalls([q.call for q in asked]))
        answered = zip(asked, _summed_up(asked, right.outcomes), strict=True)
        asked = [question for i, (question, got) in enumerate(answered) if not problems_of(i, question, got)]
        parts = [part for part in (asked[:PART], asked[PART:]) if part]
        return [(part, PackedCalls([question.call for question in part])) for part in parts]


def _summed_up(questions: Sequence[Question], outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [question.summed_up(outcome) for question, outcome in zip(questions, outcomes, strict=True)]


def _size(found: tuple[Question, Outcome, Problem]) -> float:
    problem = found[2]
    return problem.where.deviation if problem.where is not None and problem.facet == "value" else math.inf


def _said(question: Question, outcome: Outcome, problem: Problem) -> str:
    if problem.facet == "raised":
        raised = outcome.raised
        return f"raises {raised.type}: {raised.message}"[:200] if raised else f"does not raise {question.raises}"
    if problem.facet == "value":
        largest = max(found.deviation for found in differences(outcome.value, question.right.value))
        return f"value off by {largest:.2g} of its size"
    return f"{problem.facet}: {', '.join(problem.names)}" if problem.names else problem.facet
