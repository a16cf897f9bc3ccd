"""YAML with the lines where things stand, and what to write where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(Exception):
    """A file cannot be read, or is not a mapping in YAML; says where."""


@dataclass(frozen=True)
class Yaml:
    """A file's content, and where it stands."""

    data: dict[Any, Any]
    tree: Any

    def line(self, location: tuple[Any, ...]) -> int:
        """The line of a place in the file, or of the nearest part around it that exists."""
        node = self.tree
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


def read_yaml(path: Path, form: str = "this file is a mapping: `name: …` lines") -> Yaml:
    """Read a mapping; ``form`` says what it should be.

    Raises:
        YamlError: it is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_LOADER)
        data = yaml.load(text, Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise YamlError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise YamlError(f"{where}: this is not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(data, dict):
        raise YamlError(f"{path}:1: {form}")
    for key in _repeated(tree):
        raise YamlError(f"{path}:{key.start_mark.line + 1}: `{key.value}` is there twice; remove one of them")
    return Yaml(data, tree)


def _repeated(node: Any) -> Iterator[Any]:
    """Keys that a mapping has already; YAML would let the last one win."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for i, (key, _) in enumerate(node.value) if key.value in keys[:i])
        for _, value in node.value:
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def advice(error: dict[str, Any], owner: str) -> str:
    """What to do about one of pydantic's errors in a setting of ``owner``."""
    name = ".".join(str(part) for part in error["loc"] if not isinstance(part, int))
    match error["type"]:
        case "missing":
            return f"`{name}` is missing; add it here"
        case "extra_forbidden":
            return f"`{name}` is not a setting of {owner}; remove it or check its spelling"
        case "string_pattern_mismatch":
            return f"`{name}: {error['input']}` is no id; use small letters, digits, _ and -"
        case "value_error":
            return f"`{name}` {error['ctx']['error']}" if name else str(error["ctx"]["error"])
    return f"`{name}`: {error['msg'].lower()}, not {error['input']!r}"
