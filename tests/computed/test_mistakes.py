"""What solutions/mistakes.yml quotes, in the sentences for learners and for lecturers."""

from __future__ import annotations

import math
import re

import pytest
import yaml
from helpers import ROOT
from quoting import softmax

SENTENCES = yaml.safe_load((ROOT / "solutions/mistakes.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("slug", "figures"),
    [
        ("masked-scores-zero", softmax(1, -1, 0)[1:]),
        ("mask-after-softmax", [0.5 / 0.8, 0.3 / 0.8]),
        ("overflow", softmax(100, 99)),
        ("scale-after-softmax", softmax(1, 0)),
        ("causal-mask-as-numbers", softmax(0, 1)),
        ("softmax-returned", [*softmax(1, 0, 0), -math.log(softmax(1, 0, 0)[0])]),
        ("embedding-scaled", [2**0.5]),
        ("scale-by-model-size", [512**0.5]),
        ("dropout-added", [1 / 0.9]),
    ],
)
def test_figures_of_lectures(slug: str, figures: list[float]) -> None:
    for language in ("en", "zh"):
        said = SENTENCES[slug]["lecture"][language]
        numbers = [(float(number), len(number.partition(".")[2])) for number in re.findall(r"\d+(?:\.\d+)?", said)]
        for figure in figures:
            assert any(abs(number - figure) <= 0.51 * 10**-digits for number, digits in numbers), (said, figure)
