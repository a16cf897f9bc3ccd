"""What is told when a learner asks: a hint, the discussion with the follow-up questions, the solution. As Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.course.script import Script
from grader.text import Text

if TYPE_CHECKING:
    from grader.report.model import Language

FOLLOW_UPS = Text("What the interviewer asks next", "面试官接下来会问")
LAST_HINT = Text(
    "That was the last hint. If you want to see the reference: {solution}",
    "这是最后一个提示。如果想看参考解答：{solution}",
)
ASK = Text(
    "The solution of {exercise} will be shown, and that is recorded. Done without, it is worth more to you.",
    "即将显示 {exercise} 的参考解答，并记录下来。自己做出来收获更大。",
)
TICK = Text("What your answer has, you tick: {call}", "把你的回答中有的要点勾上：{call}")
HINT, SOLUTION = Text("Hint", "提示"), Text("Solution", "参考解答")
DISCUSS, NEXT = Text("Discussion", "讨论"), Text("What is next", "下一题")
BEGIN_ANEW = Text("Begin anew", "重新开始")
PRESS_AGAIN = Text("Press again to see it.", "再按一次即可查看。")
HOW_TO_RESET = Text(
    "Close this notebook, then say in a terminal: `attn reset {exercise}`. What is here is kept, in `kept/`.",
    "请关闭这个笔记本，然后在终端运行：`attn reset {exercise}`。现有内容会保存在 `kept/` 中。",
)
NOTHING_WRITTEN = Text(
    "{exercise} has no written part to review. Its discussion, and what the interviewer asks next: {call}",
    "{exercise} 没有书面部分可供自评。讨论和面试官接下来的问题：{call}",
)
REFERENCE = Text("The reference", "参考解答")
YOURS = Text("Yours", "你的解答")
WRITTEN = Text("The written part:", "书面部分：")


def hint(hints: list[str], number: int, solution: str, language: Language) -> str:
    """One hint, by its number from 1; with the last, how to get the solution.

    Args:
        solution: what to say to get it.
    """
    text = f"**{number}/{len(hints)}** {hints[number - 1]}"
    if number == len(hints):
        text += f"\n\n{getattr(LAST_HINT.format(solution=f'`{solution}`'), language)}"
    return text


def discussion(script: Script, language: Language) -> str:
    """The discussion; then every follow-up question in the notebook's words and order, each with its answer."""
    parts = [script.discussion(language), f"**{getattr(FOLLOW_UPS, language)}**"]
    for number, item in enumerate(script.follow_ups(language), 1):
        parts.append(f"{number}. {item.question}")
        if item.answer:
            parts.append(f"   {item.answer}")
    return "\n\n".join(part for part in parts if part)


def reference(script: Script) -> str:
    """The code of the right solution."""
    return "\n\n\n".join(_without_marks(cell.source) for cell in script.code if "solution" in cell.tags)


def model_answer(script: Script, language: Language) -> str:
    """The model answer of the written part, and its rubric."""
    part = script.written_part(language)
    return "\n\n".join([part.answer, "---", "\n".join(f"- {item}" for item in part.rubric)])


def beside(script: Script, own: str, language: Language) -> str:
    """The reference, then the learner's own code, if there is any, then the written part."""
    parts = [f"**{getattr(REFERENCE, language)}**", _fenced(reference(script))]
    parts += [f"**{getattr(YOURS, language)}**", _fenced(own)] if own else []
    if script.written_part(language).answer:
        parts += [f"**{getattr(WRITTEN, language)}**", model_answer(script, language)]
    return "\n\n".join(parts)


def defined(script: Script) -> list[str]:
    """The functions and classes that the right solution defines."""
    return re.findall(r"^(?:def|class) +(\w+)", reference(script), re.MULTILINE)


def _fenced(code: str) -> str:
    return f"```python\n{code.strip()}\n```"


def _without_marks(source: str) -> str:
    marks = ("### BEGIN SOLUTION", "### END SOLUTION")
    return "\n".join(line for line in source.split("\n") if line.strip() not in marks).strip("\n")
