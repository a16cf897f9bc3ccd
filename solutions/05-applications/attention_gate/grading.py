"""How the attention gate is graded."""

from collections.abc import Iterator

import torch
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def pair(gate: tuple[int, ...], skip: tuple[int, ...], std: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        return rand.normal(*gate, std=std), rand.normal(*skip, std=std)

    yield Case(
        "gate and skip of one size",
        built(6, 4, 8)(*pair((2, 6, 5, 7), (2, 4, 5, 7))),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("one hidden channel, one gate channel", built(1, 2, 1)(*pair((3, 1, 4, 5), (3, 2, 4, 5))))
    yield Case("as many gate channels as skip channels", built(4, 4, 6)(*pair((2, 4, 3, 5), (2, 4, 3, 5))))
    yield Case(
        "a gate half as large",
        built(5, 3, 7)(*pair((2, 5, 3, 4), (2, 3, 6, 8))),
        family="shape",
        gradients=True,
        public=True,
    )
    yield Case("a gate of another shape", built(3, 4, 6)(*pair((2, 3, 2, 5), (2, 4, 7, 6))), family="shape")
    yield Case("only the widths differ", built(3, 2, 5)(*pair((1, 3, 6, 4), (1, 2, 6, 9))), family="shape")
    yield Case("only the heights differ", built(3, 2, 5)(*pair((1, 3, 2, 8), (1, 2, 5, 8))), family="shape")
    yield Case("a gate larger than its skip", built(3, 5, 6)(*pair((2, 3, 8, 9), (2, 5, 4, 6))), family="shape")
    yield Case("one image, one position", built(4, 3, 5)(*pair((1, 4, 1, 1), (1, 3, 1, 1))), family="shape")
    gate, skip = pair((2, 4, 3, 5), (2, 6, 3, 5))
    yield Case(
        "memory in another order (channels last)",
        built(4, 6, 7)(gate.to(memory_format=torch.channels_last), skip.to(memory_format=torch.channels_last)),
        family="shape",
    )
    yield Case("values in the thousands", built(4, 3, 8)(*pair((2, 4, 3, 4), (2, 3, 3, 4), 3000.0)), tolerance=1e-2)
    yield Case("float64", built(3, 4, 5)(*pair((2, 3, 2, 3), (2, 4, 4, 6))), family="dtype", dtype="float64")
    yield Case("bfloat16", built(3, 4, 5)(*pair((2, 3, 2, 3), (2, 4, 4, 6))), family="dtype", dtype="bfloat16")


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

mistakes = known(
    gates_the_gate=replace(RETURN, "return alpha * gate, alpha"),
    softmax_gate=[
        replace(SIGMOID, "torch.softmax(self.psi(hidden), dim=1)"),
        replace(SIGMOID, "torch.softmax(self.psi(hidden), dim=-1)"),
        replace(SIGMOID, "torch.softmax(self.psi(hidden), dim=-2)"),
        replace(SIGMOID, "torch.softmax(self.psi(hidden).flatten(1), dim=-1).view(len(skip), 1, *skip.shape[-2:])"),
    ],
    no_sigmoid=[
        replace(SIGMOID, "self.psi(hidden)"),
        replace(SIGMOID, "torch.tanh(self.psi(hidden))"),
        replace(SIGMOID, "torch.relu(self.psi(hidden))"),
        replace(RETURN, "return alpha * skip, self.psi(hidden)"),
    ],
    no_relu=replace(f"torch.relu({SUM})", SUM),
    relu_before_sum=replace(f"torch.relu({SUM})", "torch.relu(self.w_gate(gate)) + torch.relu(self.w_skip(skip))"),
    other_activation=[
        replace(f"torch.relu({SUM})", f"torch.tanh({SUM})"),
        replace(f"torch.relu({SUM})", f"torch.sigmoid({SUM})"),
        replace(f"torch.relu({SUM})", f"F.gelu({SUM})"),
        replace(f"torch.relu({SUM})", f"F.leaky_relu({SUM})"),
    ],
    product_inside=replace(SUM, "self.w_gate(gate) * self.w_skip(skip)"),
    one_input_only=[replace(SUM, "self.w_gate(gate)"), replace(SUM, "self.w_skip(skip)")],
    no_resize=replace(RESIZE, ""),
    resizes_sometimes=[
        replace("gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] != skip.shape[-2]"),
        replace("gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-1] != skip.shape[-1]"),
        replace(
            "gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] < skip.shape[-2] or gate.shape[-1] < skip.shape[-1]"
        ),
        replace(
            "gate.shape[-2:] != skip.shape[-2:]", "gate.shape[-2] < skip.shape[-2] and gate.shape[-1] < skip.shape[-1]"
        ),
    ],
    fixed_factor=[
        replace("size=skip.shape[-2:]", "scale_factor=2"),
        replace("size=skip.shape[-2:]", "scale_factor=skip.shape[-1] / gate.shape[-1]"),
    ],
    other_interpolation=[
        replace('size=skip.shape[-2:], mode="bilinear", align_corners=False', "size=skip.shape[-2:]"),
        replace("align_corners=False", "align_corners=True"),
        replace('mode="bilinear"', 'mode="bicubic"'),
        replace("align_corners=False", "align_corners=False, antialias=True"),
        replace(INTERPOLATE, "F.adaptive_avg_pool2d(gate, skip.shape[-2:])"),
    ],
    alpha_resized=replace(
        (RESIZE, '        fine = skip\n        skip = F.interpolate(skip, gate.shape[-2:], mode="bilinear")\n'),
        (RETURN, 'alpha = F.interpolate(alpha, fine.shape[-2:], mode="bilinear")\n        return alpha * fine, alpha'),
    ),
    residual_added=[
        replace(RETURN, "return alpha * skip + skip, alpha"),
        replace(RETURN, "return alpha + skip, alpha"),
    ],
    outputs_swapped=replace(RETURN, "return alpha, alpha * skip"),
    only_out_returned=replace(RETURN, "return alpha * skip"),
    alpha_expanded=[
        replace(RETURN, "return alpha * skip, alpha.expand_as(skip)"),
        replace(RETURN, "return alpha * skip, alpha.squeeze(1)"),
    ],
    alpha_detached=[
        replace(SIGMOID, f"{SIGMOID}.detach()"),
        replace(RETURN, "return alpha.detach() * skip, alpha"),
        replace(RETURN, "return alpha * skip, alpha.detach()"),
    ],
    inputs_changed=[
        replace(RETURN, "return skip.mul_(alpha), alpha"),
        replace(RETURN, "skip *= alpha\n        return skip, alpha"),
        replace(RETURN, "skip.data.mul_(alpha)\n        return skip, alpha"),
    ],
    returns_float32=[
        replace(RETURN, "return (alpha * skip).float(), alpha.float()"),
        replace(RETURN, "return alpha.float() * skip, alpha.float()"),
    ],
)

exercise = Exercise(
    targets=("AttentionGate",), outputs=("out", "alpha"), cases=cases, mistakes=mistakes, oracles=(AttentionGate,)
)
