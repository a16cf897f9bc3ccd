"""Limits on what crosses the boundary. A sender that goes beyond one is not to be trusted."""

from __future__ import annotations

import struct

FRAME = struct.Struct("!II")
MAX_FRAME_BYTES = 64 * 2**20
MAX_HEADER_BYTES = 2 * 2**20
"""Of the JSON in one outcome: parsed, it takes up to thirty times as much memory."""
MAX_TENSORS = 256
MAX_NAMES_BYTES = 2**16
"""Of the names, shapes and places of tensors, before the tensors themselves."""
MAX_AXES = 16
MAX_DEPTH = 12
MAX_ITEMS = 10_000
"""Of everything in one answer."""
MAX_TEXT = 2_000
"""Characters of any text that comes back."""
MAX_ERRORS = 40
"""Of a submission's statements, that are told of."""
MAX_BITS = 256
"""Of an integer: a larger one may be no float, and takes long to print."""


class WireError(ValueError):
    """A message that does not follow the format; the sender is not to be trusted."""
