"""An author's files, read and compiled into an answer key."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from grader.authoring.cases import Case
from grader.authoring.conduct import conduct
from grader.authoring.exercise import Exercise, Sibling, find_sibling
from grader.authoring.inputs import Inputs
from grader.authoring.mistakes import Variant
from grader.authoring.texts import definition_of, standing_alone
from grader.course.derived import derived
from grader.course.derived.asking import Reference
from grader.course.errors import ExerciseError
from grader.course.key import AnswerKey, KnownMistake, Predicted, Question
from grader.course.reasons import FILE as REASONS
from grader.course.reasons import read_reasons
from grader.course.script import read_script
from grader.course.sentences import FILE, Sentences, place_of, read_sentences, with_sentences
from grader.course.trusted import CodeError, run_call, scope_of, shapes_in, summed_up
from grader.wire.calls import Call, Outcome

GRADING = "grading.py"
_LACKING = {"cpu": "float16", "mps": "float64"}
"""The dtype in which a device computes not at all, or not everything: nobody is asked for it there."""
_ONLY_BUILT = "def only_built(module):\n    pass\n"


class Authored:
    """``solutions/<assignment>/<exercise>``.

    Raises:
        ExerciseError: a file is missing or wrong.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.id, self.folder, self.device = folder.name, folder, device
        self.script = read_script(folder / "notebook.py")
        self.spec = load_grading(folder / GRADING)
        try:
            cases = list(self.spec.cases(Inputs(self.id)))
        except Exception as error:
            raise ExerciseError(f"{_raised_at(error, folder / GRADING)}: {type(error).__name__}: {error}") from error
        for case in cases:
            if not isinstance(case, Case):
                more = "; write `yield from`" if isinstance(case, Iterator) else ""
                raise ExerciseError(f"{folder / GRADING}: cases yields {case!r}, which is no Case{more}")
        lacking = _LACKING.get(device.split(":")[0], "")
        self.cases = [case for case in cases if case.dtype != lacking]
        self.reference = "\n\n".join(self.script.answer)
        self._scope = self.scope_of(self.reference)
        self._zh = read_reasons(folder.parents[1] / REASONS, folder / REASONS)

    def key(self, points: float) -> AnswerKey:
        """The exercise as data; what mistakes answer is made when it is first looked at."""
        spec, own = self.spec, tuple(map(self._question, self.cases))
        questions = (*own, *self._derived(own))
        return AnswerKey(
            exercise=self.id,
            points=points,
            targets=spec.targets,
            outputs=spec.outputs,
            forbidden=spec.forbidden,
            forbidden_imports=spec.forbidden_imports,
            questions=questions,
            mistakes=tuple(self._mistakes(questions)),
            reference=self.reference,
            stub=self.script.handed_out,
            left_out=self.script.left_out,
            device=self.device,
        )

    def _derived(self, own: tuple[Question, ...]) -> Iterator[Question]:
        found = {name: self._scope.get(name) for name in self.spec.targets}
        classes = {name: one for name, one in found.items() if isinstance(one, type) and issubclass(one, nn.Module)}
        reference = Reference(self._right, self._same, self._fresh, self.reference)
        for question in derived(own, classes, reference):
            if question.reason not in self.spec.without:
                yield question

    def _same(self, call: Call) -> Outcome:
        """What the reference answers in the call's own dtype."""
        return run_call(replace(call, device="cpu"), self._scope)

    def _fresh(self, call: Call) -> Call | None:
        """The call of a module with a state for the sizes that it is built in."""
        assert call.init is not None
        try:
            module = self._scope[call.target](*call.init, **call.init_kwargs)
        except Exception:  # whatever a reference says to sizes that do not fit each other
            return None
        return replace(call, state=reference_state(module, Inputs(f"{self.id}: {call.init} {call.init_kwargs}")))

    def _mistakes(self, questions: tuple[Question, ...]) -> Iterator[KnownMistake]:
        for mistake in self.spec.mistakes:
            assert mistake.sentence is not None
            for variant in mistake.variants:
                predicted = Predicted(questions, self._text_of(mistake.slug, variant))
                family, text, _ = mistake.sentence
                yield KnownMistake(mistake.slug, family, text, variant, predicted)

    @cached_property
    def oracles(self) -> dict[str, str]:
        """The oracles as texts of submissions: the reference with one target defined anew."""
        return {oracle.__name__: f"{self.reference}\n\n{definition_of(oracle)}\n" for oracle in self.spec.oracles}

    def scope_of(self, text: str) -> dict[str, Any]:
        """The namespace that the reference, or something made of it, makes up."""
        try:
            return scope_of(text)
        except CodeError as error:
            raise ExerciseError(f"{self.id}: the reference, or a variant made of it, raises {error}") from None

    def _text_of(self, slug: str, variant: Variant) -> str:
        try:
            return variant.apply(self.reference, self.spec.targets)
        except ValueError as error:
            raise ExerciseError(f"{place_of(slug, self.folder / GRADING)}: {slug!r}: {error}") from None

    def _question(self, case: Case) -> Question:
        call = self._call(case)
        right = self._right(call)
        summary, shapes = "", shapes_in(right.value)
        if case.summary is not None:
            summary = self._standing_alone(case, case.summary)
            right = summed_up(right, summary, _wide(call), shapes)
        return Question(
            reason=case.reason,
            family=case.family,
            call=call,
            right=right,
            tolerance=case.tolerance,
            max_elements=case.max_elements,
            raises=case.raises,
            fault="" if case.fault is None else self._standing_alone(case, case.fault),
            summary=summary,
            shapes=shapes,
            public=case.public,
            essential=case.essential,
            weight=case.weight,
            zh=self._zh.get(case.reason, ""),
            needs_the_rest=case.needs_the_rest,
        )

    def _right(self, call: Call) -> Outcome:
        """What the reference answers, computed in float64 on the CPU."""
        return run_call(_wide(call), self._scope)

    def _call(self, case: Case) -> Call:
        called = case.called
        call = Call(
            target=case.target or self.spec.targets[0],
            args=called.args or (),
            kwargs=called.kwargs,
            init=called.init,
            init_kwargs=called.init_kwargs,
            state=self._state(case),
            own_parameters=called.own_parameters,
            train=called.training,
            gradients=case.gradients,
            twice=case.twice,
            measure=case.max_elements is not None,
            watched=self.spec.forbidden,
            device=self.device,
            names=self._argument_names(case),
        ).cast(case.dtype)
        if case.probe is not None:
            return replace(call, probe=self._standing_alone(case, case.probe), probe_name=case.probe.__name__)
        return call if called.args is not None else replace(call, probe=_ONLY_BUILT, probe_name="only_built")

    def _argument_names(self, case: Case) -> tuple[str, ...]:
        """The names of the arguments that are given by position."""
        called = case.probe or self._scope.get(case.target or self.spec.targets[0])
        if case.probe is None and case.called.init is not None:
            called = getattr(called, "forward", None)
        if called is None or not callable(called):
            return ()
        # Before them stands the target that a probe is told, or the ``self`` of a method.
        told = case.probe is not None or case.called.init is not None
        names = list[str]()
        for parameter in list(inspect.signature(called).parameters.values())[told:]:
            if parameter.kind is parameter.VAR_POSITIONAL:
                more = len(case.called.args or ()) - len(names)
                return (*names, *(f"{parameter.name}[{i}]" for i in range(more)))
            names.append(parameter.name)
        return tuple(names)

    def _standing_alone(self, case: Case, function: Any) -> str:
        try:
            return standing_alone(function, self.folder.parents[1])
        except ValueError as error:
            raise ExerciseError(f"{self.folder / GRADING}: {case.reason!r}: {error}") from None

    def _state(self, case: Case) -> dict[str, Tensor] | None:
        called = case.called
        if called.init is None or called.own_parameters or case.raises:
            return None
        try:
            module = self._scope[case.target or self.spec.targets[0]](*called.init, **called.init_kwargs)
        except Exception as error:
            said = f"the reference cannot be built: {type(error).__name__}: {error}"
            raise ExerciseError(f"{self.folder / GRADING}: {case.reason!r}: {said}") from error
        if not isinstance(module, nn.Module):
            return None
        return reference_state(module, Inputs(f"{self.id}: {case.reason}"))


