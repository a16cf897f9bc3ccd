"""A function of an author's file travels as text, with all that it uses; what cannot travel is refused."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.authoring.texts import definition_of, standing_alone

Write = Callable[..., ModuleType]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file of a course, and import it."""
    monkeypatch.syspath_prepend(tmp_path)

    def written(text: str, name: str = "authors_file") -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        module = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, module)  # so that it is gone after the test
        return module

    return written


def travelled(function: Any, folder: Path) -> Callable[..., Any]:
    """The function as it is where its text has been run, and nothing else."""
    names: dict[str, Any] = {}
    text = standing_alone(function, folder)
    assert folder.name not in text
    exec(text, names)
    made: Callable[..., Any] = names[function.__name__]
    return made


def test_helpers_constants_and_imports_come_along(write: Write, tmp_path: Path) -> None:
    module = write("""
import math
import os.path as paths
from collections import Counter as Counted

LIMITS = {"low": (1, -2.5), "high": [None, True, "x"], "set": {3}}

def helper(x, by=LIMITS):
    return by["low"][0] + x

def unused():
    return paths

def main(x):
    return helper(math.floor(x)), Counted("aab")["a"], LIMITS
""")
    assert travelled(module.main, tmp_path)(2.5) == (3, 2, module.LIMITS)
    text = standing_alone(module.main, tmp_path)
    assert "unused" not in text
    assert "paths" not in text


def test_what_lies_in_another_file_of_the_course_comes_along(write: Write, tmp_path: Path) -> None:
    write("OFFSET = 2\n\ndef shift(x):\n    return x + OFFSET\n", "authors_shared")
    module = write("from authors_shared import shift as moved\n\ndef main(x):\n    return moved(x)\n")
    assert travelled(module.main, tmp_path)(1) == 3
    assert "import shift" not in standing_alone(module.main, tmp_path)


def test_a_module_of_the_course_is_refused(write: Write, tmp_path: Path) -> None:
    write("def shift(x):\n    return x\n", "authors_shared")
    module = write("import authors_shared\n\ndef main(x):\n    return authors_shared.shift(x)\n")
    with pytest.raises(ValueError, match="authors_shared: import the names that are used"):
        standing_alone(module.main, tmp_path)


def test_sentences_come_along(write: Write, tmp_path: Path) -> None:
    module = write("""
from grader.authoring import Text

SAID = Text("wrong", "错")

def constant(value, expected):
    return SAID

def made(value, expected):
    return Text(f"wrong by {value - expected}", "错")
""")
    assert travelled(module.constant, tmp_path)(1, 1) == ("wrong", "错")
    assert travelled(module.made, tmp_path)(3, 1) == ("wrong by 2", "错")


def test_classes_come_along(write: Write, tmp_path: Path) -> None:
    module = write("""
import math

START = 7

class Base:
    start = START

class Derived(Base):
    def twice(self):
        return 2 * math.floor(self.start)

def main():
    return Derived().twice()
""")
    assert travelled(module.main, tmp_path)() == 14


def test_functions_that_call_themselves_or_each_other(write: Write, tmp_path: Path) -> None:
    module = write("""
def factorial(n):
    return n * factorial(n - 1) if n else 1

def even(n):
    return n == 0 or odd(n - 1)

def odd(n):
    return n != 0 and even(n - 1)
""")
    assert travelled(module.factorial, tmp_path)(4) == 24
    assert travelled(module.even, tmp_path)(10) is True


def test_names_used_in_inner_functions_and_comprehensions(write: Write, tmp_path: Path) -> None:
    module = write("""
ONE, TWO, THREE = 1, 2, 3

def main(numbers):
    def inner(x):
        return x + ONE
    return [inner(x) + TWO for x in numbers if (lambda y: y < THREE)(x)]
""")
    assert travelled(module.main, tmp_path)([1, 2, 3]) == [4, 5]


def test_annotations_do_not_count(write: Write, tmp_path: Path) -> None:
    module = write("""
from typing import Any

class Cannot:
    def __reduce__(self): ...

unwritable = Cannot()

def main(x: unwritable, y: Any = 1) -> unwritable:
    z: unwritable = y
    return x + z
""")
    assert travelled(module.main, tmp_path)(1) == 2
    assert "Cannot" not in standing_alone(module.main, tmp_path)


def test_names_that_libraries_keep_elsewhere(write: Write, tmp_path: Path) -> None:
    """`torch.softmax` says of itself that it is torch._VariableFunctionsClass.softmax."""
    module = write("""
import torch.nn.functional as F
from torch import Tensor, softmax, tensor
from grader.authoring import worst

def main(numbers):
    x = tensor(numbers)
    return isinstance(x, Tensor) and worst(softmax(x, 0), F.softmax(x, 0)) < 1e-6
""")
    assert travelled(module.main, tmp_path)([1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "needs"),
    [
        ("[1, object()]", ""),
        ("torch.ones(2)", "import torch"),
        ("functools.cache(len)", "import functools"),
        ("float('-inf')", ""),
        ("(1.0, float('nan'))", ""),
    ],
)
def test_what_cannot_be_written_down_is_refused(write: Write, tmp_path: Path, value: str, needs: str) -> None:
    module = write(f"{needs}\nVALUE = {value}\n\ndef main():\n    return VALUE\n")
    with pytest.raises(ValueError, match=r"VALUE = .* cannot be written down as text; make it within the function"):
        standing_alone(module.main, tmp_path)


def test_a_name_that_means_two_things_is_refused(write: Write, tmp_path: Path) -> None:
    write("SCALE = 2\n\ndef shift(x):\n    return x * SCALE\n\ndef kept(x):\n    return x\n", "authors_shared")
    module = write("""
from authors_shared import kept as kept_there, shift

SCALE = 3

def kept(x):
    return -x

def constants(x):
    return shift(x) + SCALE

def functions(x):
    return kept(x) + kept_there(x)
""")
    with pytest.raises(ValueError, match="'SCALE' means two things; give one of them another name"):
        standing_alone(module.constants, tmp_path)
    with pytest.raises(ValueError, match="'kept' means two things"):
        standing_alone(module.functions, tmp_path)


def test_only_functions_at_the_top_level_travel(write: Write, tmp_path: Path) -> None:
    module = write("""
from functools import partial

def outer(n):
    def closure(x):
        return x + n
    return closure

closure = outer(1)
unnamed = lambda x: x
bound = partial(outer, 1)

class Callable:
    def __call__(self, x): ...
""")
    for function in (module.closure, module.unnamed, module.bound, module.Callable(), module.Callable, len):
        with pytest.raises(ValueError, match="must be a function at the top level of its file"):
            standing_alone(function, tmp_path)


def test_a_definition_is_without_decorators_and_at_top_level(write: Write) -> None:
    module = write("""
import functools

class Holder:
    @staticmethod
    @functools.cache
    def inner():
        return 1
""")
    assert definition_of(module.Holder.inner) == "def inner():\n    return 1\n"
