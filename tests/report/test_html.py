"""The HTML of reports: whatever stands in one, the page only shows it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from helpers import ROOT

from grader.report.model import Check, Diagnosis, Language, Report
from grader.report.render import as_html
from grader.submission.notes import Note
from grader.text import Text

HOSTILE = "<script>alert(1)</script>\"' onload='x' &amp; {{ 7 * 7 }} \x1b[2J\u202e"
SHOWN = HOSTILE.replace("\x1b", "�").replace("\u202e", "�")
SAID = Text(f"en {HOSTILE}", f"zh {HOSTILE}")
REPORT = Report(
    exercise=HOSTILE,
    submission=HOSTILE,
    status="graded",
    score=1.0,
    max_score=6.0,
    checks=(
        Check(
            Text("right", "right"),
            "shape",
            passed=True,
            points=1.0,
            max_points=1.0,
            hidden=False,
            message=Text("not said", ""),
        ),
        Check(Text(HOSTILE, HOSTILE), "numerics", passed=False, points=0.0, max_points=5.0, hidden=True, message=SAID),
    ),
    diagnosis=(Diagnosis("unknown", "numerics", SAID), Diagnosis("unknown", "numerics", Text("besides", "此外"))),
    notes=(Note(SAID, cell=2, line=3),),
)


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its pieces of text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_said_is_text_and_in_this_order(language: Language) -> None:
    page = Page(as_html(REPORT, language))
    said = f"{language} {SHOWN}"
    note, title, besides = {
        "en": ("Note: Cell 2, line 3: ", "All checks", "besides"),
        "zh": ("说明： 第 2 个单元第 3 行：", "全部检查", "此外"),
    }[language]
    numerics, shape = {"en": ("numerics", "shape"), "zh": ("数值", "形状")}[language]
    failed, passed = ["✗", SHOWN, numerics, said], ["✓", "right", shape]
    assert page.texts == [f"{SHOWN}: 1/6", said, besides, note + said, title, *failed, *passed]
    assert {name for _, attributes in page.tags for name in attributes} == {"style", "open"}


def test_how_much_is_right_is_seen_at_a_glance() -> None:
    right = replace(REPORT, score=6.0, checks=REPORT.checks[:1], diagnosis=(), notes=())
    for report, colour, width in [
        (right, "#1a7f37", 100),
        (REPORT, "#9a6700", 17),
        (replace(REPORT, score=0.0), "#cf222e", 0),
    ]:
        page = Page(as_html(report))
        styles = " ".join(attributes.get("style") or "" for _, attributes in page.tags[:4])
        assert f"solid {colour}" in styles
        assert f"background:{colour};height:6px;border-radius:3px;width:{width}%" in styles
        assert ("open" in dict(page.tags)["details"]) == (report is not right)


def test_checks_are_not_shown_where_nothing_was_attempted() -> None:
    assert "details" not in dict(Page(as_html(replace(REPORT, status="not_attempted"))).tags)


def test_templates_are_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folder = ROOT / "grader/report"
    installed = {path for pattern in setuptools["package-data"]["grader.report"] for path in folder.glob(pattern)}
    assert set((folder / "templates").iterdir()) == installed
