"""A learner's desk: the course, the workspace around the working folder, and what the learner has done."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grader.course.course import PUBLIC_FOLDER
from grader.course.lines import YamlError, read_yaml
from grader.course.script import Script, jupytext, read_script
from grader.desk import workspace
from grader.desk.names import no_exercise
from grader.desk.progress import Progress
from grader.desk.standing import Standings, standings
from grader.text import Text

if TYPE_CHECKING:
    from grader.course.course import LocatedCourse
    from grader.report.model import Language

HOSTED = Text(
    "This is with your instructor: the course here has no solutions.", "这部分在老师那里：此处的课程不含解答。"
)


class DeskError(Exception):
    """Something that was asked for is not there; the text says what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class Desk:
    """What every command of a learner's works with. Importing it imports no torch."""

    def __init__(self, located: LocatedCourse, folder: Path | None = None, progress: Progress | None = None) -> None:
        self.located, self.folder = located, (folder or Path.cwd()).absolute()
        self.workspace = workspace.find(self.folder)
        if self.workspace:
            self.workspace.rename(located.course)
        self.progress = progress or Progress()

    def standings(self) -> Standings:
        """Where the learner stands now."""
        return standings(self.located.course, self.progress.records())

    def exercise(self, name: str) -> str:
        """The exercise that a name stands for: its id, or a file of it.

        Raises:
            DeskError: there is none.
        """
        from grader.submission.names import possible_exercises

        for possible in (name, *possible_exercises(Path(name).name)):
            if exercise := self.located.course.named(possible):
                return exercise
        raise DeskError(no_exercise(name, (entry.id for _, entry in self.located.course.entries())))

    def file(self, exercise: str) -> Path:
        """The learner's file for an exercise: the workspace's; or, in a course's own folder, the notebook there.

        Raises:
            DeskError: there is none.
        """
        if self.workspace:
            path = self.workspace.file(exercise)
            if path is not None and path.is_file():
                return path
            raise DeskError(
                Text(
                    f"{self.workspace.folder} has no file for {exercise} any more; `attn start` there puts it back.",
                    f"{self.workspace.folder} 中没有 {exercise} 的文件；在其中运行 `attn start` 会重新放入。",
                )
            )
        path = self.located.release(exercise)
        if self.located.root in (self.folder, *self.folder.parents) and path.is_file():
            return path
        raise DeskError(NO_WORKSPACE)

    def files(self) -> dict[Path, str]:
        """The learner's files that are there, each with its exercise."""
        found = {}
        for _, entry in self.located.course.entries():
            with suppress(DeskError):
                found[self.file(entry.id)] = entry.id
        return found

    def script(self, exercise: str) -> Script:
        """The author's text of an exercise.

        Raises:
            DeskError: it is not here, as in a class.
            ExerciseError: it is wrong.
        """
        path = self.located.solution(exercise) / "notebook.py"
        if not path.is_file():
            raise DeskError(HOSTED)
        return read_script(path)

    def hints(self, exercise: str) -> dict[str, list[str]]:
        """An exercise's hints by language, weakest first.

        Raises:
            DeskError: there are none here.
        """
        with suppress(DeskError):
            return self.script(exercise).hints()
        return public_hints(exercise, self.folder / PUBLIC_FOLDER, self.located.public(exercise).parent)

    def sentences(self, slugs: Iterable[str]) -> dict[str, Text]:
        """What is said of mistakes, as far as the course's ``mistakes.yml`` files tell."""
        wanted = set(slugs)
        if not wanted:
            return {}
        said: dict[str, Text] = {}
        for path in sorted((self.located.root / "solutions").rglob("mistakes.yml"), reverse=True):
            with suppress(YamlError):
                entries = read_yaml(path).data
                for slug in wanted & entries.keys():
                    en, zh = entries[slug].get("en"), entries[slug].get("zh")
                    said[slug] = Text(en or zh, zh or en)
        return said

    def map(self, language: Language, folder: Path) -> str:
        """The course as a map, in Markdown; its links start from a folder."""
        from grader.desk.map import Map

        found = self.standings()
        return Map(found, self.workspace, language, self.sentences(found.slugs), folder).as_markdown()

    def keep_page(self) -> None:
        """Bring the workspace's start page up to date; a page that cannot be written is left as it is."""
        if self.workspace is None:
            return
        jupytext()  # imports nbformat, too, without the slow part of it
        from grader.desk.start_page import write_start_page

        language, folder = self.workspace.language, self.workspace.folder
        title = getattr(self.located.course.title, language)
        first = next(entry.id for _, entry in self.located.course.entries())
        with suppress(OSError):
            write_start_page(self.workspace, title, first, self.map(language, folder))


def public_hints(exercise: str, *folders: Path) -> dict[str, list[str]]:
    """The hints in the public file of an exercise, by language, from the first folder that has one.

    Raises:
        DeskError: none has.
    """
    from grader.course.keyfile import read_header

    for folder in folders:
        path = folder / f"{exercise}.safetensors"
        if path.is_file():
            hints: dict[str, list[str]] = read_header(path)["hints"]
            return hints
    raise DeskError(HOSTED)


NO_WORKSPACE = Text(
    "There is no workspace here. `attn start` makes one: a folder of your own with the exercises in it.",
    "这里没有工作区。运行 `attn start` 会建立一个：属于你自己的、包含全部习题的文件夹。",
)
