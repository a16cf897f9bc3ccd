"""A tiny assembler for the kernel's packet-filter language (classic BPF), in which a jump names where it goes."""

from __future__ import annotations

import struct

LOAD_WORD, JUMP, EQUAL, GREATER, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06
NEXT = ""
"""Names the next step: the program just goes on."""


class Program:
    """A filter program, written step by step. Jumps go forwards only, as the kernel demands."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int, str, str]] = []
        self._places: dict[str, int] = {}

    def load(self, offset: int) -> None:
        """Load the word at this offset of what is filtered; the tests that follow look at it."""
        self._steps.append((LOAD_WORD, offset, NEXT, NEXT))

    def test(self, kind: int, value: int, then: str = NEXT, otherwise: str = NEXT) -> None:
        """Compare the loaded word with a value, and go on at one label or at the other."""
        self._steps.append((kind, value, then, otherwise))

    def jump(self, label: str) -> None:
        """Go on at a label."""
        self._steps.append((JUMP, 0, label, NEXT))

    def answer(self, value: int) -> None:
        """End with this answer."""
        self._steps.append((RETURN, value, NEXT, NEXT))

    def label(self, name: str) -> None:
        """Name the step that comes next."""
        if name in self._places:
            raise ValueError(f"label {name!r} is there twice")
        self._places[name] = len(self._steps)

    def assembled(self) -> bytes:
        """The program as the kernel reads it: eight bytes a step."""
        return b"".join(self._assembled(here, *step) for here, step in enumerate(self._steps))

    def _assembled(self, here: int, code: int, value: int, then: str, otherwise: str) -> bytes:
        if code == JUMP:
            return struct.pack("=HBBI", code, 0, 0, self._distance(here, then))
        return struct.pack("=HBBI", code, self._distance(here, then), self._distance(here, otherwise), value)

    def _distance(self, here: int, label: str) -> int:
        """How many steps a jump leaves out."""
        if label == NEXT:
            return 0
        distance = self._places[label] - here - 1
        if distance < 0:
            raise ValueError(f"a jump back to {label!r}")
        return distance
