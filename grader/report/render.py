"""Shows reports to people: as terminal text, and as HTML in a notebook or on a feedback page.

Everything that a submission could have influenced is escaped: control characters for terminals, HTML for pages. What a
page looks like is in `templates/`.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from grader.authoring.cases import Family
from grader.report.model import Check, Example, Language, Report
from grader.report.side_by_side import as_lines, picture
from grader.submission.notes import Note
from grader.text import Text

if TYPE_CHECKING:
    from jinja2 import Template
    from rich.console import Console
    from rich.table import Table

_STATUS = {
    "graded": Text("graded", "已评分"),
    "not_attempted": Text("not attempted", "未作答"),
    "invalid": Text("cannot be graded as it is", "无法评分"),
    "crashed": Text("crashed", "崩溃"),
    "timeout": Text("ran out of time", "超时"),
    "out_of_memory": Text("ran out of memory", "内存不足"),
    "not_graded": Text("not graded: the grader itself failed", "未评分：评分程序自身出错"),
}
FAMILY_NAMES: dict[Family, Text] = {
    "interface": Text("interface", "接口"),
    "shape": Text("shape", "形状"),
    "dtype": Text("dtype", "数据类型"),
    "masking": Text("masking", "掩码"),
    "scaling": Text("scaling", "缩放"),
    "normalization": Text("normalization", "归一化"),
    "numerics": Text("numerics", "数值"),
    "gradient": Text("gradient", "梯度"),
    "state": Text("state", "状态"),
    "rules": Text("rules", "规则"),
    "resources": Text("resources", "资源"),
}
_COLUMNS = {
    "submission": Text("submission", "提交"),
    "exercise": Text("exercise", "习题"),
    "score": Text("score", "得分"),
    "root cause": Text("root cause", "主要原因"),
}
_NOTE = Text("Note:", "说明：")
_ALL_CHECKS = Text("All checks: {passed} of {all} passed", "全部检查：通过 {passed}/{all}")
_AND_MORE = Text("{names} and {more} more", "{names} 等 {all} 项")
_EXAMPLE = Text("A case that fails: {check}", "一个未通过的用例：{check}")
_REPRODUCE = Text("Code that makes this call:", "重现这次调用的代码：")
_NAMED = 2
"""So many checks that all say the same are named."""


def placed(note: Note) -> Text:
    """A note with its place before it: "Cell 1, line 1: there is no matplotlib here"."""
    en = ", ".join(f"{word} {number}" for word, number in (("cell", note.cell), ("line", note.line)) if number)
    zh = (f"第 {note.cell} 个单元" if note.cell else "") + (f"第 {note.line} 行" if note.line else "")
    if not en:
        return note.message
    return Text(f"{en[0].upper()}{en[1:]}: {note.message.en}", f"{zh}：{note.message.zh}")


def plain(text: str) -> str:
    """The text without control and formatting characters, which could fake or hide a part of a report."""
    return "".join("�" if c != "\n" and _hides(c) else c for c in text)


def in_a_line(text: str) -> str:
    """The same on one line: for names of files, which may hold any character."""
    return plain(text).replace("\n", " ")


def escaped_json(text: str) -> str:
    """JSON in which control and formatting characters are written as escapes: it says the same, and looks as it is."""
    return "".join(json.dumps(c)[1:-1] if c != "\n" and _hides(c) else c for c in text)


def _hides(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def headline(report: Report, language: Language = "en") -> str:
    """Score and status in one line."""
    status = "" if report.status == "graded" else f" · {getattr(_STATUS[report.status], language)}"
    return f"{report.exercise}: {_points(report)}{status}"


def _points(report: Report) -> str:
    return f"{'–' if report.score is None else format(report.score, '.4g')}/{report.max_score:g}"


def as_text(report: Report, language: Language = "en", own: bool = False) -> str:
    """The report as plain text: the root cause, what failed because of it, a case to look at, then what was right.

    Args:
        report: what is said.
        language: in which.
        own: it is read by the learner alone, from whom the inputs of hidden cases are no secret.
    """
    report = report if own else report.public
    lines = [headline(report, language)]
    lines += [f"  {'▶' if i == 0 else '·'} {_said(d.message, language)}" for i, d in enumerate(report.diagnosis)]
    lines += [f"  {note}" for note in _notes(report, language)]
    if report.example is not None:
        lines += _example_lines(report, report.example, language)
    if report.status != "not_attempted":
        lines += [_check_line(row) for row in _rows(report, language)]
    return plain("\n".join(lines))


def _says_more(report: Report) -> bool:
    """Whether an example says what the root cause has not said already."""
    return report.example is not None and not report.diagnosis[0].message.en.startswith(report.example.said.en)


def _example_lines(report: Report, example: Example, language: Language) -> list[str]:
    lines = [f"  {_said(_EXAMPLE.format(check=example.check), language)}"]
    if example.comparison is not None:
        lines += [f"    {line}" for line in as_lines(example.comparison, language)]
    elif _says_more(report):
        lines.append(f"    {_said(example.said, language)}")
    if example.code:
        lines += [f"  {_said(_REPRODUCE, language)}", *(f"    {line}".rstrip() for line in example.code.splitlines())]
    return lines


def _notes(report: Report, language: Language) -> list[str]:
    return [f"{_said(_NOTE, language)} {_said(placed(note), language)}" for note in report.notes]


class Row(NamedTuple):
    """A line on a check, or on all those that fail and say the same."""

    passed: bool
    name: str
    family: str
    message: str


def _rows(report: Report, language: Language) -> list[Row]:
    """What failed, then what passed."""
    alike: dict[str, list[Check]] = {}
    for check in report.checks:
        if not check.passed:
            alike.setdefault(check.message.en, []).append(check)
    rows = [_row(checks, language) for checks in alike.values()]
    return rows + [_row([check], language) for check in report.checks if check.passed]


def _row(checks: Sequence[Check], language: Language) -> Row:
    first, families = checks[0], {check.family for check in checks}
    name = _said(first.name, language)
    if len(checks) > 1:
        names = (", " if language == "en" else "、").join(_said(check.name, language) for check in checks[:_NAMED])
        more = len(checks) - _NAMED
        name = _said(_AND_MORE.format(names=names, more=more, all=len(checks)), language) if more > 0 else names
    family = _said(FAMILY_NAMES[first.family], language) if len(families) == 1 else ""
    return Row(first.passed, name, family, "" if first.passed else _said(first.message, language))


def _check_line(row: Row) -> str:
    if row.passed:
        return f"    ✓ {row.name}"
    family = f" [{row.family}]" if row.family else ""
    return f"    ✗ {row.name}{family}: {row.message}"


def _said(text: Text, language: Language) -> str:
    return str(getattr(text, language))


_COLOUR = {"all": "#2da44e", "some": "#bf8700", "none": "#e5484d"}
"""Seen on white and on black."""
_STYLE = {"all": "green", "some": "yellow", "none": "red"}


def _how_much(report: Report) -> str:
    """``all`` of the points, ``some`` of them, or ``none``."""
    if report.passed:
        return "all"
    return "some" if report.score else "none"


def as_html(report: Report, language: Language = "en", own: bool = False) -> str:
    """The report as an HTML fragment, safe to put on any page. The arguments are those of `as_text`."""
    report = report if own else report.public
    example = report.example
    shown = example.comparison if example else None
    passed = sum(check.passed for check in report.checks)
    return _template("report.html").render(
        report=report,
        language=language,
        colour=_COLOUR[_how_much(report)],
        headline=headline(report, language),
        notes=_notes(report, language),
        title=_said(_ALL_CHECKS.format(passed=passed, all=len(report.checks)), language),
        rows=_rows(report, language),
        example_title=_said(_EXAMPLE.format(check=example.check), language) if example else "",
        picture=Markup(picture(shown, language)) if shown else "",
        example_says_more=_says_more(report),
        reproduce=_said(_REPRODUCE, language),
        colours=_COLOUR,
    )


_CODE = re.compile(r"`([^`\n]+)`")
_STRESSED = re.compile(r"(?<![\w*])\*(\w[^*`\n]*)\*(?![\w*])")


def _marked(text: str) -> Markup:
    """A sentence in which what stands between backticks is shown as code, and what stands between stars as stressed."""
    parts = _CODE.split(str(escape(plain(text))))  # every second one is code
    parts[::2] = [_STRESSED.sub(r"<em>\1</em>", part) for part in parts[::2]]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return Markup("".join(parts))


@cache
def _template(name: str) -> Template:
    """A template that escapes whatever is put into it, and takes control characters out."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    return environment.get_template(name)


