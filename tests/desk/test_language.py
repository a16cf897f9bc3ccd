"""One place decides which language is spoken."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.desk.language import spoken
from grader.desk.workspace import STATE, Workspace
from grader.submission.names import HIDDEN

ENGLISH = {"LC_ALL": "en_GB.UTF-8"}


@pytest.mark.parametrize(
    ("asked", "variables", "expected"),
    [
        (None, {}, "en"),
        (None, ENGLISH, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LC_MESSAGES": "zh_TW"}, "zh"),
        (None, ENGLISH | {"ATTN_LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"ATTN_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"ATTN_LANG": "fr", "LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", ENGLISH | {"ATTN_LANG": "en"}, "zh"),
        ("en", {"ATTN_LANG": "zh"}, "en"),
    ],
)
def test_what_is_asked_for_comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str | None, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ATTN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("locale.getlocale", lambda: (None, None))
    assert spoken(asked) == expected


def test_a_chinese_workspace_is_spoken_to_in_chinese(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / HIDDEN).mkdir()
    (tmp_path / HIDDEN / STATE).write_text(Workspace(tmp_path, "zh").as_json(), encoding="utf-8")
    (tmp_path / "01-foundations").mkdir()
    monkeypatch.chdir(tmp_path / "01-foundations")
    assert spoken() == "zh"
    monkeypatch.setenv("ATTN_LANG", "en")
    assert spoken() == "en"


def test_windows_has_no_such_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: ("Chinese (Simplified)_China", "936"))
    assert spoken() == "zh"
