"""Mistakes in how an answer is made that show by a sign of their own, whatever they were predicted to answer.

An in-place operation changes its input in one call, changes nothing in another, and raises where gradients are asked
for: no prediction is like all of that. But what was changed was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from grader.course.key import AnswerKey, KnownMistake
from grader.values.compare import worst
from grader.verdict.effects import Place
from grader.verdict.evidence import Problem
from grader.wire.calls import Outcome

SAME = 1e-6
"""So little apart, two answers are one."""
_LEAF_CHANGED = "a leaf Variable that requires grad is being used in an in-place operation"


def _changes_inputs(problem: Problem, got: Outcome) -> bool:
    return problem.facet == "changed" or (got.raised is not None and _LEAF_CHANGED in got.raised.message)


def _calls_the_library(problem: Problem, got: Outcome) -> bool:
    return problem.facet == "forbidden"


def _returns_float32(problem: Problem, got: Outcome) -> bool:
    return problem.facet == "dtype" and all(name.startswith("float32 instead of ") for name in problem.names)


def _detaches_everything(problem: Problem, got: Outcome) -> bool:
    nothing = bool(got.gradients) and all(gradient is None for gradient in (got.gradients or {}).values())
    return problem.facet == "gradient" and nothing and not got.gradient_error


def gives_an_earlier_answer(problem: Problem, got: Outcome) -> bool:
    """Whether the answer to a call with other numbers is that of the call before it."""
    if problem.path[:1] != ("then",) or not isinstance(got.value, dict) or not {"first", "then"} <= got.value.keys():
        return False
    return worst(got.value["then"], got.value["first"]) < SAME


def _drops_no_more(problem: Problem, got: Outcome) -> bool:
    return problem.path == ("after evaluation",) and got.value.get("at first") is True


def _drops_with_gradients_only(problem: Problem, got: Outcome) -> bool:
    return problem.path == ("without gradients",) and got.value.get("after evaluation") is True


_SIGNS: dict[str, Callable[[Problem, Outcome], bool]] = {
    "kept-answer": gives_an_earlier_answer,
    "inputs-changed": _changes_inputs,
    "library-called": _calls_the_library,
    "returns-float32": _returns_float32,
    "result-detached": _detaches_everything,
    "mode-kept": _drops_no_more,
    "mode-from-gradients": _drops_with_gradients_only,
}


def shown_by_a_sign(
    key: AnswerKey, outcomes: Sequence[Outcome], left: Mapping[Place, Problem]
) -> list[tuple[KnownMistake, set[Place]]]:
    """The mistakes that what is left unexplained is a sign of, each with what it explains."""
    found = []
    for slug, is_sign in _SIGNS.items():
        known = next((known for known in key.mistakes if known.slug == slug), None)
        places = {place for place, problem in left.items() if is_sign(problem, outcomes[problem.case])}
        if known is not None and places:
            found.append((known, places))
            if slug == "kept-answer":
                break  # of what is kept from an earlier call, its dtype is, too
    return found
