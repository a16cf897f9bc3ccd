"""An exercise as the grader uses it: its calls, what the reference answers, what each known mistake would answer."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from threading import RLock
from typing import Any

from torch import Tensor, nn

from grader.authoring import Case, Exercise, Mistake, Random, Sibling, Variant, definition_of, find_sibling, variants
from grader.child.cells import new_scope, run_cells
from grader.child.execute import detached, perform
from grader.course.errors import ExerciseError
from grader.course.script import read_script
from grader.wire.calls import Call, Outcome

_one_at_a_time = RLock()


@contextmanager
def _trusted_run() -> Iterator[None]:
    """One at a time, since runs share torch's random state and graders are used by threads; and in silence, since a
    variant of a reference may do what torch warns of."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Predicted(Sequence[Outcome]):
    """Outcomes that are made one by one, each when first looked at."""

    def __init__(self, make: Callable[[int], Outcome], count: int) -> None:
        self._make, self._count = make, count
        self._made: dict[int, Outcome] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < self._count:
            raise IndexError(i)
        if i not in self._made:
            self._made[i] = self._make(i)
        return self._made[i]


class LoadedExercise:
    """``solutions/<assignment>/<exercise>``, ready to grade.

    Raises:
        ExerciseError: a file is missing or wrong.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.id = folder.name
        self.folder = folder
        self.device = device
        self.reference = read_script(folder / "notebook.py")
        self.spec = load_grading(folder / "grading.py")
        self.cases = list(self.spec.cases(Random(self.id)))
        if device == "cpu":
            self.cases = [case for case in self.cases if case.dtype != "float16"]
        self._combined: dict[tuple[int, int], dict[str, Any] | None] = {}
        self._scope = self.scope_of("\n\n".join(self.reference.answer))

    @cached_property
    def calls(self) -> list[Call]:
        """One call a case, in the order of the cases."""
        return [self._call(case) for case in self.cases]

    @cached_property
    def expected(self) -> list[Outcome]:
        """What the reference gives for each call, computed in float64 on the CPU."""
        wide = [replace(call.cast("float64"), device="cpu", measure=False, watched=()) for call in self.calls]
        return [self.perform(call, self._scope) for call in wide]

    @cached_property
    def predictions(self) -> list[tuple[Mistake, Sequence[Outcome]]]:
        """What each variant of each known mistake gives for each call; every outcome is made when first looked at."""
        return [(known, self._predicted(variant)) for known, variant in variants(self.spec.mistakes)]

    def _predicted(self, variant: Variant) -> Predicted:
        scope: list[dict[str, Any]] = []

        def outcome(i: int) -> Outcome:
            if not scope:
                scope.append(self.scope_of(self.text_of(variant)))
            return self.perform(self.calls[i], scope[0])

        return Predicted(outcome, len(self.cases))

    def combined(self, first: int, second: int, cases: Sequence[int]) -> dict[int, Outcome]:
        """What two variants of the reference, by their numbers in `predictions`, give together in some cases."""
        key = (first, second)
        if key not in self._combined:
            try:
                known = [variant for _, variant in variants(self.spec.mistakes)]
                text = known[second].apply(self.text_of(known[first]), self.spec.targets)
                self._combined[key] = self.scope_of(text)
            except (ValueError, ExerciseError):
                self._combined[key] = None
        scope = self._combined[key]
        return {} if scope is None else {i: self.perform(self.calls[i], scope) for i in cases}

    def text_of(self, variant: Variant) -> str:
        """A variant of the reference as the text of a submission."""
        try:
            return variant.apply("\n\n".join(self.reference.answer), self.spec.targets)
        except ValueError as error:
            raise ExerciseError(f"{self.folder / 'grading.py'}: {error}") from None

    def text_of_oracle(self, oracle: Any) -> str:
        """An oracle as the text of a submission: the reference with one target defined anew."""
        source = "\n\n".join(self.reference.answer)
        return f"{source}\n\n{definition_of(oracle)}\n"

    def perform(self, call: Call, scope: dict[str, Any]) -> Outcome:
        """Make one call of trusted code, in this process."""
        with _trusted_run():
            return detached(perform(call, scope))

    def scope_of(self, text: str) -> dict[str, Any]:
        """The namespace that trusted code makes up."""
        with _trusted_run():
            scope = new_scope()
            errors = run_cells([text], scope)
        if errors:
            raise ExerciseError(
                f"{self.id}: the reference, or a variant made of it, raises {errors[0].type}: {errors[0].message}"
            )
        return scope

    def _call(self, case: Case) -> Call:
        return Call(
            target=case.target or self.spec.targets[0],
            args=case.args,
            kwargs=case.kwargs,
            init=case.init,
            init_kwargs=case.init_kwargs,
            state=self._state(case),
            train=case.train,
            gradients=case.gradients,
            twice=case.twice,
            measure=case.max_elements is not None,
            drive=None if case.drive is None else definition_of(case.drive),
            drive_name="" if case.drive is None else case.drive.__name__,
            watched=self.spec.forbidden,
            device=self.device,
        ).cast(case.dtype)

    def _state(self, case: Case) -> dict[str, Tensor] | None:
        if case.init is None or not case.load_state or case.raises:
            return None
        module = self._scope[case.target or self.spec.targets[0]](*case.init, **case.init_kwargs)
        if not isinstance(module, nn.Module):
            return None
        return reference_state(module, Random(f"{self.id}: {case.reason}"))


def reference_state(module: nn.Module, rand: Random) -> dict[str, Tensor]:
    """Parameters that make every part of a module count: no zero biases, no unit gains; buffers stay as they are.

    Matrices have entries N(0, 1/fan_in), so that N(0, 1) inputs give N(0, 1) projections; embeddings are N(0, 1).
    """
    embeddings = {id(part.weight) for part in module.modules() if isinstance(part, nn.Embedding)}
    drawn: dict[int, Tensor] = {}
    for name, parameter in module.named_parameters():
        shape = tuple(parameter.shape)
        if parameter.dim() >= 2:
            fan_in = 1 if id(parameter) in embeddings else parameter[0].numel()
            drawn[id(parameter)] = rand.normal(*shape, std=fan_in**-0.5)
        elif name.endswith("weight"):
            drawn[id(parameter)] = 1.0 + rand.normal(*shape, std=0.3)
        else:
            drawn[id(parameter)] = rand.normal(*shape, std=0.5)
    state = module.state_dict(keep_vars=True)
    return {name: drawn.get(id(value), value.detach().clone()) for name, value in state.items()}


def load_grading(path: Path) -> Exercise:
    """The ``exercise`` that a ``grading.py`` defines."""
    if not path.is_file():
        raise ExerciseError(f"{path}: no such file; every exercise has a grading.py")
    # What several exercises share lies in solutions/, and is imported by its plain name.
    shared = str(path.parent.parent.parent)
    if shared not in sys.path:
        sys.path.insert(0, shared)
    spec = importlib.util.spec_from_file_location(f"grading_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # inspect finds the source of a class through its module
    siblings = find_sibling.set(lambda name: _sibling(Path(shared) / name))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ExerciseError(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        find_sibling.reset(siblings)
    exercise = getattr(module, "exercise", None)
    if not isinstance(exercise, Exercise):
        raise ExerciseError(f"{path}: defines no `exercise = Exercise(...)`")
    return exercise


def _sibling(folder: Path) -> Sibling:
    return Sibling(load_grading(folder / "grading.py"), "\n\n".join(read_script(folder / "notebook.py").answer))


@cache
def load_exercise(folder: Path, device: str = "cpu") -> LoadedExercise:
    """An exercise, loaded once a process."""
    return LoadedExercise(folder, device)


def untrusted_cells(cells: Iterable[str], left_out: frozenset[str]) -> list[str]:
    """The cells of a submission as grading runs them: unchanged copies of those that only show something are empty."""
    return ["" if cell.strip() in left_out else cell for cell in cells]