def _wide(call: Call) -> Call:
    return replace(call.cast("float64"), device="cpu", measure=False, watched=())


def _raised_at(error: Exception, path: Path) -> str:
    """The file, with the line in it that an exception came through last, or that is no Python."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def reference_state(module: nn.Module, rand: Inputs) -> dict[str, Tensor]:
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
    """The ``exercise`` that a ``grading.py`` defines, its mistakes with their sentences.

    Raises:
        ExerciseError: a file is missing or wrong.
    """
    if not path.is_file():
        raise ExerciseError(f"{path}: no such file; every exercise has a {GRADING}")
    # What several exercises share lies in solutions/, and is imported by its plain name.
    shared = path.parent.parent.parent
    _find_first(shared)
    spec = importlib.util.spec_from_file_location(f"grading_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # inspect finds the source of a class through its module
    siblings = find_sibling.set(lambda name: _sibling(shared / name))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ExerciseError(f"{_raised_at(error, path)}: {type(error).__name__}: {error}") from error
    finally:
        find_sibling.reset(siblings)
    exercise = getattr(module, "exercise", None)
    if not isinstance(exercise, Exercise):
        raise ExerciseError(f"{path}: defines no `exercise = Exercise(...)`")
    own, course = read_sentences(path.with_name(FILE)), read_sentences(shared / FILE)
    mistakes = with_sentences(exercise.mistakes, own, course, path)
    made_anywhere = conduct(exercise.forbidden, exercise.outputs, {mistake.slug for mistake in mistakes})
    said = [mistake for mistake in made_anywhere if mistake.slug in course.by_slug]
    return replace(exercise, mistakes=(*mistakes, *with_sentences(said, Sentences.none(), course, path)))


def _find_first(folder: Path) -> None:
    """Have the files of a folder found by their plain names, and forget those of another course."""
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    for path in folder.glob("*.py"):
        loaded = sys.modules.get(path.stem)
        if loaded is not None and Path(getattr(loaded, "__file__", None) or path) != path:
            del sys.modules[path.stem]


def _sibling(folder: Path) -> Sibling:
    return Sibling(load_grading(folder / GRADING), "\n\n".join(read_script(folder / "notebook.py").answer))
