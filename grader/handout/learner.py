"""Makes what a learner works in: an exercise as a notebook or a script, all of its text in one language."""

from __future__ import annotations

import hashlib

import nbformat
from nbformat import NotebookNode

from grader.course.course import Course, ExerciseEntry
from grader.course.script import Cell, Script, jupytext
from grader.handout.notebooks import GRADED_WITH, KERNEL, LANGUAGE, NOT_HANDED_OUT
from grader.submission.notebook import METADATA_KEY
from grader.text import Text

_YOUR_ANSWER = Text("*Your answer here.*", "*在这里写下你的回答。*")


def learner_notebook(course: Course, entry: ExerciseEntry, script: Script, language: str) -> NotebookNode:
    """An exercise as a notebook, without solution and hints, all prose in one language."""
    code = iter(script.handed_out)
    cells = [nbformat.v4.new_markdown_cell(_title(course, entry, language))]
    for part in script.cells:
        if part.kind == "code":
            if "broken" not in part.tags:  # it comes where the solution stands
                cells.append(nbformat.v4.new_code_cell(next(code)))
        elif part.language == language and (prose := _handed_out(script, part, language)):
            new = nbformat.v4.new_raw_cell if part.kind == "raw" else nbformat.v4.new_markdown_cell
            cells.append(new(prose))
    return as_notebook(cells, entry.id, {"exercise": entry.id})


def question(script: Script, language: str) -> list[NotebookNode]:
    """What an interviewer puts before a candidate: the task, what is given, the stub, where to write. No more."""
    code, waiting = iter(script.handed_out), list[NotebookNode]()
    cells: list[NotebookNode] = []
    for part in script.cells:
        if part.kind == "code":
            if "broken" in part.tags:  # it comes where the solution stands
                continue
            source = next(code)
            if part.tags & {"demo", "check"}:
                waiting *= "check" not in part.tags  # only says how to check
                continue
            cells += [*waiting, nbformat.v4.new_code_cell(source)]
            waiting = []
        elif (
            part.language == language
            and "follow-up" not in part.tags
            and (prose := _handed_out(script, part, language))
        ):
            waiting.append(nbformat.v4.new_markdown_cell(prose))
    return [*cells, *waiting]


def as_notebook(cells: list[NotebookNode], name: str, ours: dict[str, str]) -> NotebookNode:
    """A notebook of ours: cells that are the same have the same id each time that it is made."""
    for number, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:8]
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE, METADATA_KEY: ours}
    return NotebookNode(cells=cells, metadata=NotebookNode(metadata), nbformat=4, nbformat_minor=5)


def as_script(notebook: NotebookNode) -> str:
    """The notebook as a script in the percent format: text in comments, cells marked ``# %%``."""
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    metadata = NotebookNode(jupytext=filters)
    text: str = jupytext().writes(NotebookNode(notebook, metadata=metadata), fmt="py:percent")
    return text


def digest_of_text(text: str) -> str:
    """SHA-256 of a script, by which work in it is noticed."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _handed_out(script: Script, part: Cell, language: str) -> str:
    """A cell's prose as a learner gets it; empty for what is told only when asked for."""
    if "answer" in part.tags:
        return str(getattr(_YOUR_ANSWER, language))
    if part.tags & NOT_HANDED_OUT:
        return ""
    return script.prose(part)


def _title(course: Course, entry: ExerciseEntry, language: str) -> str:
    needed = [found[1] for need in entry.needs if (found := course.find(need))]
    libraries = ", ".join(GRADED_WITH)
    written = f" + {entry.written:g}" if entry.written else ""
    if language == "zh":
        lines = [f"# {entry.title.zh}", f"{entry.stars} · 约 {entry.minutes} 分钟 · {entry.points:g}{written} 分"]
        lines += [f"对应的面试题：{'；'.join(course.asked(entry, 'zh'))}。"] if entry.answers else []
        lines += [f"请先完成：{'、'.join(one.title.zh for one in needed)}。"] if needed else []
        lines += [f"评分环境：Python 标准库与 {libraries}；作答不需要其他库。"]
    else:
        of_answer = f"{written} for the written answer" if written else ""
        lines = [f"# {entry.title.en}", f"{entry.stars} · about {entry.minutes} minutes · {entry.points:g} points"]
        lines[-1] += of_answer
        asked = "; ".join(course.asked(entry, "en"))
        lines += [f"Interview questions this answers: {asked}."] if asked else []
        lines += [f"Do first: {', '.join(one.title.en for one in needed)}."] if needed else []
        lines += [f"Graded with Python's own library and {libraries}; what else you import is not needed to answer."]
    return "\n\n".join(lines)
