"""The HTML of reports: whatever stands in one, the page only shows it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from helpers import ROOT

from grader.report.model import Check, Comparison, Diagnosis, Example, Language, Report
from grader.report.render import as_html, as_text
from grader.report.side_by_side import as_lines
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
        "en": ("Note: Cell 2, line 3: ", "All checks: 1 of 2 passed", "besides"),
        "zh": ("说明： 第 2 个单元第 3 行：", "全部检查：通过 1/2", "此外"),
    }[language]
    numerics, shape = {"en": ("numerics", "shape"), "zh": ("数值", "形状")}[language]
    failed, passed = ["✗", SHOWN, numerics, said], ["✓", "right", shape]
    assert page.texts == [f"{SHOWN}: 1/6", said, besides, note + said, title, *failed, *passed]
    assert {name for _, attributes in page.tags for name in attributes} == {"style", "open"}


def test_how_much_is_right_is_seen_at_a_glance() -> None:
    right = replace(REPORT, score=6.0, checks=REPORT.checks[:1], diagnosis=(), notes=())
    for report, colour, width in [
        (right, "#2da44e", 100),
        (REPORT, "#bf8700", 17),
        (replace(REPORT, score=0.0), "#e5484d", 0),
    ]:
        page = Page(as_html(report))
        styles = " ".join(attributes.get("style") or "" for _, attributes in page.tags[:4])
        assert f"solid {colour}" in styles
        assert f"background:{colour};height:6px;border-radius:3px;width:{width}%" in styles
        assert ("open" in dict(page.tags)["details"]) == (report is not right)


COMPARISON = Comparison(
    name="weights[0]",
    kind="weights",
    expected=(("0.40", "0.60"), ("1.00", "0")),
    got=(("0.40", "0.60"), ("0.90", "0.10")),
    wrong=((1, 0), (1, 1)),
    row=2,
    column=5,
    size=(4, 9),
)
EXAMPLE = Example(
    Text(HOSTILE, HOSTILE), Text("`wrong` *here* <b>", "错"), f"call({HOSTILE!r})", COMPARISON, hidden=False
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_example_is_a_picture_that_says_itself_in_words(language: Language) -> None:
    page = Page(as_html(replace(REPORT, example=EXAMPLE), language))
    tags = dict(page.tags)
    assert tags["svg"]["role"] == "img"
    said = {"en": "row 3, the first that is wrong. Expected: 1.00 0. Yours: 0.90 0.10", "zh": "第 3 行"}[language]
    assert said in str(tags["svg"]["aria-label"])
    assert page.texts.count("✗") == 3, "the failed check, and two cells"
    assert page.texts.count("▶ 3") == 2
    assert page.texts.count("0.90") == 1
    assert {"en": "╱ hidden", "zh": "╱ 被屏蔽"}[language] in " ".join(page.texts)
    assert EXAMPLE.code.replace("\x1b", "�").replace("\u202e", "�") in page.texts
    assert not {"script", "b"} & {tag for tag, _ in page.tags}


def test_a_picture_has_the_colours_of_the_theme() -> None:
    page = Page(as_html(replace(REPORT, example=EXAMPLE)))
    assert dict(page.tags)["svg"]["fill"] == "currentColor"
    inks = {attributes.get("fill") for tag, attributes in page.tags if tag == "text"}
    assert inks == {None}, "letters have the colour of the text around them"


def test_marks_in_sentences_are_shown_as_what_they_stand_for() -> None:
    shown = as_html(replace(REPORT, example=replace(EXAMPLE, comparison=None)))
    assert "<code>wrong</code> <em>here</em> &lt;b&gt;" in shown
    assert "2 * 3 * 4" in as_html(replace(REPORT, diagnosis=(Diagnosis("x", "shape", Text("2 * 3 * 4", "")),)))


def test_what_is_hidden_is_shown_to_its_owner_alone() -> None:
    report = replace(REPORT, example=replace(EXAMPLE, hidden=True))
    for show in (as_html, as_text):
        assert "weights[0]" in show(report, own=True)
        assert "weights[0]" not in show(report)
    assert report.to_json()["example"] is None
    assert replace(REPORT, example=EXAMPLE).to_json()["example"]["comparison"]["name"] == "weights[0]"


def test_checks_that_say_the_same_are_one_line() -> None:
    many = tuple(replace(REPORT.checks[1], name=Text(f"case {i}", f"用例 {i}")) for i in range(5))
    text = as_text(replace(REPORT, checks=many)).splitlines()
    assert [line.partition("[")[0] for line in text if "case" in line] == ["    ✗ case 0, case 1 and 3 more "]
    assert "用例 0、用例 1 等 5 项" in as_html(replace(REPORT, checks=many), "zh")


def test_in_text_both_stand_beside_each_other_where_they_fit() -> None:
    lines = as_text(replace(REPORT, example=EXAMPLE)).splitlines()
    assert "    weights[0]   query ↓  key →   (rows 2-3, columns 5-6 of 4×9)" in lines
    assert "      ▶3  1.00     0    ▶3  0.90✗ 0.10✗" in lines
    wide = replace(COMPARISON, expected=(("0.25",) * 10,), got=(("0.50",) * 10,), wrong=((0, 0),))
    assert max(map(len, as_lines(wide, "en"))) < 70


def test_checks_are_not_shown_where_nothing_was_attempted() -> None:
    assert "details" not in dict(Page(as_html(replace(REPORT, status="not_attempted"))).tags)


def test_templates_are_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folder = ROOT / "grader/report"
    installed = {path for pattern in setuptools["package-data"]["grader.report"] for path in folder.glob(pattern)}
    assert set((folder / "templates").iterdir()) == installed
