"""Sentences about what was observed, for learners: what is wrong, where, and what it looks like."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from grader.authoring.cases import Family
from grader.course.key import AnswerKey, Question
from grader.text import Text
from grader.values.compare import first_wrong_index
from grader.values.tree import Path, at, shown
from grader.verdict.evidence import Problem
from grader.verdict.happened import missing_library
from grader.wire.calls import Opaque, Outcome, Raised
from grader.wire.ended import Ended

_SHAPE_ERRORS = (
    "must match the size",
    "mat1 and mat2",
    "shapes cannot be multiplied",
    "Expected size",
    "is invalid for input",
    "size mismatch",
    "The expanded size",
    "must match except",
    "Sizes of tensors",
    "broadcast",
    "split_with_sizes",
    "does not broadcast",
    "batch1",
    "inconsistent tensor size",
    "number of dimensions",
    "dims",
    "not broadcastable",
    "dimension",
    "Dimension",
    "doesn't match",
    "output with shape",
    "channels, but got",
)
_DTYPE_ERRORS = ("expected scalar type", "same dtype", "to have the same dtype", "but got Float", "but found Float")


def is_unwritten(raised: Raised | None) -> bool:
    """True for what a stub raises; PyTorch's own ``NotImplementedError`` says what is not implemented."""
    return raised is not None and raised.type == "NotImplementedError" and not raised.message


def describe_raised(target: str, raised: Raised | None) -> Text:
    """One sentence about an exception of the learner's code."""
    assert raised is not None
    if is_unwritten(raised):
        return Text(f"`{target}` is not written yet.", f"`{target}` 还没有写。")
    if raised.is_missing_target:
        return Text(
            f"There is no `{target}` in the submission; keep the name that the notebook gives.",
            f"提交中没有 `{target}`；请保留笔记本里给出的名字。",
        )
    library = missing_library(raised)
    if library:
        return Text(
            f"There is no `{library}` here, and `{target}` needs it: write that step with PyTorch.",
            f"这里没有 `{library}`，而 `{target}` 需要它：请用 PyTorch 写出这一步。",
        )
    at = f" (line {raised.line})" if raised.line else ""
    zh_at = f"（第 {raised.line} 行）" if raised.line else ""
    said = _short(raised.message)
    return Text(f"`{target}` raised {raised.type}: {said}{at}", f"`{target}` 抛出了 {raised.type}：{said}{zh_at}")


def family_of_raised(raised: Raised, question: Question) -> Family:
    """The family that an exception points to."""
    if raised.type in ("RuntimeError", "ValueError", "IndexError", "AssertionError", "EinopsError"):
        if any(hint in raised.message for hint in _DTYPE_ERRORS):
            return "dtype"
        if "state_dict" in raised.message:
            return "state"
        if question.family != "numerics":
            return question.family
        if any(hint in raised.message for hint in _SHAPE_ERRORS):
            return "shape"
        if "modified by an inplace operation" in raised.message or "in-place" in raised.message:
            return "state"
    if raised.type in ("OverflowError", "ZeroDivisionError", "FloatingPointError"):
        return "numerics"
    return "interface"


