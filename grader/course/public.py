"""What learners without ``solutions/`` check with: public cases, recorded answers, and the hints, in one file.

The file is beside the notebooks; `grader.handout.public` writes it. It holds what the reference and every known
mistake answer to the public cases, so that mistakes are named there too. It holds nothing of hidden cases.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file

from grader.authoring import Case, Exercise, Mistake, Text
from grader.course.exercise import LoadedExercise, Predicted
from grader.course.formats import PUBLIC_FORMAT, check_format
from grader.wire.calls import Call, Outcome
from grader.wire.encoding import decode_calls, decode_outcome

FOLDER = ".public"
CASE_FIELDS = ("reason", "family", "target", "dtype", "gradients", "twice", "max_elements", "raises", "tolerance")


@dataclass
class PublicExercise:
    """An exercise read from its public file; answers are judged by it as by a `LoadedExercise`."""

    id: str
    points: float
    spec: Exercise
    cases: list[Case]
    calls: list[Call]
    expected: list[Outcome]
    predictions: list[tuple[Mistake, Sequence[Outcome]]]
    hints: dict[str, list[str]]
    device: str = "cpu"

    def combined(self, first: int, second: int, cases: Sequence[int]) -> dict[int, Outcome]:
        """Nothing: combining mistakes takes the reference."""
        return {}


def read_header(path: Path) -> dict[str, Any]:
    """The part of a public file that is not tensors.

    Raises:
        NewerFormatError: a newer version of this package wrote it.
    """
    with safe_open(path, framework="pt") as file:
        header: dict[str, Any] = json.loads(file.metadata()["header"])
    check_format(str(path), header.get("format"), PUBLIC_FORMAT)
    return header


def read_public(path: Path) -> PublicExercise:
    """Load an exercise's public file."""
    header, tensors = read_header(path), load_file(path)

    expected = [decode_outcome(fields, tensors) for fields in header["expected"]]
    mistakes: list[tuple[Mistake, Sequence[Outcome]]] = [
        (
            Mistake(known["slug"], known["family"], (), Text(*known["text"])),
            [
                right if fields is None else decode_outcome(fields, tensors)
                for fields, right in zip(known["outcomes"], expected, strict=True)
            ],
        )
        for known in header["mistakes"]
    ]
    spec = Exercise(
        targets=tuple(header["targets"]),
        cases=lambda _: (),
        mistakes=tuple(known for known, _ in mistakes),
        outputs=tuple(header["outputs"]),
        forbidden=tuple(header["forbidden"]),
        forbidden_imports=tuple(header["forbidden_imports"]),
    )
    cases = [Case(public=True, **fields) for fields in header["cases"]]
    calls = decode_calls(header["calls"], tensors)
    return PublicExercise(header["exercise"], header["points"], spec, cases, calls, expected, mistakes, header["hints"])


def _chosen(outcomes: Sequence[Outcome], chosen: Sequence[int]) -> Predicted:
    return Predicted(lambda i: outcomes[chosen[i]], len(chosen))


def only_targets(exercise: LoadedExercise | PublicExercise, names: set[str], points: float) -> PublicExercise:
    """The part of an exercise that is about some of its targets."""
    first = exercise.spec.targets[0]
    chosen = [i for i, case in enumerate(exercise.cases) if (case.target or first) in names]
    return PublicExercise(
        id=exercise.id,
        points=points,
        spec=replace(exercise.spec, targets=tuple(name for name in exercise.spec.targets if name in names)),
        cases=[replace(exercise.cases[i], target=exercise.cases[i].target or first) for i in chosen],
        calls=[exercise.calls[i] for i in chosen],
        expected=[exercise.expected[i] for i in chosen],
        predictions=[(known, _chosen(found, chosen)) for known, found in exercise.predictions],
        hints={},
        device=exercise.device,
    )
