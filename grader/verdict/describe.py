"""Says what is wrong with an answer, and where, to learners."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from grader.course.key import AnswerKey, Question
from grader.text import Text
from grader.values.compare import first_wrong_index
from grader.values.tree import Path, shown
from grader.verdict import messages
from grader.verdict.conduct import gives_an_earlier_answer
from grader.verdict.detectors import observed
from grader.verdict.evidence import Problem
from grader.verdict.happened import missing_library
from grader.verdict.reproduce import argument_names
from grader.wire.calls import Opaque, Outcome, Raised
from grader.wire.ended import Ended

_ENDED = {
    Ended.TIMEOUT: messages.RUNNING_TOOK_LONGER,
    Ended.WAITING: messages.CALL_WAITS,
    Ended.CRASHED: messages.CALL_ENDED_THE_PROCESS,
    Ended.OUT_OF_MEMORY: messages.CALL_USED_TOO_MUCH_MEMORY,
    Ended.NOT_RUN: messages.CALL_NOT_RUN,
}

_DROPS_NOT = {
    "at first": messages.DROPS_NOTHING,
    "after evaluation": messages.DROPS_NOT_AFTER_EVALUATION,
    "without gradients": messages.DROPS_NOT_WITHOUT_GRADIENTS,
}
"""What is wrong where a module should be random in training mode, by when that is looked at."""


def is_unwritten(raised: Raised | None) -> bool:
    """True for what a stub raises; PyTorch's own ``NotImplementedError`` says what is not implemented."""
    return raised is not None and raised.type == "NotImplementedError" and not raised.message


