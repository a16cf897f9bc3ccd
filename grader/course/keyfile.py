"""An answer key as a file: one block of tensors, with everything else as JSON in its header. Nothing is pickled."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from grader.authoring.conduct import Conducted
from grader.authoring.mistakes import Elsewhere, Replacement, Rewriting, Variant
from grader.course.errors import NewerFormatError
from grader.course.formats import KEY_FORMAT, check_format
from grader.course.key import AnswerKey, KnownMistake, Predicted, Question
from grader.text import Text
from grader.wire.bounds import WireError
from grader.wire.calls import Call, Outcome
from grader.wire.encoding import Encoder, decode_calls, decode_outcome, encode_calls, encode_outcome

_PLAIN = (
    *("exercise", "points", "targets", "outputs", "forbidden", "forbidden_imports"),
    *("reference", "stub", "device", "stamp"),
)
_ASKED = (
    "reason",
    "family",
    "tolerance",
    "max_elements",
    "raises",
    "fault",
    "public",
    "base",
    "essential",
    "weight",
    "zh",
)


class DamagedKeyError(Exception):
    """A file is no answer key, or not a whole one."""


def write_key(key: AnswerKey, path: Path, mode: int = 0o600, **more: Any) -> None:
    """Write a key, whole or not at all: the answers of mistakes as far as they are made; with ``more`` in its header.

    Args:
        key: the key.
        path: the file; its folder is there.
        mode: who may read it.
        more: what else the header says.
    """
    encoder = Encoder(bounded=False)
    header = {
        "format": KEY_FORMAT,
        **{name: getattr(key, name) for name in _PLAIN},
        "left_out": sorted(key.left_out),
        "questions": [_question_as_json(question) for question in key.questions],
        "calls": encode_calls(key.calls, encoder),
        "right": [encode_outcome(question.right, encoder) for question in key.questions],
        "mistakes": [
            {
                "slug": known.slug,
                "family": known.family,
                "text": known.text,
                "variant": _variant_as_json(known.variant),
                "answers": _answers_as_json(known, key.questions, encoder),
            }
            for known in key.mistakes
        ],
        **more,
    }
    handle, waiting = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        save_file(encoder.tensors, waiting, metadata={"header": json.dumps(header, ensure_ascii=False)})
        os.chmod(waiting, mode)
        os.replace(waiting, path)
    except BaseException:
        Path(waiting).unlink(missing_ok=True)
        raise


def _answers_as_json(known: KnownMistake, questions: Sequence[Question], encoder: Encoder) -> list[Any]:
    """By question: a mistake's answer; True where it is the right one; None where it has not been made."""
    made = known.predicted.made if isinstance(known.predicted, Predicted) else dict(enumerate(known.predicted))
    answers: list[Any] = []
    for i, question in enumerate(questions):
        if i not in made:
            answers.append(None)
        else:
            answers.append(True if made[i] is question.right else encode_outcome(made[i], encoder))
    return answers


def read_header(path: Path) -> dict[str, Any]:
    """The part of a key's file that is not tensors.

    Raises:
        DamagedKeyError: it is no key.
        NewerFormatError: a newer version of this package wrote it.
    """
    return _open(path)[0]


def read_key(path: Path) -> AnswerKey:
    """Read a key. What mistakes answer is read when it is first looked at.

    Raises:
        DamagedKeyError: it is no key.
        NewerFormatError: a newer version of this package wrote it.
    """
    header, tensors = _open(path)
    try:
        calls = decode_calls(header["calls"], tensors)
        right = [decode_outcome(fields, tensors) for fields in header["right"]]
        asked = zip(header["questions"], calls, right, strict=True)
        questions = tuple(_question(call, answer, fields) for fields, call, answer in asked)
        mistakes = [_mistake(fields, questions, header, tensors) for fields in header["mistakes"]]
        plain: dict[str, Any] = {
            name: tuple(header[name]) if isinstance(header[name], list) else header[name] for name in _PLAIN
        }
        return AnswerKey(questions=questions, mistakes=mistakes, left_out=frozenset(header["left_out"]), **plain)
    except (WireError, SafetensorError, LookupError, TypeError, ValueError) as error:
        raise DamagedKeyError(f"{path}: {type(error).__name__}: {error}") from None


