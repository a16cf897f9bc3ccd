"""A learner's first minutes in a real browser: JupyterLab on a workspace, a mistake, its picture, the right answer.

With ATTN_SCREENSHOTS naming a folder, the pictures of docs/learners.md are written there. Look at them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import BROWSER_MILLISECONDS, chromium, jupyter_server
from helpers import EXERCISES, ROOT

from grader.course.course import LocatedCourse
from grader.course.script import jupytext
from grader.desk.desk import Desk
from grader.desk.progress import Progress
from grader.desk.workspace import Workspace

pytestmark = pytest.mark.slow

RIGHT = """\
def attend(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(k) != len(query) for k in keys):
        raise ValueError("as many keys as values, and as long as the query")
    scores = [scale * sum(a * b for a, b in zip(query, k)) for k in keys]
    exps = [math.exp(score - max(scores)) for score in scores]
    weights = [e / sum(exps) for e in exps]
    return [sum(w * x for w, x in zip(weights, column)) for column in zip(*values)], weights"""
WRONG = RIGHT.replace("[scale * sum(a * b for a, b in zip(query, k))", "[sum(a * b for a, b in zip(query, k)) / scale")
NUMBERS = """\
unscaled_weights, unscaled_output = [0.7311, 0.2689], [1.5379, 2.5379]
scaled_weights, scaled_output = [0.6698, 0.3302], [1.6605, 2.6605]"""

Lab = Callable[..., Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, course: LocatedCourse, made: Path) -> Iterator[Lab]:
    """Opens a page of JupyterLab on workspaces in both languages; one browser and one server for all tests."""
    jupytext()  # imports nbformat, too, without the slow part of it
    from grader.desk.start import fill

    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(made, folder / "en")
    fill(Workspace(folder / "zh", "zh"), course)
    chosen = folder / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    chosen.parent.mkdir(parents=True)
    ours = {"ATTN_DATA": folder / "data", "PYTHONPATH": ROOT, "JUPYTERLAB_SETTINGS_DIR": folder / "settings"}
    kept = {name: os.environ.get(name) for name in ours}
    os.environ |= {name: str(path) for name, path in ours.items()}
    for name in ("en", "zh"):
        Desk(course, folder / name, Progress(folder / "data" / "progress.sqlite3")).keep_page()
    try:
        with chromium() as browser, jupyter_server(folder) as address:

            def opened(path: str, theme: str = "JupyterLab Light") -> Any:
                chosen.write_text(json.dumps({"theme": theme}), encoding="utf-8")
                page = browser.new_page(viewport={"width": 1000, "height": 900})
                page.set_default_timeout(BROWSER_MILLISECONDS)
                page.goto(f"{address}/lab/tree/{path}?reset")
                return page

            yield opened
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def run_all(page: Any) -> None:
    for item in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=item, exact=True).click()


def write(page: Any, marker: str, text: str) -> None:
    """Type over the code cell that has the marker in it."""
    page.locator(".jp-CodeCell").filter(has_text=marker).first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")  # what is typed over a selection would be indented by the editor
    page.keyboard.insert_text(text)


def output_of(page: Any, call: str) -> Any:
    """What the cell with this call shows."""
    return page.locator(".jp-CodeCell").filter(has_text=call).first.locator(".jp-Cell-outputWrapper")


def photographed(shown: Any, name: str) -> None:
    folder = os.environ.get("ATTN_SCREENSHOTS")
    if folder:
        shown.scroll_into_view_if_needed()
        shown.screenshot(path=str(Path(folder) / f"{name}.png"))


def contrast(page: Any) -> float:
    """Between the letters of the picture and the page behind them, from 1 to 21 (WCAG 2)."""
    ink, paper = page.locator("svg[aria-label*='0.']").last.evaluate(
        """picture => {
            const rgb = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
            let behind = picture;
            while (/rgba\\(0, 0, 0, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor)) {
                behind = behind.parentElement;
            }
            const text = picture.querySelector('text');
            return [rgb(getComputedStyle(text).fill), rgb(getComputedStyle(behind).backgroundColor)];
        }"""
    )

    def luminance(rgb: list[float]) -> float:
        linear = [c / 12.92 if (c := part / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for part in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_from_the_start_page_over_a_mistake_to_the_next_exercise(lab: Lab) -> None:
    page = lab("en/00_start.ipynb")
    page.get_by_role("link", name="Attention by hand").first.click()
    page.locator(".jp-CodeCell").filter(has_text="def attend").first.wait_for()
    write(page, "def attend", WRONG)
    write(page, "unscaled_weights", NUMBERS)
    run_all(page)
    report = output_of(page, "check(attend)")
    report.get_by_text("multiplies the scores").or_(report.get_by_text("scale")).first.wait_for()
    picture = report.locator("svg[role=img]")
    picture.wait_for()
    assert "the first that is wrong. Expected: " in picture.get_attribute("aria-label")
    assert contrast(page) > 7
    photographed(report, "mistake-light")
    report.get_by_role("button", name="Hint").click()
    report.get_by_text("1/3").wait_for()
    write(page, "def attend", RIGHT)
    run_all(page)
    passed = output_of(page, 'check("attention_by_hand")')
    passed.get_by_text(f"1 of {len(EXERCISES)} · next: Dot-product attention").wait_for()
    passed.get_by_role("button", name="What is next").click()
    passed.get_by_role("link", name="Dot-product attention").wait_for()
    page.close()


def test_a_chinese_learner_reads_chinese_in_the_dark_theme(lab: Lab) -> None:
    page = lab("zh/00_start.ipynb", "JupyterLab Dark")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    page.get_by_role("paragraph").filter(has_text="打开一道题，写出解答").wait_for()
    page.get_by_role("link", name="缩放点积注意力").first.click()
    stub = page.locator(".jp-CodeCell").filter(has_text="def scaled_dot_product_attention").first
    stub.wait_for()
    write(
        page,
        "def scaled_dot_product_attention",
        "def scaled_dot_product_attention(q, k, v, mask=None):\n"
        "    weights = torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1)\n"
        "    return weights @ v, weights",
    )
    run_all(page)
    report = output_of(page, "check(scaled_dot_product_attention)")
    report.get_by_text("掩码没有起作用").wait_for()
    assert "第一个错误的行" in report.locator("svg[role=img]").get_attribute("aria-label")
    report.get_by_role("button", name="提示").wait_for()
    assert contrast(page) > 7
    photographed(report, "mistake-dark-zh")
    page.close()
