"""What is read back of what was written, and no more."""

from __future__ import annotations

from collections import UserDict

import torch
from torch import Tensor

from grader.wire.calls import Outcome
from grader.wire.encoding import Encoder, decode_outcome, encode_outcome


class Counting(UserDict[str, Tensor]):
    """The tensors of a file, each of which is read when it is looked at."""

    read = 0

    def __getitem__(self, name: str) -> Tensor:
        self.read += 1
        return super().__getitem__(name)


def test_of_a_file_only_an_answers_own_tensors_are_read() -> None:
    """A key has thousands: reading all of them for each answer took minutes."""
    encoder = Encoder(bounded=False)
    headers = [encode_outcome(Outcome(value=torch.full((2,), float(i))), encoder) for i in range(20)]
    tensors = Counting(encoder.tensors)
    answers = [decode_outcome(header, tensors).value for header in headers]
    assert [answer[0].item() for answer in answers] == list(range(20))
    assert tensors.read <= 2 * len(headers)
