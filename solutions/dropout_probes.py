"""Whether dropout on the weights of multi-head attention works in training, and rests in evaluation."""

from __future__ import annotations

import torch
from shared import with_layers
from torch import Tensor

from grader.authoring import Text, worst

HEADS, DROPPED = 2, 0.25
"""Of the module that `dropped` judges."""


def two_calls(module, *inputs):
    """For `settled`: what two calls with the same inputs give."""
    return module(*inputs), module(*inputs)


def settled(value: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> Text | None:
    """Judges two calls in evaluation mode, in which nothing may be dropped."""
    if worst(value[0], value[1]) > 1e-4:
        return Text(
            "In evaluation mode two calls with the same input differ: dropout is still at work.",
            "在评估模式下，同样的输入两次调用结果不同：dropout 仍在起作用。",
        )
    if worst(value[0], expected[0]) > 1e-4:
        return Text(
            "In evaluation mode a module with dropout does not give what one without dropout gives.",
            "在评估模式下，带 dropout 的模块与不带 dropout 的模块结果不同。",
        )
    return None


def sums_of_weights(module, x):
    """Two calls in training; and, with values of 1 and no projection after, the sum of each row."""
    twice = module(x, x, x), module(x, x, x)
    ones, nothing, same = torch.ones_like(x), torch.zeros(x.shape[-1], x.shape[-1]), torch.eye(x.shape[-1])
    layers = {"q_proj": nothing, "k_proj": nothing, "v_proj": same, "out_proj": same}
    with torch.no_grad():
        return *twice, with_layers(module, layers, ones, ones, ones)


def dropped(value: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> Text | None:
    """Judges 512 rows of 32 equal weights. All bounds are at least six standard deviations wide."""
    first, second, output = value
    if output.shape != expected[2].shape:
        return Text("In training the output has another shape.", "训练模式下输出的形状不对。")
    sums = output.double().unflatten(-1, (HEADS, -1))
    rows = sums[..., 0]
    variance = DROPPED / (1 - DROPPED) / rows.shape[1]
    wrong = [
        (torch.equal(first, second), "In training mode nothing is dropped.", "训练模式下什么都没有被丢弃。"),
        (
            worst(sums, rows.unsqueeze(-1).expand_as(sums)) > 1e-3,
            "Dropout acts on single features of the values or of the output; it acts on the weights.",
            "dropout 作用在了值或输出的单个特征上；它应当作用于权重。",
        ),
        (
            float(rows.abs().max()) < 1e-3,
            "In training the values from v_proj do not reach the output.",
            "训练模式下 v_proj 给出的值没有传到输出。",
        ),
        (
            worst(rows, rows.round()) < 1e-3 and float(rows.var()) < variance / 10,
            "In training the weights that are used still sum to 1: dropout acts before the softmax, or the weights are "
            "normalised again. It acts on the weights, and what is kept is only divided by 1 − p.",
            "训练时所用的权重之和仍为 1：dropout 放在了 softmax 之前，或者之后又做了归一化。"
            "它应作用于权重，保留下来的只除以 1 − p。",
        ),
        (
            abs(float(rows.mean()) - 1) > 0.1,
            "In training the weights do not keep their mean: each is dropped with probability p, and what is kept is "
            "divided by 1 − p.",
            "训练时权重的均值没有保持不变：每个权重以概率 p 丢弃，保留下来的除以 1 − p。",
        ),
        (
            any(worst(rows.select(axis, 0), rows.select(axis, 1)) < 1e-3 for axis in range(3)),
            "The same weights are dropped for every sequence, query or head; each entry is drawn by itself.",
            "每个序列、查询或头丢弃的是同样的权重；每个元素应当独立抽样。",
        ),
        (
            not 0.4 < float(rows.var()) / variance < 1.7,
            "In training the share of weights that is dropped is not p, or they are not dropped one by one.",
            "训练时被丢弃的权重比例不是 p，或者不是逐个丢弃的。",
        ),
    ]
    return next((Text(en, zh) for found, en, zh in wrong if found), None)
