"""Says what is wrong with an answer, and where, to learners."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from grader.course.key import AnswerKey, Question
from grader.text import Text
from grader.values.compare import first_wrong_index
from grader.values.tree import Path, shown
from grader.verdict import messages
from grader.verdict.arrangement import other_order
from grader.verdict.derived import describe_derived
from grader.verdict.detectors import observed
from grader.verdict.evidence import Problem
from grader.verdict.families import is_about_shapes
from grader.verdict.happened import missing_library
from grader.verdict.without import without_effect
from grader.wire.calls import Opaque, Outcome, Raised
from grader.wire.ended import Ended

_ENDED = {
    Ended.TIMEOUT: messages.RUNNING_TOOK_LONGER,
    Ended.WAITING: messages.CALL_WAITS,
    Ended.CRASHED: messages.CALL_ENDED_THE_PROCESS,
    Ended.OUT_OF_MEMORY: messages.CALL_USED_TOO_MUCH_MEMORY,
    Ended.NOT_RUN: messages.CALL_NOT_RUN,
}


_OPAQUE = (
    ("a structure nested too deeply or too large", "嵌套过深或过大的结构"),
    ("an enormous integer", "极大的整数"),
    ("a very long str", "极长的字符串"),
    ("a subclass of Tensor, {}", "Tensor 的子类 {}"),
    ("an object of type {}", "{} 类型的对象"),
    ("a tensor with layout {} on {}", "布局为 {}、在 {} 上的张量"),
    ("a tensor of dtype {}", "dtype 为 {} 的张量"),
    ("a tensor with {} axes", "有 {} 个维度的张量"),
    ("a tensor of shape {}, too large to be compared", "形状为 {}、大到无法比较的张量"),
)
"""What a child says of values that it does not send, and the same in Chinese."""


def is_unwritten(raised: Raised | None) -> bool:
    """True for what a stub raises; PyTorch's own ``NotImplementedError`` says what is not implemented."""
    return raised is not None and raised.type == "NotImplementedError" and not raised.message


def describe_problem(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Text:
    """One sentence about one problem."""
    target, expected = question.call.target, question.right
    names = ", ".join(problem.names)
    if question.base is not None and problem.facet != "ended":
        return describe_derived(key, question, problem, got, describe_problem)
    match problem.facet:
        case "ended":
            return _describe_ended(got)
        case "raised" if question.raises and got.raised is None:
            return messages.SHOULD_RAISE.format(target=target, type=question.raises, reason=question.title)
        case "raised" if question.raises and not is_unwritten(got.raised) and not _is_missing(got.raised):
            assert got.raised is not None
            return messages.RAISES_ANOTHER.format(
                target=target, type=question.raises, reason=question.title, other=got.raised.type
            )
        case "raised" if got.seen:
            return messages.FORBIDDEN_CALLED.format(names=", ".join(got.seen))
        case "raised":
            return _describe_raised(question, got.raised)
        case "structure":
            return _describe_structure(key, problem, got, expected)
        case "shape":
            mine, right = problem.part_of(got.value), problem.part_of(expected.value)
            name = output_name(key, problem.path)
            said = messages.WRONG_SHAPE.format(name=name, mine=tuple(mine.shape), right=tuple(right.shape))
            moved = other_order(mine.to(torch.float64), right.to(torch.float64))
            if moved is None:
                return said
            return messages.TWO_SENTENCES.format(first=said, second=messages.OTHER_ORDER.format(order=moved["order"]))
        case "value":
            return _describe_value(key, problem, got, expected)
        case "fault":
            assert problem.text is not None
            return problem.text
        case "dtype":
            return messages.WRONG_DTYPE.format(found=_listed(map(_dtype, problem.names)))
        case "gradient":
            return _describe_gradient(problem, got, expected)
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


def _is_missing(raised: Raised | None) -> bool:
    return raised is not None and (raised.is_missing_target or missing_library(raised) is not None)


def _describe_raised(question: Question, raised: Raised | None) -> Text:
    assert raised is not None
    target = question.call.target
    if is_unwritten(raised):
        return messages.NOT_WRITTEN.format(target=target)
    if raised.is_missing_target:
        return messages.NO_TARGET.format(target=target)
    library = missing_library(raised)
    if library:
        return messages.NO_LIBRARY.format(library=library, target=target)
    if "state_dict" in raised.message and ("Missing key" in raised.message or "Unexpected key" in raised.message):
        missing, others = (_keys(raised.message, kind) for kind in ("Missing", "Unexpected"))
        return messages.LAYERS_MISSING.format(target=target, missing=missing, others=others)
    said = _short(raised.message)
    if raised.line:
        text = messages.TARGET_RAISED_AT.format(target=target, type=raised.type, said=said, line=raised.line)
    else:
        text = messages.TARGET_RAISED.format(target=target, type=raised.type, said=said)
    shapes = _shapes(question)
    if not shapes or not is_about_shapes(raised):
        return text
    return messages.CALLED_WITH.format(said=text, arguments=shapes)


def _keys(message: str, kind: str) -> Text:
    """The names of layers that PyTorch lists, in code."""
    found = re.search(rf"{kind} key\(s\) in state_dict: ([^\n]*?)\.? *(?:\n|$)", message)
    names = re.findall(r'"([^"]+)"', found[1]) if found else []
    listed = ", ".join(f"`{name}`" for name in names)
    return Text(listed, listed) if listed else messages.NONE_OF_THEM


def _shapes(question: Question) -> str:
    """The tensors of a call by name, each with its shape."""
    call = question.call
    named = {**dict(zip(call.names, call.args, strict=False)), **call.kwargs}
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in named.items() if isinstance(value, Tensor))


