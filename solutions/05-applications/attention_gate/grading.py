"""How the attention gate is graded."""

from collections.abc import Iterator

import shared
import torch
from torch import nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def pair(gate: tuple[int, ...], skip: tuple[int, ...], std: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        return rand.normal(*gate, std=std), rand.normal(*skip, std=std)

    yield Case(
        "gate and skip of one size",
        pair((2, 6, 5, 7), (2, 4, 5, 7)),
        init=(6, 4, 8),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("one hidden channel, one gate channel", pair((3, 1, 4, 5), (3, 2, 4, 5)), init=(1, 2, 1))
    yield Case("as many gate channels as skip channels", pair((2, 4, 3, 5), (2, 4, 3, 5)), init=(4, 4, 6))
    yield Case(
        "a gate half as large",
        pair((2, 5, 3, 4), (2, 3, 6, 8)),
        init=(5, 3, 7),
        family="shape",
        gradients=True,
        public=True,
    )
    yield Case("a gate of another shape", pair((2, 3, 2, 5), (2, 4, 7, 6)), init=(3, 4, 6), family="shape")
    yield Case("only the widths differ", pair((1, 3, 6, 4), (1, 2, 6, 9)), init=(3, 2, 5), family="shape")
    yield Case("only the heights differ", pair((1, 3, 2, 8), (1, 2, 5, 8)), init=(3, 2, 5), family="shape")
    yield Case("a gate larger than its skip", pair((2, 3, 8, 9), (2, 5, 4, 6)), init=(3, 5, 6), family="shape")
    yield Case("one image, one position", pair((1, 4, 1, 1), (1, 3, 1, 1)), init=(4, 3, 5), family="shape")
    gate, skip = pair((2, 4, 3, 5), (2, 6, 3, 5))
    yield Case(
        "memory in another order (channels last)",
        (gate.to(memory_format=torch.channels_last), skip.to(memory_format=torch.channels_last)),
        init=(4, 6, 7),
        family="shape",
    )
    yield Case("values in the thousands", pair((2, 4, 3, 4), (2, 3, 3, 4), 3000.0), init=(4, 3, 8), tolerance=1e-2)
    yield Case("float64", pair((2, 3, 2, 3), (2, 4, 4, 6)), init=(3, 4, 5), dtype="float64", family="dtype")
    yield Case("bfloat16", pair((2, 3, 2, 3), (2, 4, 4, 6)), init=(3, 4, 5), dtype="bfloat16", family="dtype")


def AttentionGate(gate_channels, skip_channels, inter_channels):
    """The oracle: position by position, with bilinear weights by hand."""

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
            self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
            self.psi = nn.Conv2d(inter_channels, 1, 1)

        def forward(self, gate, skip):
            def along(position, size, new):
                place = min(max((position + 0.5) * size / new - 0.5, 0.0), size - 1.0)
                low = int(place)
                return low, min(low + 1, size - 1), place - low

            def dense(layer, vector):
                return vector @ layer.weight.flatten(1).T + layer.bias

            (h, w), (height, width) = gate.shape[-2:], skip.shape[-2:]
            rows = []
            for i in range(height):
                top, bottom, down = along(i, h, height)
                row = []
                for j in range(width):
                    left, right, across = along(j, w, width)
                    above = gate[..., top, left] * (1 - across) + gate[..., top, right] * across
                    below = gate[..., bottom, left] * (1 - across) + gate[..., bottom, right] * across
                    here = above * (1 - down) + below * down
                    hidden = (dense(self.w_gate, here) + dense(self.w_skip, skip[..., i, j])).clamp_min(0)
                    row.append(dense(self.psi, hidden).sigmoid())
                rows.append(torch.stack(row, dim=-1))
            alpha = torch.stack(rows, dim=-2)
            return skip * alpha, alpha

    return Loop()


RESIZE = """        if gate.shape[-2:] != skip.shape[-2:]:
            gate = F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)
"""
INTERPOLATE = 'F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)'
SUM = "self.w_gate(gate) + self.w_skip(skip)"
SIGMOID = "torch.sigmoid(self.psi(hidden))"
RETURN = "return alpha * skip, alpha"

mistakes = (
    mistake(
        "gates-the-gate",
        "shape",
        edit(RETURN, "return alpha * gate, alpha"),
        en="α is multiplied with the gate signal. It gates the skip: out = α · skip, with the skip's channels.",
        zh="α 乘到了门控信号上。它应当作用于跳跃特征：out = α · skip，通道数与 skip 相同。",
    ),
    mistake(
        "softmax-gate",
        "normalization",
        edit(SIGMOID, "torch.softmax(self.psi(hidden), dim=1)"),
        edit(SIGMOID, "torch.softmax(self.psi(hidden), dim=-1)"),
        edit(SIGMOID, "torch.softmax(self.psi(hidden), dim=-2)"),
        edit(SIGMOID, "torch.softmax(self.psi(hidden).flatten(1), dim=-1).view(len(skip), 1, *skip.shape[-2:])"),
        en="α comes from a softmax: positions (or the one channel) compete and sum to 1. Use a sigmoid: every "
        "position is "
        "opened or closed for itself.",
        zh="α 由 softmax 得到：各位置（或唯一的通道）相互竞争、之和为 1。请用 sigmoid，让每个位置独立地打开或关闭。",
    ),
    mistake(
        "no-sigmoid",
        "numerics",
        edit(SIGMOID, "self.psi(hidden)"),
        edit(SIGMOID, "torch.tanh(self.psi(hidden))"),
        edit(SIGMOID, "torch.relu(self.psi(hidden))"),
        edit(RETURN, "return alpha * skip, self.psi(hidden)"),
        en="psi's result is not passed through a sigmoid: α should lie between 0 and 1.",
        zh="psi 的结果没有经过 sigmoid：α 应当在 0 和 1 之间。",
    ),
    mistake(
        "no-relu",
        "numerics",
        edit(f"torch.relu({SUM})", SUM),
        en="The ReLU after the sum is missing: without it α depends on a linear function of gate and skip.",
        zh="求和之后缺少 ReLU：没有它，α 只取决于 gate 和 skip 的一个线性函数。",
    ),
    mistake(
        "relu-before-sum",
        "numerics",
        edit(f"torch.relu({SUM})", "torch.relu(self.w_gate(gate)) + torch.relu(self.w_skip(skip))"),
        en="The ReLU is applied to gate and skip one by one; it belongs after the sum, where the two can cancel.",
        zh="你对 gate 和 skip 分别做了 ReLU；应当先求和再做 ReLU，这样两者才能相互抵消。",
    ),
    mistake(
        "other-activation",
        "numerics",
        edit(f"torch.relu({SUM})", f"torch.tanh({SUM})"),
        edit(f"torch.relu({SUM})", f"torch.sigmoid({SUM})"),
        edit(f"torch.relu({SUM})", f"F.gelu({SUM})"),
        edit(f"torch.relu({SUM})", f"F.leaky_relu({SUM})"),
        en="After the sum stands another activation than a ReLU.",
        zh="求和之后用的不是 ReLU。",
    ),
    mistake(
        "product-inside",
        "numerics",
        edit(SUM, "self.w_gate(gate) * self.w_skip(skip)"),
        en="Gate and skip are multiplied inside the ReLU; this is additive attention: w_gate(g) + w_skip(x).",
        zh="ReLU 里把 gate 和 skip 相乘了；这是加性注意力：w_gate(g) + w_skip(x)。",
    ),
    mistake(
        "one-input-only",
        "numerics",
        edit(SUM, "self.w_gate(gate)"),
        edit(SUM, "self.w_skip(skip)"),
        en="α depends on only one of gate and skip. It takes both: w_gate(g) + w_skip(x).",
        zh="α 只取决于 gate 和 skip 中的一个。两者都要用：w_gate(g) + w_skip(x)。",
    ),
    mistake(
        "no-resize",
        "shape",
        edit(RESIZE, ""),
        en="The gate is not resized: where its height or width differs from the skip's, the sum does not fit. "
        "Interpolate it "
        "to skip.shape[-2:].",
        zh="没有缩放门控信号：它的高或宽与跳跃特征不同时无法相加。请插值到 skip.shape[-2:]。",
    ),
    mistake(
        "resizes-sometimes",
        "shape",
        edit("gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] != skip.shape[-2]"),
        edit("gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-1] != skip.shape[-1]"),
        edit(
            "gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] < skip.shape[-2] or gate.shape[-1] < skip.shape[-1]"
        ),
        edit(
            "gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] < skip.shape[-2] and gate.shape[-1] < skip.shape[-1]"
        ),
        en="The gate is resized only in some cases. Do it whenever its height or its width differs from the skip's, "
        "smaller or larger.",
        zh="门控信号只在部分情况下才缩放。只要高或宽与跳跃特征不同，无论更小还是更大，都要缩放。",
    ),
    mistake(
        "fixed-factor",
        "shape",
        edit("size=skip.shape[-2:]", "scale_factor=2"),
        edit("size=skip.shape[-2:]", "scale_factor=skip.shape[-1] / gate.shape[-1]"),
        en="The gate is resized by a factor, not to the skip's size: the skip may have any height and width. "
        "Use size=skip.shape[-2:].",
        zh="门控信号按固定倍数缩放，而不是缩放到跳跃特征的大小：跳跃特征的高和宽是任意的。请用 size=skip.shape[-2:]。",
    ),
    mistake(
        "other-interpolation",
        "numerics",
        edit('size=skip.shape[-2:], mode="bilinear", align_corners=False', "size=skip.shape[-2:]"),
        edit("align_corners=False", "align_corners=True"),
        edit('mode="bilinear"', 'mode="bicubic"'),
        edit("align_corners=False", "align_corners=False, antialias=True"),
        edit(INTERPOLATE, "F.adaptive_avg_pool2d(gate, skip.shape[-2:])"),
        en="The gate is resized in another way than asked for: bilinear with align_corners=False (interpolate's "
        "default mode "
        "is nearest).",
        zh="门控信号的缩放方式不符合要求：应为双线性插值且 align_corners=False（interpolate 的默认模式是最近邻）。",
    ),
    mistake(
        "alpha-resized",
        "numerics",
        edit(
            (RESIZE, '        fine = skip\n        skip = F.interpolate(skip, gate.shape[-2:], mode="bilinear")\n'),
            (
                RETURN,
                'alpha = F.interpolate(alpha, fine.shape[-2:], mode="bilinear")\n        return alpha * fine, alpha',
            ),
        ),
        en="The skip is brought to the gate's size, and α is resized afterwards. Here the gate is brought to the "
        "skip's size, "
        "before anything else.",
        zh="你把跳跃特征缩放到门控信号的大小，之后再缩放 α。这里要求先把门控信号缩放到跳跃特征的大小。",
    ),
    mistake(
        "residual-added",
        "numerics",
        edit(RETURN, "return alpha * skip + skip, alpha"),
        edit(RETURN, "return alpha + skip, alpha"),
        en="Something is added to the gated skip: what comes out is the product α · skip and nothing else.",
        zh="在被门控的跳跃特征上又加了东西：输出应当只是乘积 α · skip。",
    ),
    mistake(
        "outputs-swapped",
        "interface",
        edit(RETURN, "return alpha, alpha * skip"),
        en="The two results are in the wrong order: return (out, alpha).",
        zh="两个返回值的顺序反了：应返回 (out, alpha)。",
    ),
    mistake(
        "only-out-returned",
        "interface",
        edit(RETURN, "return alpha * skip"),
        en="Only the gated skip is returned; return both, (out, alpha).",
        zh="只返回了门控后的跳跃特征；应返回 (out, alpha) 两项。",
    ),
    mistake(
        "alpha-expanded",
        "shape",
        edit(RETURN, "return alpha * skip, alpha.expand_as(skip)"),
        edit(RETURN, "return alpha * skip, alpha.squeeze(1)"),
        en="alpha has the wrong shape: one number a position, with the channel axis kept: (B, 1, H, W).",
        zh="alpha 的形状不对：每个位置一个数，并保留通道维度，即 (B, 1, H, W)。",
    ),
    mistake(
        "alpha-detached",
        "gradient",
        edit(SIGMOID, f"{SIGMOID}.detach()"),
        edit(RETURN, "return alpha.detach() * skip, alpha"),
        edit(RETURN, "return alpha * skip, alpha.detach()"),
        en="α is cut from the graph: no gradient flows through it to the layers and the gate signal, and the gate "
        "would never "
        "learn what to let through.",
        zh="α 与计算图断开了：梯度无法经由它流向各层和门控信号，门永远学不会该让什么通过。",
    ),
    shared.inputs_changed(
        edit(RETURN, "return skip.mul_(alpha), alpha"),
        edit(RETURN, "skip *= alpha\n        return skip, alpha"),
        edit(RETURN, "skip.data.mul_(alpha)\n        return skip, alpha"),
    ),
    shared.returns_float32(
        edit(RETURN, "return (alpha * skip).float(), alpha.float()"),
        edit(RETURN, "return alpha.float() * skip, alpha.float()"),
    ),
)

exercise = Exercise(
    targets=("AttentionGate",),
    outputs=("out", "alpha"),
    cases=cases,
    mistakes=mistakes,
    oracles=(AttentionGate,),
)
