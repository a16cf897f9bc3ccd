"""The marks that Git leaves in a file where two versions could not be merged."""

from __future__ import annotations

import re

from grader.text import Text

_BEGIN = re.compile(r"^<<<<<<<(?: .*)?$", re.MULTILINE)
_OTHERS = re.compile(r"^(?:=======$|>>>>>>>(?: .*)?$)", re.MULTILINE)


def first_mark(text: str) -> int | None:
    """The line, counted from 1, where an unfinished merge begins; None where there is none.

    Whoever asks has seen that the text does not parse: in a string, the same lines are nobody's mistake.
    """
    begin = _BEGIN.search(text)
    if begin is None or not _OTHERS.search(text, begin.end()):
        return None
    return text.count("\n", 0, begin.start()) + 1


def conflict(line: int, cell: int | None = None) -> Text:
    """What to do about an unfinished merge in a line of the file, or of a cell."""
    en = f"line {line}" if cell is None else f"line {line} of cell {cell}"
    zh = f"第 {line} 行" if cell is None else f"第 {cell} 个单元的第 {line} 行"
    return Text(
        f"A merge conflict begins in {en}: keep one side, delete the other and the lines that begin with "
        "<<<<<<<, ======= and >>>>>>>, and save the file.",
        f"{zh}开始有未解决的合并冲突：请保留其中一边，删去另一边以及以 <<<<<<<、=======、>>>>>>> 开头的行，然后保存。",
    )
