"""What one submission may use, as ``limits`` in course.yml sets it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from grader.wire.bounds import MAX_HEADER_BYTES, MAX_NAMES_BYTES

BACKSTOP_TIMES = 20
BACKSTOP_LEAST_SECONDS = 30.0


class Limits(BaseModel):
    """Seconds are the submission's own CPU time: a busy machine costs nobody a point.

    Memory is beyond what the warm parent shares with its children.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(default=20.0, gt=0)
    call_seconds: float = Field(default=3.0, gt=0)
    memory_mb: int = Field(default=1024, ge=64)
    file_mb: int = Field(default=16, ge=0)
    answer_mb: int = Field(default=16, ge=1, le=64)
    """Of the tensors that one call returns. All answers of a submission are in the trusted process at once."""

    def backstop(self, seconds: float) -> float:
        """On the wall's clock: far beyond what so much CPU time takes on the busiest machine."""
        return max(BACKSTOP_TIMES * seconds, BACKSTOP_LEAST_SECONDS)

    @property
    def most_received(self) -> tuple[int, int]:
        """Bytes of JSON, and of tensors with their own header, in one frame from a child."""
        return MAX_HEADER_BYTES, self.answer_mb * 2**20 + MAX_NAMES_BYTES + 8

    def for_child(self, device: str) -> dict[str, Any]:
        """The limits as the child sets them on itself."""
        return {
            "cpu_seconds": int(self.seconds) + 5,
            "cells_seconds": self.seconds / 2,
            "call_seconds": self.call_seconds,
            "memory_bytes": self.memory_mb * 2**20,
            "file_bytes": self.file_mb * 2**20,
            "answer_bytes": self.answer_mb * 2**20,
            "address_space": device == "cpu",
        }