def describe_problem(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Text:
    """One sentence about one problem."""
    target, expected = question.call.target, question.right
    called = argument_names(key, question.call)
    names = ", ".join(_called(name, called) for name in problem.names)
    if question.base is not None and problem.facet not in ("ended", "raised"):
        return _describe_kept(problem, got, expected)
    match problem.facet:
        case "ended":
            return _describe_ended(got)
        case "raised" if question.raises and got.raised is None:
            return messages.SHOULD_RAISE.format(target=target, type=question.raises, reason=question.reason)
        case "raised":
            return _describe_raised(target, got.raised)
        case "structure":
            return _describe_structure(key, problem, got, expected)
        case "shape":
            mine, right = problem.part_of(got.value), problem.part_of(expected.value)
            name = output_name(key, problem.path)
            return messages.WRONG_SHAPE.format(name=name, mine=tuple(mine.shape), right=tuple(right.shape))
        case "value":
            return _describe_value(key, problem, got, expected)
        case "fault":
            assert problem.text is not None
            return problem.text
        case "dtype":
            return messages.WRONG_DTYPE.format(found=names)
        case "gradient":
            return _describe_gradient(problem, got, expected, called)
        case "changed":
            return messages.CHANGES_INPUT.format(names=names)
        case "again":
            return messages.NOT_REPEATABLE
        case "forbidden":
            return messages.FORBIDDEN_CALLED.format(names=names)
        case "largest":
            return messages.TOO_LARGE.format(made=names, most=question.max_elements)
    raise AssertionError(problem.facet)


def _describe_ended(got: Outcome) -> Text:
    if got.ended is Ended.TIMEOUT and got.seconds:
        return messages.CALL_TOOK_LONGER.format(seconds=got.seconds)
    assert got.ended is not None
    return _ENDED[got.ended]


def _describe_raised(target: str, raised: Raised | None) -> Text:
    assert raised is not None
    if is_unwritten(raised):
        return messages.NOT_WRITTEN.format(target=target)
    if raised.is_missing_target:
        return messages.NO_TARGET.format(target=target)
    library = missing_library(raised)
    if library:
        return messages.NO_LIBRARY.format(library=library, target=target)
    said = _short(raised.message)
    if raised.line:
        return messages.TARGET_RAISED_AT.format(target=target, type=raised.type, said=said, line=raised.line)
    return messages.TARGET_RAISED.format(target=target, type=raised.type, said=said)


def _describe_structure(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    try:
        mine, right = problem.part_of(got.value), problem.part_of(expected.value)
    except (LookupError, TypeError):
        mine, right = got.value, expected.value
    wanted = f"({', '.join(key.outputs)})" if not problem.path and len(key.outputs) > 1 else _kind(right)
    return messages.WRONG_STRUCTURE.format(name=output_name(key, problem.path), right=wanted, mine=_kind(mine))


def _describe_value(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    """First wrong place, what is expected and what was got, and what kind of wrong it is when that can be seen."""
    mine, right = problem.part_of(got.value), problem.part_of(expected.value)
    name = output_name(key, problem.path)
    if not isinstance(mine, Tensor) or not isinstance(right, Tensor):
        return messages.WRONG_VALUE.format(place=name, mine=_short(repr(mine)), right=_short(repr(right)))
    index = first_wrong_index(mine, right)
    place = f"{name}[{', '.join(map(str, index))}]"
    my_number, right_number = _numbers(mine[index].item(), right[index].item())
    said = messages.WRONG_VALUE.format(place=place, mine=my_number, right=right_number)
    seen = observed(key, problem, got, expected)
    if seen is None:
        return said
    return messages.TWO_SENTENCES.format(first=said, second=seen.detector.says.format(**seen.found))


def _describe_kept(problem: Problem, got: Outcome, expected: Outcome) -> Text:
    """What is kept from one call to the next, or from one mode to the other."""
    part = str(problem.path[0]) if problem.path else ""
    if part in _DROPS_NOT and isinstance(right := problem.part_of(expected.value), bool):
        return _DROPS_NOT[part] if right else messages.DIFFERS_IN_TRAINING
    if part == "in evaluation after training":
        return messages.OTHERWISE_AFTER_TRAINING
    if gives_an_earlier_answer(problem, got):
        return messages.OF_AN_EARLIER_CALL
    return messages.OTHERWISE_AFTER_ANOTHER_CALL


def _called(name: str, called: Mapping[str, str]) -> str:
    """An argument, or a part of one (``argument 1[0]``), by its own name."""
    argument, bracket, rest = name.partition("[")
    return f"{called.get(argument, argument)}{bracket}{rest}"


def _describe_gradient(problem: Problem, got: Outcome, expected: Outcome, called: Mapping[str, str]) -> Text:
    if got.gradient_error:
        return messages.BACKPROPAGATION_FAILS.format(said=_short(got.gradient_error))
    name = problem.names[0]
    mine, right = (got.gradients or {}).get(name), (expected.gradients or {}).get(name)
    name = _called(name, called)
    if mine is None:
        return messages.NO_GRADIENT.format(name=name)
    if bool(mine.isnan().any()):
        return messages.GRADIENT_IS_NAN.format(name=name)
    if right is None:
        return messages.WRONG_GRADIENT.format(name=name)
    my_norm, right_norm = _number(mine.norm().item()), _number(right.norm().item())
    return messages.WRONG_GRADIENT_OF_NORM.format(name=name, mine=my_norm, right=right_norm)


def output_name(key: AnswerKey, path: Path) -> str:
    """A part of an answer by the name that the exercise gives it."""
    if path and isinstance(path[0], int) and 1 < len(key.outputs) > path[0]:
        return key.outputs[path[0]] + shown(path[1:])
    return f"result{shown(path)}" if path or len(key.outputs) != 1 else key.outputs[0]


def _kind(value: Any) -> str:
    if isinstance(value, Opaque):
        return value.what
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "None" if value is None else f"of type {type(value).__name__}"


def _numbers(mine: float | int | bool, right: float | int | bool) -> tuple[str, str]:
    """Two numbers that differ, with as many digits as it takes to see that they do."""
    for digits in range(4, 18):
        shown = _number(mine, digits), _number(right, digits)
        if shown[0] != shown[1]:
            break
    return shown


def _number(value: float | int | bool, digits: int = 4) -> str:
    if isinstance(value, bool):
        return str(value)
    return f"{value:.{digits}g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:157]}..."
