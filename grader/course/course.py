"""course.yml: what is taught. A mistake in it is reported with its line and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.course.errors import CourseError, NoCourseError
from grader.course.formats import COURSE_FORMAT, check_format
from grader.runner.limits import Limits

COURSE_FILE = "course.yml"
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Titles(_Part):
    """A title in both languages of the course."""

    en: str
    zh: str


class ExerciseEntry(_Part):
    """One exercise: its id names its folder in ``solutions/`` and its notebook in ``exercises/``."""

    id: Id
    title: Titles
    points: float = Field(gt=0)
    minutes: int = Field(gt=0)
    difficulty: int = Field(ge=1, le=5)
    tags: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    needs: tuple[Id, ...] = ()
    written: float = Field(default=0.0, ge=0)


class Assignment(_Part):
    """Exercises that are handed out together."""

    id: Id
    title: Titles
    exercises: tuple[ExerciseEntry, ...] = Field(min_length=1)


class Course(_Part):
    """The whole of course.yml."""

    format: int = Field(default=1, ge=1)
    title: Titles
    limits: Limits = Limits()
    questions: dict[str, str] = {}
    assignments: tuple[Assignment, ...] = Field(min_length=1)

    def entries(self) -> Iterator[tuple[Assignment, ExerciseEntry]]:
        """Every exercise with its assignment, in the order of the course."""
        for assignment in self.assignments:
            for entry in assignment.exercises:
                yield assignment, entry

    def find(self, exercise: str) -> tuple[Assignment, ExerciseEntry] | None:
        """An exercise by its id."""
        return next((found for found in self.entries() if found[1].id == exercise), None)


class LocatedCourse:
    """A course and the folder that it is in."""

    def __init__(self, root: Path, course: Course) -> None:
        self.root, self.course = root, course

    def solution(self, exercise: str) -> Path:
        """The folder with an exercise's ``notebook.py`` and ``grading.py``."""
        return self.root / "solutions" / self._assignment(exercise) / exercise

    def release(self, exercise: str) -> Path:
        """The notebook that is handed out."""
        return self.root / "exercises" / self._assignment(exercise) / f"{exercise}.ipynb"

    def public(self, exercise: str) -> Path:
        """What is handed out beside the notebook for `grader.check`: public cases, recorded answers, hints."""
        return self.release(exercise).parent / ".public" / f"{exercise}.safetensors"

    def _assignment(self, exercise: str) -> str:
        found = self.course.find(exercise)
        if found is None:
            raise CourseError(f"There is no exercise {exercise!r} in {self.root / COURSE_FILE}.")
        return found[0].id


def find_course(start: Path | None = None) -> LocatedCourse:
    """The course around a folder: the nearest ``course.yml`` there or above, or the one beside this package.

    Raises:
        NoCourseError: there is none.
        CourseError: it is wrong.
    """
    places = [(start or Path.cwd()).absolute()]
    places += [*places[0].parents, Path(__file__).resolve().parents[2]]
    for place in places:
        if (place / COURSE_FILE).is_file():
            return LocatedCourse(place, read_course(place / COURSE_FILE))
    raise NoCourseError(f"No {COURSE_FILE} in {places[0]} or any folder above it; run this inside a course.")


def read_course(path: Path) -> Course:
    """Read and check course.yml.

    Raises:
        NewerFormatError: it is written for a newer version of this package.
        CourseError: with one line ``file:line: what is wrong; what to write`` for every mistake.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_LOADER)
        data = yaml.load(text, Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise CourseError(f"{where}: this is not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(data, dict):
        raise CourseError(f"{path}:1: a course is a mapping; begin with `title: {{en: …, zh: …}}` and `assignments:`")
    check_format(f"{path}:{_line(tree, ('format',))}: {COURSE_FILE}", data.get("format"), COURSE_FORMAT)
    try:
        course = Course.model_validate(data)
    except ValidationError as error:
        # A misspelt setting also leaves one missing: say the spelling first.
        found_errors = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        lines = [f"{path}:{_line(tree, found['loc'])}: {_advice(dict(found))}" for found in found_errors]
        raise CourseError("\n".join(lines)) from None
    _check_names(path, tree, course)
    return course


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _check_names(path: Path, tree: Any, course: Course) -> None:
    seen: set[str] = set()
    problems = []
    for a, assignment in enumerate(course.assignments):
        for e, entry in enumerate(assignment.exercises):
            line = _line(tree, ("assignments", a, "exercises", e, "id"))
            if entry.id in seen:
                problems.append(f"{path}:{line}: exercise {entry.id!r} is there twice; give each its own id")
            for need in entry.needs:
                if need not in seen:
                    at = _line(tree, ("assignments", a, "exercises", e, "needs"))
                    problems.append(
                        f"{path}:{at}: {entry.id!r} needs {need!r}, which no exercise above it is; "
                        "name an exercise that comes earlier"
                    )
            for code in entry.answers:
                if course.questions and code not in course.questions:
                    at = _line(tree, ("assignments", a, "exercises", e, "answers"))
                    problems.append(f"{path}:{at}: {code!r} is not among the `questions` of this course")
            seen.add(entry.id)
    if problems:
        raise CourseError("\n".join(problems))


def _line(node: Any, location: tuple[Any, ...]) -> int:
    """The line of a place in the file, or of the nearest part around it that exists."""
    line = node.start_mark.line + 1 if node is not None else 1
    for step in location:
        following = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    line, following = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            following = node.value[step]
            line = following.start_mark.line + 1
        if following is None:
            break
        node = following
    return line


def _advice(error: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in error["loc"] if not isinstance(part, int))
    match error["type"]:
        case "missing":
            return f"`{name}` is missing; add it here"
        case "extra_forbidden":
            return f"`{name}` is not a setting of a course; remove it or check its spelling"
        case "string_pattern_mismatch":
            return f"`{name}: {error['input']}` is no id; use small letters, digits, _ and -"
    return f"`{name}`: {error['msg'].lower()}, not {error['input']!r}"
