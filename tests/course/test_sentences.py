"""mistakes.yml: every mistake has its sentence, every sentence its mistake; errors say file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.authoring.mistakes import Mistake, Sentence, known, replace
from grader.course.errors import ExerciseError
from grader.course.sentences import Sentences, read_sentences, with_sentences
from grader.text import Text

GOOD = """\
# Ours.
no-scale:
  family: scaling
  en: Not scaled.
  zh: 没有缩放。
  lecture:
    en: Scale it.

mask-ignored:
  family: masking
  zh: 掩码没有起作用。
"""
GRADING = """\
mistakes = known(
    no_scale=replace("a", "b"),
    mask_ignored=replace("c", "d"),
)
"""
MISTAKES = known(no_scale=replace("a", "b"), mask_ignored=replace("c", "d"))


def read(folder: Path, text: str, name: str = "mistakes.yml") -> Sentences:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_sentences(path)


@pytest.fixture
def grading(tmp_path: Path) -> Path:
    path = tmp_path / "grading.py"
    path.write_text(GRADING, encoding="utf-8")
    return path


def test_where_there_is_no_file_nothing_is_said(tmp_path: Path) -> None:
    assert read_sentences(tmp_path / "mistakes.yml").by_slug == {}


def test_sentences_are_read_with_their_lines(tmp_path: Path) -> None:
    said = read(tmp_path, GOOD)
    assert said.lines == {"no-scale": 2, "mask-ignored": 9}
    first = Sentence("scaling", Text("Not scaled.", "没有缩放。"), Text("Scale it.", "Scale it."))
    assert said.by_slug["no-scale"] == first


def test_what_is_said_in_one_language_is_said_in_both(tmp_path: Path) -> None:
    sentence = read(tmp_path, GOOD).by_slug["mask-ignored"]
    assert sentence.text == Text("掩码没有起作用。", "掩码没有起作用。")
    assert sentence.lecture is None


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("family: scaling", "family: scale", 3, "no-scale: `family`: input should be 'interface', 'shape'"),
        ("  family: scaling\n", "", 2, "no-scale: `family` is missing"),
        ("  zh: 掩码没有起作用。\n", "", 9, "mask-ignored: needs a sentence: `en`, `zh` or both"),
        ("    en: Scale it.\n", "    {}\n", 6, "no-scale: `lecture` needs a sentence"),
        ("  en: Not", "  de: Not", 4, "no-scale: `de` is not a setting of a mistake"),
        (
            "  en: Not scaled.",
            "  en: Not: scaled.",
            4,
            "this is not YAML: mapping values are not allowed in this context",
        ),
        ("  en: Not scaled.", "  en: [Not, scaled]", 4, "no-scale: `en`: input should be a valid string"),
        ("\nmask-ignored:\n", "\nno-scale:\n", 9, "`no-scale` is there twice"),
        ("en: Scale it.", "en: Scale it.\n    en: Do.", 8, "`en` is there twice"),
        ("no-scale:\n", "no_scale:\n", 2, "'no_scale' is no slug; use letters, digits and -"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ExerciseError) as raised:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(raised.value).startswith(f"{tmp_path / 'mistakes.yml'}:{line}: {said}")


@pytest.mark.parametrize("text", ["- no-scale\n", "no-scale: Not scaled.\n", ""])
def test_another_form_is_an_error_and_no_traceback(tmp_path: Path, text: str) -> None:
    with pytest.raises(ExerciseError, match=r"mistakes\.yml:1: "):
        read(tmp_path, text)


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "mistakes.yml"
    path.write_bytes("no-scale: 缩放".encode("gbk"))
    with pytest.raises(ExerciseError, match=r"mistakes\.yml: cannot be read: "):
        read_sentences(path)


def slugs(mistakes: tuple[Mistake, ...]) -> dict[str, str]:
    return {mistake.slug: mistake.sentence.text.en for mistake in mistakes if mistake.sentence}


def test_an_exercise_has_its_own_sentence_or_else_that_of_the_course(tmp_path: Path, grading: Path) -> None:
    own = read(tmp_path, "no-scale: {family: scaling, en: Mine.}\n")
    course = read(tmp_path, GOOD, "course.yml")
    assert slugs(with_sentences(MISTAKES, own, course, grading)) == {
        "no-scale": "Mine.",
        "mask-ignored": "掩码没有起作用。",
    }


def test_a_sentence_that_a_mistake_brings_along_comes_first(tmp_path: Path, grading: Path) -> None:
    """As those of a sibling do, which has read its own file."""
    course = read(tmp_path, GOOD, "course.yml")
    brought = with_sentences(MISTAKES, Sentences.none(), course, grading)
    assert with_sentences(brought, Sentences.none(), Sentences.none(), grading) == brought


def test_a_mistake_of_which_nothing_is_said(tmp_path: Path, grading: Path) -> None:
    own, course = read_sentences(tmp_path / "mistakes.yml"), read_sentences(tmp_path / "course.yml")
    with pytest.raises(ExerciseError) as raised:
        with_sentences(MISTAKES[1:], own, course, grading)
    assert str(raised.value) == (
        f"{grading}:3: nothing is said of the mistake 'mask-ignored'; add it to {own.path}, "
        f"or to {course.path} where other exercises have it, too"
    )


def test_everything_is_said_at_once(tmp_path: Path, grading: Path) -> None:
    own = read(tmp_path, "mask-ignore: {family: masking, en: Misspelt.}\n")
    with pytest.raises(ExerciseError) as raised:
        with_sentences(MISTAKES, own, Sentences.none(), grading)
    places = [line.split(": ")[0] for line in str(raised.value).splitlines()]
    assert places == [f"{grading}:2", f"{grading}:3", f"{own.path}:1"]


def test_a_mistake_whose_line_is_not_found(tmp_path: Path, grading: Path) -> None:
    """Where its name is put together, as in `shared.py`."""
    with pytest.raises(ExerciseError, match=r"grading\.py: nothing is said of the mistake 'made-up'"):
        with_sentences(known(made_up=replace("a", "b")), Sentences.none(), Sentences.none(), grading)


def test_a_sentence_about_no_mistake(tmp_path: Path, grading: Path) -> None:
    own = read(tmp_path, GOOD)
    with pytest.raises(ExerciseError) as raised:
        with_sentences(MISTAKES[:1], own, Sentences.none(), grading)
    assert str(raised.value) == f"{own.path}:9: 'mask-ignored' is no mistake of {grading}; remove it"


def test_the_course_may_say_more_than_an_exercise_needs(tmp_path: Path, grading: Path) -> None:
    course = read(tmp_path, GOOD)
    assert slugs(with_sentences(MISTAKES[:1], Sentences.none(), course, grading)) == {"no-scale": "Not scaled."}
