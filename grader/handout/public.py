"""Writes the public file of an exercise: what learners without ``solutions/`` check with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from grader.course.exercise import LoadedExercise
from grader.course.formats import PUBLIC_FORMAT
from grader.course.public import CASE_FIELDS
from grader.verdict.diagnosis import telling_facets
from grader.wire.calls import Outcome
from grader.wire.encoding import Encoder, encode_calls, encode_outcome


def public_cases(exercise: LoadedExercise) -> list[int]:
    """Numbers of the cases that can be shown: marked public, and judged by plain comparison."""
    return [i for i, case in enumerate(exercise.cases) if case.public and case.judge is None]


def write_public(exercise: LoadedExercise, points: float, hints: dict[str, list[str]], path: Path) -> None:
    """Write an exercise's public file, whole or not at all."""
    chosen = public_cases(exercise)
    encoder = Encoder()

    def telling(predicted: Sequence[Outcome]) -> list[Any]:
        """A mistake's answers where it shows; None elsewhere, where it answers as the reference does."""
        shows = telling_facets(exercise.cases, predicted, exercise.expected, chosen)
        fields = []
        for i in chosen:
            facets = {facet for case, facet in shows if case == i}
            slim = predicted[i] if "gradient" in facets else replace(predicted[i], gradients=None)
            fields.append(encode_outcome(slim, encoder) if facets else None)
        return fields

    header = {
        "format": PUBLIC_FORMAT,
        "exercise": exercise.id,
        "points": points,
        "targets": exercise.spec.targets,
        "outputs": exercise.spec.outputs,
        "forbidden": exercise.spec.forbidden,
        "forbidden_imports": exercise.spec.forbidden_imports,
        "cases": [{name: getattr(exercise.cases[i], name) for name in CASE_FIELDS} for i in chosen],
        "calls": encode_calls([exercise.calls[i] for i in chosen], encoder),
        "expected": [encode_outcome(exercise.expected[i], encoder) for i in chosen],
        "mistakes": [
            {"slug": known.slug, "family": known.family, "text": known.text, "outcomes": telling(predicted)}
            for known, predicted in exercise.predictions
        ],
        "hints": hints,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".part")
    save_file(encoder.tensors, waiting, metadata={"header": json.dumps(header, ensure_ascii=False)})
    waiting.chmod(0o644)
    os.replace(waiting, path)