def _describe_structure(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    try:
        mine, right = problem.part_of(got.value), problem.part_of(expected.value)
    except (LookupError, TypeError):
        mine, right = got.value, expected.value
    outputs = f"({', '.join(key.outputs)})"
    wanted = Text(outputs, outputs) if not problem.path and len(key.outputs) > 1 else _kind(right)
    return messages.WRONG_STRUCTURE.format(name=output_name(key, problem.path), right=wanted, mine=_kind(mine))


def _describe_value(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    """First wrong place, what is expected and what was got, and what kind of wrong it is when that can be seen."""
    mine, right = problem.part_of(got.value), problem.part_of(expected.value)
    name = output_name(key, problem.path)
    if not isinstance(mine, Tensor) or not isinstance(right, Tensor):
        what = problem.path[-1] if problem.path else None
        if isinstance(mine, str) and isinstance(what, str):  # in the words of a probe
            return messages.WRONG_WORDS.format(place=what, mine=_short(mine), right=_short(str(right)))
        return messages.WRONG_VALUE.format(place=name, mine=_short(repr(mine)), right=_short(repr(right)))
    index = first_wrong_index(mine, right)
    at = f"[{', '.join(map(str, index))}]"
    place = Text(f"{name.en}{at}", f"{name.zh}{at}")
    my_number, right_number = _numbers(mine[index].item(), right[index].item())
    said = messages.WRONG_VALUE.format(place=place, mine=my_number, right=right_number)
    unused = without_effect(key, key.questions[problem.case], got)
    if unused is not None:
        return messages.TWO_SENTENCES.format(first=messages.WITHOUT_EFFECT.format(name=unused), second=said)
    seen = observed(key, problem, got, expected)
    if seen is None:
        return said
    return messages.TWO_SENTENCES.format(first=seen.detector.says.format(**seen.found), second=said)


def _describe_gradient(problem: Problem, got: Outcome, expected: Outcome) -> Text:
    if got.gradient_error:
        return messages.BACKPROPAGATION_FAILS.format(said=_short(got.gradient_error))
    name = problem.names[0]
    mine, right = (got.gradients or {}).get(name), (expected.gradients or {}).get(name)
    if mine is None:
        return messages.NO_GRADIENT.format(name=name)
    if bool(mine.isnan().any()):
        return messages.GRADIENT_IS_NAN.format(name=name)
    if right is None:
        return messages.WRONG_GRADIENT.format(name=name)
    my_norm, right_norm = _number(mine.norm().item()), _number(right.norm().item())
    return messages.WRONG_GRADIENT_OF_NORM.format(name=name, mine=my_norm, right=right_norm)


def output_name(key: AnswerKey, path: Path) -> Text:
    """A part of an answer by the name that the exercise gives it."""
    if path and isinstance(path[0], int) and 1 < len(key.outputs) > path[0]:
        name = key.outputs[path[0]] + shown(path[1:])
    elif path or len(key.outputs) != 1:
        return Text(f"{messages.RESULT.en}{shown(path)}", f"{messages.RESULT.zh}{shown(path)}")
    else:
        name = key.outputs[0]
    return Text(name, name)


def _kind(value: Any) -> Text:
    if isinstance(value, Opaque):
        return _opaque(value.what)
    if isinstance(value, Tensor):
        return messages.A_TENSOR.format(shape=tuple(value.shape))
    if isinstance(value, tuple | list):
        count = len(value)
        is_tuple = isinstance(value, tuple)
        return messages.A_TUPLE.format(count=count) if is_tuple else messages.A_LIST.format(count=count)
    return Text("None", "None") if value is None else messages.OF_TYPE.format(type=type(value).__name__)


def _opaque(what: str) -> Text:
    for en, zh in _OPAQUE:
        found = re.fullmatch(re.escape(en).replace(r"\{\}", "(.*)"), what)
        if found:
            return Text(what, zh.format(*found.groups()))
    return Text(what, what)


def _dtype(name: str) -> Text:
    """One that is wrong: ``float32 instead of float64``, or a device, ``on cuda``."""
    mine, _, right = name.partition(" instead of ")
    if right:
        return messages.INSTEAD_OF.format(mine=mine, right=right)
    return messages.ON_DEVICE.format(device=name.removeprefix("on "))


def _listed(texts: Iterable[Text]) -> Text:
    en, zh = zip(*texts, strict=True)
    return Text(", ".join(en), "、".join(zh))


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
