"""Stand-ins for what a notebook uses and a grader lacks: libraries that are not installed, and Jupyter itself.

A stand-in can be called, iterated, subclassed, and used as a decorator or an annotation. Where a value is asked of it,
it raises `MissingLibraryError`, which says what is missing.
"""

from __future__ import annotations

import builtins
import dis
import importlib.machinery
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

_import = builtins.__import__


class MissingLibraryError(ImportError):
    """A library that is not here is needed after all: the one that something stands in for. Its message is the name."""

    def __init__(self, needed: StandIn) -> None:
        super().__init__(needed.__dict__["_library"])


class StandIn:
    """Stands for anything of a library."""

    def __init__(self, library: str, wrapped: Any = None, name: str = "") -> None:
        self.__dict__.update(_library=library, _wrapped=wrapped, _name=name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return StandIn(self._library, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A function or class that is decorated comes back as it is."""
        if len(args) == 1 and not kwargs and isinstance(args[0], types.FunctionType | type):
            return args[0]  # used as a decorator
        if self._name == "trange" and args and all(isinstance(number, int) for number in args):
            return StandIn(self._library, range(*args))
        return StandIn(self._library, args[0] if args else None)

    def __getitem__(self, index: Any) -> StandIn:
        return StandIn(self._library)

    def __setitem__(self, index: Any, value: Any) -> None:
        pass

    def __or__(self, other: Any) -> StandIn:
        return self

    __ror__ = __or__

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return ()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        """What was wrapped, as ``tqdm(range(3))`` gives it; to be unpacked, as many as are asked for; else nothing."""
        if isinstance(self._wrapped, list | tuple | range | set | dict | types.GeneratorType) or (
            hasattr(type(self._wrapped), "__iter__") and not isinstance(self._wrapped, StandIn | str)
        ):
            return iter(self._wrapped)
        return iter([StandIn(self._library) for _ in range(_unpacked_into(sys._getframe(1)))])

    def _needed(self, *_: Any, **__: Any) -> Any:
        raise MissingLibraryError(self)

    __torch_function__ = classmethod(lambda cls, func, types, args=(), kwargs=None: _find(args, kwargs)._needed())


def _find(args: Any, kwargs: Any) -> StandIn:
    pending = [*args, *(kwargs or {}).values()]
    while pending:
        value = pending.pop()
        if isinstance(value, StandIn):
            return value
        if isinstance(value, tuple | list):
            pending += value
    return StandIn("a library")


_VALUES = (
    "__bool__ __len__ __int__ __float__ __index__ __contains__ __array__ __add__ __radd__ __sub__ __rsub__ __mul__ "
    "__rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__ __mod__ __pow__ __rpow__ __matmul__ __rmatmul__ "
    "__neg__ __abs__ __lt__ __le__ __gt__ __ge__"
)
for _name in _VALUES.split():
    setattr(StandIn, _name, StandIn._needed)


def _unpacked_into(frame: types.FrameType) -> int:
    """How many values the statement that a frame is at unpacks: two for ``figure, axes = subplots()``."""
    at = frame.f_lasti
    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset == at and instruction.opname in ("UNPACK_SEQUENCE", "UNPACK_EX"):
            return int(instruction.arg or 0) & 0xFF
    return 0


class StandInModule(types.ModuleType):
    """Stands for a module of a library."""

    def __init__(self, name: str, library: str, given: dict[str, Any] | None = None) -> None:
        super().__init__(name)
        self.__dict__.update(given or {}, __path__=[], _library=library)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return StandIn(self.__dict__["_library"], name=name)


class Imports:
    """Takes the place of ``__import__``: a library that is missing gets a stand-in, where the submission imports it.

    Imports by libraries are left alone, and so are those in functions and those that have a fallback around them.

    Args:
        scope: the submission's namespace; what has these globals is its own.
        guarded: whether the import in a line of a file has something around it that catches an ImportError.
    """

    def __init__(self, scope: dict[str, Any], guarded: Callable[[str, int], bool]) -> None:
        self.scope, self.guarded = scope, guarded
        self.missing: dict[str, tuple[str, int]] = {}
        """The libraries that were missing, with the file and line of the first import."""

    def install(self) -> None:
        """From now on, imports are made through this."""
        builtins.__import__ = self

    def provide(self, name: str, **given: Any) -> None:
        """Have a module of Jupyter's there without importing it."""
        sys.modules[name] = StandInModule(name, name.split(".")[0], given)

    def __call__(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """Import a module, or what stands for it."""
        top = name.partition(".")[0]
        own = globals is self.scope
        if not own and level == 0 and top in self.missing:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
        try:
            return _import(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as error:
            provided = isinstance(sys.modules.get(top), StandInModule)
            frame = sys._getframe(1)
            # In a function, an import that fails costs the call that needs it.
            own = own and frame.f_code.co_name == "<module>"
            if not own or level or (error.name != top and not provided):
                raise
            where = frame.f_code.co_filename, frame.f_lineno
            if not provided:
                if self.guarded(*where):
                    raise
                self.missing[top] = where
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                known = ".".join(parts[:count])
                if known not in sys.modules:
                    sys.modules[known] = StandInModule(known, top)
            return _import(name, globals, locals, fromlist, level)
