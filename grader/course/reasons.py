"""``cases.yml``: what the reasons of cases are in Chinese; one file for the course, or one beside an exercise."""

from __future__ import annotations

from pathlib import Path

from grader.course.errors import ExerciseError
from grader.course.lines import YamlError, read_yaml

FILE = "cases.yml"
OF_THE_GRADER = {
    "other calls in between": "中间穿插其他调用",
    "training and evaluation in turn": "训练与评估轮流进行",
    "the caller's random numbers": "调用者的随机数",
    "after a change of dtype": "改变 dtype 之后",
    "other sizes and orders": "其他尺寸和顺序",
    "every tensor strided in memory": "所有张量在内存中都不连续",
    "inputs thirty times as large": "放大到 30 倍的输入",
    "built in other sizes": "以其他尺寸构造",
    "training mode without dropout": "没有 dropout 的训练模式",
    "inputs on an accelerator": "位于加速器上的输入",
}
"""Of the questions that the grader derives."""


def read_reasons(*paths: Path) -> dict[str, str]:
    """Reasons in Chinese, by the reasons in English; of a file that is not there, nothing.

    Raises:
        ExerciseError: one is wrong; the message says where.
    """
    found = dict(OF_THE_GRADER)
    for path in paths:
        if not path.is_file():
            continue
        try:
            read = read_yaml(path, "this file is a mapping: `a reason: 中文` lines")
        except YamlError as error:
            raise ExerciseError(str(error)) from None
        for reason, said in read.data.items():
            if not isinstance(reason, str) or not isinstance(said, str) or not said:
                raise ExerciseError(f"{path}:{read.line((reason,))}: {reason!r} needs its Chinese, as text")
            found[reason] = said
    return found
