"""The same path on an accelerator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import RIGHT

from grader.course.course import LocatedCourse
from grader.session import Session
from grader.submission.reader import Submission

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here"),
]


def test_right_and_wrong_on_cuda(course: LocatedCourse) -> None:
    with Session(course, "cuda") as session:
        grader = session.grader("scaled_dot_product_attention")
        assert any(call.dtype == "float16" for call in grader.key.calls)
        assert grader.grade_cells(Submission(Path("<test>"), (RIGHT,))).passed
        on_cpu = RIGHT.replace("return torch.matmul(weights, v), weights", "return (weights @ v).cpu(), weights")
        report = grader.grade_cells(Submission(Path("<test>"), (on_cpu,)))
        assert report.diagnosis[0].family == "dtype"
