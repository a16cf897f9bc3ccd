"""What is said in one language is said in the other, and every template gets what it asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from string import Formatter

import pytest
from helpers import EXERCISE, ROOT

from grader.authoring.inputs import Inputs
from grader.course.authored import GRADING, load_grading
from grader.course.course import find_course
from grader.course.reasons import FILE, OF_THE_GRADER, read_reasons
from grader.report.model import Report
from grader.report.render import as_text
from grader.session import Session
from grader.text import Text
from grader.verdict import messages

COURSE = find_course(ROOT)
TEMPLATES = {name: value for name, value in vars(messages).items() if isinstance(value, Text)}


def placeholders(template: str) -> list[tuple[str, str | None]]:
    """The names that a template asks for, each with how it is written."""
    return sorted((name, how) for _, name, how, _ in Formatter().parse(template) if name is not None)


def names_in(text: Text) -> list[str]:
    return sorted({name for name, _ in placeholders(text.en)})


def uses() -> Iterator[tuple[str, list[str]]]:
    """Every template that the grader says, by name, and what it is filled with.

    That the sentence of a detector gets what it asks for, `test_detectors` holds.
    """
    for path in sorted((ROOT / "grader").rglob("*.py")):
        filled: set[ast.expr] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Attribute(ast.Name("messages"), name) as template, "format")):
                    filled.add(template)
                    yield name, sorted(str(keyword.arg) for keyword in node.keywords)
                case ast.Call(ast.Name("Detector"), [*_, ast.Attribute(ast.Name("messages"), name) as template]):
                    filled.add(template)
                    yield name, names_in(TEMPLATES[name])
                case ast.Attribute(ast.Name("messages"), name) if node not in filled:
                    yield name, []


@pytest.mark.parametrize("name", TEMPLATES)
def test_both_languages_ask_for_the_same(name: str) -> None:
    assert placeholders(TEMPLATES[name].en) == placeholders(TEMPLATES[name].zh)


@pytest.mark.parametrize(("name", "given"), sorted(uses()))
def test_every_template_gets_what_it_asks_for(name: str, given: list[str]) -> None:
    assert given == names_in(TEMPLATES[name])


def test_every_template_is_said() -> None:
    assert TEMPLATES.keys() == {name for name, _ in uses()}


def test_a_text_within_a_text_is_said_in_each_language() -> None:
    inner = Text("two {words}", "两个词")
    assert Text("{n:.2g}: {what}", "{n:.2g}：{what}").format(n=0.123, what=inner) == (
        "0.12: two {words}",
        "0.12：两个词",
    )


LATIN = re.compile(r"(?<![\w.])[A-Za-z][a-z]+(?:[ ,;:]+[a-z]+){2,}")
"""Three words in a row: dtypes, names and formulas are said alike in both languages, sentences are not."""
QUOTED = re.compile(r"「[^」]*」|`[^`]*`|\([^()]*\)")


@pytest.mark.parametrize("answer", ["q", "(q, q)", "(q.double(), None)", "q @ k", "[]", "torch.zeros(1)", "object()"])
def test_a_report_in_chinese_has_no_sentence_in_latin_letters(grade: Callable[..., Report], answer: str) -> None:
    report = grade(f"import torch\ndef {EXERCISE}(q, k, v, mask=None):\n    return {answer}\n")
    found = [line for line in as_text(report, "zh").splitlines() if LATIN.search(QUOTED.sub("", line))]
    assert not found


def test_every_reason_of_the_grader_is_there_in_chinese(session: Session) -> None:
    questions = session.grader("multi_head_attention").key.questions
    assert {question.reason for question in questions if question.base is not None} <= OF_THE_GRADER.keys()


def test_every_reason_is_there_in_chinese() -> None:
    said = read_reasons(ROOT / "solutions" / FILE)
    reasons = {
        case.reason
        for _, entry in COURSE.course.entries()
        for case in load_grading(COURSE.solution(entry.id) / GRADING).cases(Inputs(entry.id))
    }
    assert reasons - said.keys() == set()
    assert said.keys() - reasons <= OF_THE_GRADER.keys()
    latin = [zh for zh in said.values() if LATIN.search(QUOTED.sub("", zh))]
    assert not latin