def describe_problem(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Text:
    """One sentence about one problem."""
    target, expected = question.call.target, question.right
    match problem.facet:
        case "ended":
            return _describe_ended(got)
        case "raised" if question.raises and got.raised is None:
            return Text(
                f"`{target}` should raise {question.raises} here ({question.reason}), and does not.",
                f"`{target}` 在这里（{question.reason}）应当抛出 {question.raises}，但没有。",
            )
        case "raised":
            return describe_raised(target, got.raised)
        case "structure":
            return _describe_structure(key, problem, got, expected)
        case "shape":
            name = _output_name(key, problem.where.path if problem.where else ())
            mine, right = _at(got.value, problem), _at(expected.value, problem)
            return Text(
                f"{name} has shape {tuple(mine.shape)}; {tuple(right.shape)} is asked for.",
                f"{name} 的形状是 {tuple(mine.shape)}，要求的是 {tuple(right.shape)}。",
            )
        case "value":
            return describe_value(key, problem, got, expected)
        case "judged":
            assert problem.text is not None
            return problem.text
        case "dtype":
            listed = ", ".join(problem.names)
            return Text(
                f"The result is {listed}: outputs keep the inputs' dtype and device.",
                f"结果是 {listed}：输出应保持输入的 dtype 和设备。",
            )
        case "gradient":
            return _describe_gradient(problem, got, expected)
        case "changed":
            listed = ", ".join(problem.names)
            return Text(
                f"The call changes its input in place ({listed}); work on a copy.",
                f"调用原地修改了输入（{listed}）；请在副本上操作。",
            )
        case "again":
            return Text(
                "The same input gives another output the second time.", "同样的输入第二次调用得到了不同的输出。"
            )
        case "forbidden":
            listed = ", ".join(problem.names)
            return Text(
                f"{listed} is called: this exercise asks you to write that operation yourself.",
                f"调用了 {listed}：本题要求自己实现这个操作。",
            )
        case "largest":
            made, most = problem.names[0], question.max_elements
            return Text(
                f"A tensor of {made} elements is made on the way; at most {most} are allowed.",
                f"中间产生了一个含 {made} 个元素的张量；最多允许 {most} 个。",
            )
    raise AssertionError(problem.facet)


def describe_value(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    """First wrong place, what is expected and what was got, and what kind of wrong it is when that can be seen."""
    mine, right = _at(got.value, problem), _at(expected.value, problem)
    name = _output_name(key, problem.where.path if problem.where else ())
    if isinstance(mine, Tensor) and isinstance(right, Tensor):
        index = first_wrong_index(mine, right)
        place = f"{name}[{', '.join(map(str, index))}]"
        e, g = right[index].item(), mine[index].item()
        hint = _observed(key, problem, got, expected)[1]
        mine_shown, right_shown = _numbers(g, e)
        return Text(
            f"{place} is {mine_shown} where {right_shown} is expected.{hint.en}",
            f"{place} 是 {mine_shown}，应为 {right_shown}。{hint.zh}",
        )
    return Text(
        f"{name} is {_short(repr(mine))} where {_short(repr(right))} is expected.",
        f"{name} 是 {_short(repr(mine))}，应为 {_short(repr(right))}。",
    )


def family_of_value(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Family:
    """The family that wrong numbers point to: that of the case, or for a plain case what can be seen in them."""
    if question.family not in ("numerics", "interface"):
        return question.family
    return _observed(key, problem, got, question.right)[0] or question.family


def _observed(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> tuple[Family | None, Text]:
    # Weights tell more than what is made with them: look there first, wherever they stand.
    weights = [(mine, right) for name, mine, right in _outputs(key, got.value, expected.value) if name == "weights"]
    pairs = [*weights, (_at(got.value, problem), _at(expected.value, problem))]
    for i, (mine, right) in enumerate(pairs):
        if isinstance(mine, Tensor) and isinstance(right, Tensor):
            family, text = _observation(mine, right, weights=i < len(weights))
            if family is not None:
                return family, text
    return None, Text("", "")


def _observation(mine: Tensor, right: Tensor, weights: bool) -> tuple[Family | None, Text]:
    nothing = Text("", "")
    if mine.shape != right.shape or mine.numel() == 0 or not right.is_floating_point():
        return None, nothing
    a, b = mine.to(torch.float64), right.to(torch.float64)
    if bool(a.isnan().any()):
        share = int(a.isnan().sum())
        return "numerics", Text(
            f" {share} of {a.numel()} entries are NaN.", f" {a.numel()} 个元素中有 {share} 个是 NaN。"
        )
    if weights and a.dim() >= 2:
        leak = (b == 0) & (a.abs() > 1e-6)
        if bool(leak.any()) and bool((b != 0).any()):
            where = tuple(int(i) for i in leak.nonzero()[0])
            return "masking", Text(
                f" Query {where[-2]} attends to key {where[-1]}, which it may not see.",
                f" 查询 {where[-2]} 关注到了它不该看到的键 {where[-1]}。",
            )
        rows, columns = a.sum(-1), a.sum(-2)
        allowed = b.sum(-1)
        off = (rows - allowed).abs().flatten()
        if float(off.max()) > 2e-4:
            if torch.allclose(columns, torch.ones_like(columns), atol=1e-3):
                return "normalization", Text(
                    " Columns sum to 1 and rows do not: the softmax runs over the queries.",
                    " 列之和为 1 而行之和不是：softmax 沿查询方向做了。",
                )
            worst = float(rows.flatten()[off.argmax()])
            return "normalization", Text(
                f" Rows do not sum to 1 (one of them to {worst:.4g}).", f" 各行之和不为 1（其中一行为 {worst:.4g}）。"
            )
        factor = _temperature(a, b)
        if factor is not None:
            return "scaling", Text(
                f" The weights are those of scores multiplied by {factor:.4g}.",
                f" 权重相当于把打分乘以 {factor:.4g} 之后得到的。",
            )
    usable = b.abs() > 1e-3 * float(b.abs().max())
    if bool(usable.any()) and usable.sum() > 1:
        ratio = a[usable] / b[usable]
        mean, spread = float(ratio.mean()), float(ratio.std())
        # Rounding and small constants also come out as nearly the same factor everywhere, close to 1.
        if spread < 1e-3 * abs(mean) and abs(mean) > 1e-6 and abs(mean - 1) > max(1e-2, 10 * spread):
            return "scaling", Text(
                f" Every entry is {mean:.4g} times what it should be.", f" 每个元素都是应有值的 {mean:.4g} 倍。"
            )
    return None, nothing


def _temperature(a: Tensor, b: Tensor) -> float | None:
    """The c for which a = softmax(c · scores) where b = softmax(scores), if there is one."""
    inside = (a > 1e-9) & (b > 1e-9)
    if not bool(inside.all()) or a.shape[-1] < 3:
        return None
    x = b.log() - b.log().mean(-1, keepdim=True)
    y = a.log() - a.log().mean(-1, keepdim=True)
    c = float((x * y).sum() / (x * x).sum().clamp_min(1e-12))
    fits = float((y - c * x).abs().max()) < 1e-2 * max(float(y.abs().max()), 1e-6)
    return c if fits and abs(c - 1) > 1e-3 else None


def _describe_ended(got: Outcome) -> Text:
    if got.ended is Ended.TIMEOUT and got.seconds:
        return Text(
            f"The call took longer than {got.seconds:g} s of computing, and was stopped.",
            f"调用的计算时间超过了 {got.seconds:g} 秒，已被中止。",
        )
    assert got.ended is not None
    return {
        Ended.TIMEOUT: Text(
            "Running the submission took longer than it may, and was stopped.",
            "运行这份提交的时间超过了上限，已被中止。",
        ),
        Ended.WAITING: Text(
            "The call waits for something that does not come, and was stopped.",
            "调用一直在等待不会到来的东西，已被中止。",
        ),
        Ended.CRASHED: Text(
            "The call ended the process (an exit, a signal, or a crash).", "调用结束了整个进程（退出、信号或崩溃）。"
        ),
        Ended.OUT_OF_MEMORY: Text("The call used more memory than is allowed.", "调用使用的内存超过了上限。"),
        Ended.NOT_RUN: Text(
            "Not run: too many calls before this one had already hung or crashed.",
            "未运行：之前已有太多调用超时或崩溃。",
        ),
    }[got.ended]


def _describe_structure(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Text:
    path = problem.where.path if problem.where else ()
    try:
        mine, right = _at(got.value, problem), _at(expected.value, problem)
    except (LookupError, TypeError):
        mine, right = got.value, expected.value
    name = _output_name(key, path)
    wanted = f"({', '.join(key.outputs)})" if not path and len(key.outputs) > 1 else _kind(right)
    return Text(f"{name} should be {wanted}; it is {_kind(mine)}.", f"{name} 应当是 {wanted}，实际是 {_kind(mine)}。")


def _describe_gradient(problem: Problem, got: Outcome, expected: Outcome) -> Text:
    if got.gradient_error:
        said = _short(got.gradient_error)
        return Text(f"Backpropagation fails: {said}", f"反向传播失败：{said}")
    name = problem.names[0]
    found, right = (got.gradients or {}).get(name), (expected.gradients or {}).get(name)
    if found is None:
        return Text(
            f"No gradient reaches {name}: something on the way is detached.",
            f"没有梯度到达 {name}：中间有一步被 detach 了。",
        )
    if bool(found.isnan().any()):
        return Text(f"The gradient of {name} contains NaN.", f"{name} 的梯度含有 NaN。")
    gap = "" if right is None else f" (norm {_number(found.norm().item())}, expected {_number(right.norm().item())})"
    return Text(f"The gradient of {name} is wrong{gap}.", f"{name} 的梯度不对{gap}。")


def _outputs(key: AnswerKey, mine: Any, right: Any) -> list[tuple[str, Any, Any]]:
    if len(key.outputs) == 1:
        return [(key.outputs[0], mine, right)]
    if isinstance(mine, tuple) and isinstance(right, tuple) and len(mine) == len(right) == len(key.outputs):
        return list(zip(key.outputs, mine, right, strict=True))
    return []


def _output_name(key: AnswerKey, path: Path) -> str:
    if path and isinstance(path[0], int) and 1 < len(key.outputs) > path[0]:
        return key.outputs[path[0]] + shown(path[1:])
    return f"result{shown(path)}" if path or len(key.outputs) != 1 else key.outputs[0]


def _at(value: Any, problem: Problem) -> Any:
    """The part of a result that a problem is about."""
    return at(value, problem.where.path if problem.where else ())


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
