"""course.yml: what is taught. A mistake in it is reported with its line and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from grader.course.errors import CourseError, NoCourseError
from grader.course.formats import COURSE_FORMAT, check_format
from grader.course.lines import Yaml, YamlError, advice, read_yaml
from grader.libraries import INSTALLED_COURSE
from grader.runner.limits import Limits

COURSE_FILE = "course.yml"
PUBLIC_FOLDER = ".public"
KEYS_FOLDER = "keys"
_OF_WINDOWS = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def _names_a_file(name: str) -> str:
    if name in _OF_WINDOWS:
        raise ValueError(f"cannot be {name!r}: Windows has no files of that name; take another")
    return name


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$"), AfterValidator(_names_a_file)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Titles(_Part):
    """A title, or a question, in both languages of the course."""

    en: str
    zh: str


class ExerciseEntry(_Part):
    """One exercise: its id names its folder in ``solutions/`` and its notebook in ``exercises/``.

    Args:
        formerly: ids that it had once: what was done or is handed in under one of them is of this exercise.
    """

    id: Id
    formerly: tuple[Id, ...] = ()
    title: Titles
    points: float = Field(gt=0)
    minutes: int = Field(gt=0)
    difficulty: int = Field(ge=1, le=5)
    tags: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    needs: tuple[Id, ...] = ()
    written: float = Field(default=0.0, ge=0)

    @property
    def stars(self) -> str:
        """How difficult it is, out of five."""
        return "●" * self.difficulty + "○" * (5 - self.difficulty)


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
    questions: dict[str, Titles] = {}
    assignments: tuple[Assignment, ...] = Field(min_length=1)

    def entries(self) -> Iterator[tuple[Assignment, ExerciseEntry]]:
        """Every exercise with its assignment, in the order of the course."""
        for assignment in self.assignments:
            for entry in assignment.exercises:
                yield assignment, entry

    def asked(self, entry: ExerciseEntry, language: str) -> list[str]:
        """The interview questions that an exercise answers, in words; a code that `questions` lacks stays as it is."""
        known = {code: str(getattr(question, language)) for code, question in self.questions.items()}
        return list(dict.fromkeys(known.get(code, code) for code in entry.answers))

    def find(self, exercise: str) -> tuple[Assignment, ExerciseEntry] | None:
        """An exercise by its id."""
        return next((found for found in self.entries() if found[1].id == exercise), None)

    def named(self, name: str) -> str | None:
        """The id of the exercise that has this name, or had it once; None where there is none."""
        return next((entry.id for _, entry in self.entries() if name in (entry.id, *entry.formerly)), None)


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

    def built_key(self, exercise: str, device: str) -> Path:
        """Where ``attn build --keys`` puts the answer key of an exercise."""
        return self.root / KEYS_FOLDER / f"{exercise}-{device.replace(':', '')}.safetensors"

    def public(self, exercise: str) -> Path:
        """What is handed out beside the notebook for `grader.check`: public cases, recorded answers, hints."""
        return self.release(exercise).parent / PUBLIC_FOLDER / f"{exercise}.safetensors"

    def _assignment(self, exercise: str) -> str:
        found = self.course.find(exercise)
        if found is None:
            raise CourseError(f"There is no exercise {exercise!r} in {self.root / COURSE_FILE}.")
        return found[0].id


def find_course(start: Path | None = None) -> LocatedCourse:
    """The course around a folder: the nearest ``course.yml`` there or above; or the one beside or inside this package.

    Raises:
        NoCourseError: there is none.
        CourseError: it is wrong.
    """
    places = [(start or Path.cwd()).absolute()]
    package = Path(__file__).resolve().parents[1]
    places += [*places[0].parents, package.parent, package / INSTALLED_COURSE]
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
        found = read_yaml(path, "a course is a mapping; begin with `title: {en: …, zh: …}` and `assignments:`")
    except YamlError as error:
        raise CourseError(str(error)) from None
    check_format(f"{path}:{found.line(('format',))}: {COURSE_FILE}", found.data.get("format"), COURSE_FORMAT)
    try:
        course = Course.model_validate(found.data)
    except ValidationError as error:
        # A misspelt setting also leaves one missing: say the spelling first.
        problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        lines = [f"{path}:{found.line(problem['loc'])}: {advice(dict(problem), 'a course')}" for problem in problems]
        raise CourseError("\n".join(lines)) from None
    _check_names(path, found, course)
    return course


def _check_names(path: Path, found: Yaml, course: Course) -> None:
    seen, named = set[str](), set[str]()
    problems = []
    for a, assignment in enumerate(course.assignments):
        for e, entry in enumerate(assignment.exercises):
            line = found.line(("assignments", a, "exercises", e, "id"))
            for name in (entry.id, *entry.formerly):
                if name in named:
                    problems.append(f"{path}:{line}: exercise {name!r} is there twice; give each its own id")
                named.add(name)
            for need in entry.needs:
                if need not in seen:
                    at = found.line(("assignments", a, "exercises", e, "needs"))
                    problems.append(
                        f"{path}:{at}: {entry.id!r} needs {need!r}, which no exercise above it is; "
                        "name an exercise that comes earlier"
                    )
            for code in entry.answers:
                if course.questions and code not in course.questions:
                    at = found.line(("assignments", a, "exercises", e, "answers"))
                    problems.append(f"{path}:{at}: {code!r} is not among the `questions` of this course")
            seen.add(entry.id)
    if problems:
        raise CourseError("\n".join(problems))