def _question_as_json(question: Question) -> dict[str, Any]:
    # What few have is left out elsewhere: so versions that do not know it can read what is handed out.
    summary = {"summary": question.summary, "shapes": question.shapes} if question.summary else {}
    rest = {"needs_the_rest": True} if question.needs_the_rest else {}
    return {**{name: getattr(question, name) for name in _ASKED}, **summary, **rest}


def _question(call: Call, right: Outcome, fields: dict[str, Any]) -> Question:
    shapes = tuple(map(tuple, fields.pop("shapes", ())))
    return Question(call=call, right=right, shapes=shapes, **fields)


def _mistake(
    fields: dict[str, Any], questions: tuple[Question, ...], header: dict[str, Any], tensors: Mapping[str, Tensor]
) -> KnownMistake:
    variant = _variant_of(fields["variant"])
    text = variant.apply(header["reference"], tuple(header["targets"])) if variant is not None else ""
    stored = _Stored(fields["answers"], questions, tensors)
    predicted = Predicted(questions, text, stored) if variant is not None else _Whole(stored, len(questions))
    return KnownMistake(fields["slug"], fields["family"], Text(*fields["text"]), variant, predicted)


class _Stored(dict[int, Outcome]):
    """The answers that a file has, by question, each read when it is first looked at."""

    def __init__(self, answers: Sequence[Any], questions: Sequence[Question], tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._answers, self._questions, self._tensors = answers, questions, tensors

    def __contains__(self, i: object) -> bool:
        return super().__contains__(i) or (isinstance(i, int) and self._answers[i] is not None)

    def __missing__(self, i: int) -> Outcome:
        fields = self._answers[i]
        if fields is None:
            raise KeyError(i)
        self[i] = self._questions[i].right if fields is True else decode_outcome(fields, self._tensors)
        return self[i]


class _Whole(Sequence[Outcome]):
    """Answers that are all there."""

    def __init__(self, stored: _Stored, count: int) -> None:
        self._stored, self._count = stored, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        return self._stored[i]


class _Tensors(Mapping[str, Tensor]):
    """The tensors of a file, each read when it is first looked at."""

    def __init__(self, file: Any) -> None:
        self._file, self._names = file, frozenset(file.keys())

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        tensor: Tensor = self._file.get_tensor(name)
        return tensor

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _open(path: Path) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    try:
        file: Any = safe_open(path, framework="pt")
        header: dict[str, Any] = json.loads(file.metadata()["header"])
        check_format(str(path), header["format"], KEY_FORMAT)
        if header["format"] != KEY_FORMAT:
            raise ValueError("an older version of this package wrote it; build it again")
    except NewerFormatError:
        raise
    except (OSError, SafetensorError, TypeError, LookupError, ValueError) as error:
        raise DamagedKeyError(f"{path}: {type(error).__name__}: {error}") from None
    return header, _Tensors(file)


def _variant_as_json(variant: Variant | None) -> Any:
    match variant:
        case Replacement(pairs):
            return {"replace": pairs}
        case Rewriting(text, name, target):
            return {"rewrite": [text, name, target]}
        case Elsewhere(inner, reference):
            return {"elsewhere": _variant_as_json(inner), "reference": reference}
        case Conducted(slug):
            return {"conducted": slug}
    return None


def _variant_of(fields: Any) -> Variant | None:
    match fields:
        case {"replace": pairs}:
            return Replacement(tuple((old, new) for old, new in pairs))
        case {"rewrite": [text, name, target]}:
            return Rewriting(text, name, target)
        case {"elsewhere": inner, "reference": reference}:
            variant = _variant_of(inner)
            return None if variant is None else Elsewhere(variant, reference)
        case {"conducted": slug}:
            return Conducted(slug)
    return None
