"""Which exercises of a course ask for the names that some code defines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from threading import Lock

from grader.course.course import LocatedCourse
from grader.course.errors import ExerciseError
from grader.course.keys import reference_of, targets_of

_DEFINITION = re.compile(r"^(?:def|class) +(\w+)", re.MULTILINE)


class Asked:
    """What the exercises of a course ask for. Only those that may be meant are loaded."""

    def __init__(self, located: LocatedCourse) -> None:
        self._located = located
        self._targets: dict[str, frozenset[str]] = {}
        self._lock = Lock()

    def by(self, exercise: str) -> frozenset[str]:
        """The targets of an exercise; none where it cannot be loaded."""
        with self._lock:
            if exercise not in self._targets:
                try:
                    targets = targets_of(self._located, exercise)
                except ExerciseError:  # whoever asks for its grader will be told
                    targets = ()
                self._targets[exercise] = frozenset(targets)
            return self._targets[exercise]

    def answered(self, names: Collection[str]) -> list[str]:
        """The exercises whose targets are all among the names, but none of which another asks for more."""
        likely = dict.fromkeys(exercise for name in names for exercise in self._defining.get(name, ()))
        found = [exercise for exercise in likely if self.by(exercise) and self.by(exercise) <= set(names)]
        return [one for one in found if not any(self.by(one) < self.by(other) for other in found)]

    @cached_property
    def _defining(self) -> dict[str, list[str]]:
        """Exercises by the functions and classes that their ``notebook.py`` defines, targets and helpers alike."""
        defining: dict[str, list[str]] = defaultdict(list)
        for _, entry in self._located.course.entries():
            for name in dict.fromkeys(_DEFINITION.findall(reference_of(self._located, entry.id))):
                defining[name].append(entry.id)
        return defining
