"""Which files there are to grade, which of them are copies of one another, and what was passed over."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.submission.contents import UnreadableError
from grader.submission.decoding import decode_beginning
from grader.submission.file import read_bytes
from grader.submission.kinds import known_kind
from grader.submission.names import HIDDEN, INTERVIEWS, KEPT, START_PAGE, bare_name, shown, stem_of, suffix_of
from grader.submission.notebook import looks_like_notebook
from grader.submission.notes import Note
from grader.text import Text

PEEKED_BYTES = 2**16
"""How much of a file is looked at whose name does not say that it is a notebook."""


@dataclass(frozen=True)
class Work:
    """One file to grade, shown to people as they gave it.

    Args:
        counts: False for a copy beside a newer one: it is graded and shown, but another file is the answer.
        notes: what is to be said beside its grade.
    """

    path: Path
    shown_as: str
    counts: bool = True
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class PassedOver:
    """A file or folder that was not graded, and why."""

    path: Path
    reason: Text


@dataclass(frozen=True)
class Found:
    """What lies at the paths given: work, and what is none."""

    work: list[Work]
    passed_over: list[PassedOver]


def find(paths: Sequence[Path]) -> Found:
    """Files as given, and every notebook and Python file in the folders given; symbolic links are not followed.

    A folder that cannot be opened is work, too: it will be reported as what could not be graded.

    Raises:
        FileNotFoundError: a path is not there.
        PermissionError: it lies in a folder that cannot be opened.
    """
    work, passed_over = list[Work](), list[PassedOver]()
    for path in paths:
        if os.path.isdir(path):
            for found in sorted(_inside(path), key=lambda found: found.path):
                if isinstance(found, Work):
                    work.append(found)
                else:
                    passed_over.append(found)
        else:
            try:
                os.lstat(path)
            except PermissionError:
                raise
            except (OSError, ValueError):  # too long, or no name at all
                raise FileNotFoundError(str(path)) from None
            work.append(Work(path, str(path)))
    return Found(_copies_noted(work), passed_over)


def _inside(folder: Path) -> Iterator[Work | PassedOver]:
    waiting = [folder]  # not one function in the other, as folders lie: they may lie as deep as the system lets them
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                inside = list(entries)
        except OSError:  # it cannot be opened, or its path is longer than any that can be
            yield Work(place, str(place))
            continue
        for entry in inside:
            path = place / entry.name
            is_folder = _is_folder(entry)
            why = _why_not_entered(path) if is_folder else _why_not_graded(path)
            if why:
                yield PassedOver(path, why)
            elif is_folder:
                waiting.append(path)
            else:
                yield Work(path, str(path))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _why_not_entered(folder: Path) -> Text | None:
    if os.path.islink(folder):
        return _LINK
    if folder.name == ".ipynb_checkpoints":
        return Text("copies that Jupyter keeps for itself", "Jupyter 自己保存的副本")
    if folder.name == "__pycache__":
        return Text("what Python keeps for itself", "Python 自己的缓存")
    if folder.name == KEPT and _is_workspace(folder.parent):
        return Text("copies of what was there before a reset", "重置之前内容的副本")
    if folder.name == INTERVIEWS and _is_workspace(folder.parent):
        return Text("interviews, graded when they are handed in", "面试，交卷时评分")
    return _HIDDEN if folder.name.startswith(".") else None


def _why_not_graded(path: Path) -> Text | None:
    if path.name.startswith("."):
        return _HIDDEN
    if path.name == START_PAGE and _is_workspace(path.parent):
        return Text("the start page of a workspace", "工作区的起始页")
    if suffix_of(path.name):
        return None
    try:
        content = read_bytes(path, PEEKED_BYTES)
    except UnreadableError as error:
        return error.text
    if looks_like_notebook(decode_beginning(content)):
        return None
    return known_kind(content) or Text("neither a notebook nor Python code", "既不是笔记本也不是 Python 代码")


def _is_workspace(folder: Path) -> bool:
    return (folder / HIDDEN).is_dir()


_LINK = Text("a symbolic link", "符号链接")
_HIDDEN = Text("hidden: its name begins with a dot", "隐藏文件：名称以点开头")


def _copies_noted(work: Iterable[Work]) -> list[Work]:
    """The same work; where several files of a folder are copies of one, each has a note which of them counts."""
    found = list(work)
    beside: dict[tuple[Path, str], list[int]] = defaultdict(list)
    for number, item in enumerate(found):
        beside[item.path.parent, stem_of(item.path.name).lower()].append(number)
    for numbers in beside.values():
        if len({found[number].path for number in numbers}) < 2:
            continue
        best = max(numbers, key=lambda number: _standing(found[number].path))
        for number in numbers:
            others = [shown(found[other].path.name) for other in numbers if other != number]
            note = _chosen(others) if number == best else _not_chosen(shown(found[best].path.name))
            found[number] = replace(found[number], counts=number == best, notes=(*found[number].notes, Note(note)))
    return found


def _standing(path: Path) -> tuple[int, bool, bool, str]:
    """What is larger counts: the newest; of equally old ones the plain name, then the notebook."""
    try:
        changed = path.lstat().st_mtime_ns
    except OSError:
        changed = 0
    return changed, bare_name(path.name) == stem_of(path.name), suffix_of(path.name) == ".ipynb", path.name


def _chosen(others: Sequence[str]) -> Text:
    listed = ", ".join(others)
    return Text(
        f"Copies lie beside this file ({listed}); this one counts: it was changed last, or has the plain name.",
        f"旁边有这个文件的副本（{listed}）；以本文件为准：它修改得最晚，或文件名没有副本标记。",
    )


def _not_chosen(best: str) -> Text:
    return Text(
        f"This is one of several copies; {best} counts, not this one: it was changed last, or has the plain name.",
        f"这是几份副本之一；以 {best} 为准，而不是本文件：那一份修改得最晚，或文件名没有副本标记。",
    )