def summary_table(reports: Iterable[Report], language: Language = "en") -> Table:
    """A class at a glance: one line per submission, with the root cause."""
    from rich.table import Table
    from rich.text import Text as Styled

    reports = list(reports)
    labels = _labels(reports)
    exercises = {report.exercise for report in reports}
    table = Table(title=exercises.pop() if len(exercises) == 1 else None, pad_edge=False)
    columns = (
        ["submission", "score", "root cause"] if not exercises else ["submission", "exercise", "score", "root cause"]
    )
    for column in columns:
        table.add_column(
            _said(_COLUMNS[column], language), overflow="fold", justify="right" if column == "score" else "left"
        )
    for report, label in zip(reports, labels, strict=True):
        cause = _said(report.diagnosis[0].message, language) if report.diagnosis and not report.passed else ""
        if report.status not in ("graded", "not_attempted"):
            cause = f"[{getattr(_STATUS[report.status], language)}] {cause}"
        cells = [
            Styled(in_a_line(label)),
            Styled(report.exercise),
            Styled(_points(report), style=_STYLE[_how_much(report)]),
            Styled(plain(cause)),
        ]
        table.add_row(*(cells if exercises else [cells[0], *cells[2:]]))
    return table


def _labels(reports: Sequence[Report]) -> list[str]:
    """Paths without their common beginning, and without a file name that only repeats the exercise."""
    paths = [PurePath(report.submission) for report in reports]
    common = os.path.commonpath([path.parent for path in paths]) if paths else ""
    labels = []
    for path, report in zip(paths, reports, strict=True):
        short = path.relative_to(common) if common else path
        bare = short.parent if path.stem == report.exercise and short.parent.name else short
        labels.append(str(bare))
    return labels if len(set(labels)) == len(labels) else [str(path) for path in paths]


def print_report(console: Console, report: Report, language: Language = "en", own: bool = False) -> None:
    """One report, in full; the arguments are those of `as_text`."""
    console.print(as_text(report, language, own), markup=False, highlight=False, soft_wrap=True)
