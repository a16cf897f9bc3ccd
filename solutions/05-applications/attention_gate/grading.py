"""How the attention gate is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def gating(gate: tuple[int, ...], skip: tuple[int, ...], hidden: int, std: float = 1.0) -> Any:
        """A gate with its inputs, of these shapes."""
        return built(gate[1], skip[1], hidden)(rand.normal(*gate, std=std), rand.normal(*skip, std=std))

    one_size = gating((2, 6, 5, 7), (2, 4, 5, 7), 8)
    yield Case("gate and skip of one size", one_size, gradients=True, twice=True, public=True)
    yield Case("one hidden channel, one gate channel", gating((3, 1, 4, 5), (3, 2, 4, 5), 1))
    yield Case("as many gate channels as skip channels", gating((2, 4, 3, 5), (2, 4, 3, 5), 6))
    half = gating((2, 5, 3, 4), (2, 3, 6, 8), 7)
    yield Case("a gate half as large", half, family="shape", gradients=True, public=True)
    yield Case("a gate of another shape", gating((2, 3, 2, 5), (2, 4, 7, 6), 6), family="shape")
    yield Case("only the widths differ", gating((1, 3, 6, 4), (1, 2, 6, 9), 5), family="shape")
    yield Case("only the heights differ", gating((1, 3, 2, 8), (1, 2, 5, 8), 5), family="shape")
    yield Case("a gate larger than its skip", gating((2, 3, 8, 9), (2, 5, 4, 6), 6), family="shape")
    yield Case("one image, one position", gating((1, 4, 1, 1), (1, 3, 1, 1), 5), family="shape")
    yield Case("values in the thousands", gating((2, 4, 3, 4), (2, 3, 3, 4), 8, std=3000.0), tolerance=1e-2)
    yield from standard(lambda: gating((2, 3, 2, 3), (2, 4, 4, 6), 5), dtypes=("float64", "bfloat16"))


def AttentionGate(gate_channels, skip_channels, inter_channels):
    """The oracle: the bilinear weights are hat functions, and each convolution is a product with a matrix."""

    class ByMatrices(nn.Module):
        def __init__(self):
            super().__init__()
            self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
            self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
            self.psi = nn.Conv2d(inter_channels, 1, 1)

        def forward(self, gate, skip):
            def hats(old, new):
                places = ((torch.arange(new).to(gate) + 0.5) * old / new - 0.5).clamp(0, old - 1)
                return (1 - (places[:, None] - torch.arange(old)).abs()).clamp_min(0)

            def dense(layer, image):
                return torch.einsum("oc,bchw->bohw", layer.weight.flatten(1), image) + layer.bias[:, None, None]

            (h, w), (height, width) = gate.shape[-2:], skip.shape[-2:]
            resized = hats(h, height) @ gate @ hats(w, width).mT
            hidden = (dense(self.w_gate, resized) + dense(self.w_skip, skip)).clamp_min(0)
            alpha = dense(self.psi, hidden).sigmoid()
            return skip * alpha, alpha

    return ByMatrices()


SIZES_DIFFER = "gate.shape[-2:] != skip.shape[-2:]"
INTERPOLATED = 'F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)'
RESIZE = f"""        if {SIZES_DIFFER}:
            gate = {INTERPOLATED}
"""
SUM = "self.w_gate(gate) + self.w_skip(skip)"
SCORES = "self.psi(hidden)"
ALPHA = f"torch.sigmoid({SCORES})"
RETURN = "return alpha * skip, alpha"

mistakes = known(
    gates_the_gate=replace(RETURN, "return alpha * gate, alpha"),
    softmax_gate=instead_of(
        ALPHA,
        *(f"torch.softmax({SCORES}, dim={axis})" for axis in (1, -1, -2)),
        f"torch.softmax({SCORES}.flatten(1), dim=-1).view(len(skip), 1, *skip.shape[-2:])",
    ),
    no_sigmoid=[
        *instead_of(ALPHA, SCORES, f"torch.tanh({SCORES})", f"torch.relu({SCORES})"),
        replace(RETURN, f"return alpha * skip, {SCORES}"),
    ],
    no_relu=replace(f"torch.relu({SUM})", SUM),
    relu_before_sum=replace(f"torch.relu({SUM})", "torch.relu(self.w_gate(gate)) + torch.relu(self.w_skip(skip))"),
    other_activation=instead_of("torch.relu", "torch.tanh", "torch.sigmoid", "F.gelu", "F.leaky_relu"),
    product_inside=replace(SUM, "self.w_gate(gate) * self.w_skip(skip)"),
    one_input_only=instead_of(SUM, "self.w_gate(gate)", "self.w_skip(skip)"),
    no_resize=replace(RESIZE, ""),
    resizes_sometimes=instead_of(
        SIZES_DIFFER,
        "gate.shape[-2] != skip.shape[-2]",
        "gate.shape[-1] != skip.shape[-1]",
        "gate.shape[-2] < skip.shape[-2] or gate.shape[-1] < skip.shape[-1]",
        "gate.shape[-2] < skip.shape[-2] and gate.shape[-1] < skip.shape[-1]",
    ),
    fixed_factor=instead_of("size=skip.shape[-2:]", "scale_factor=2", "scale_factor=skip.shape[-1] / gate.shape[-1]"),
    other_interpolation=[
        replace(', mode="bilinear", align_corners=False', ""),
        replace("align_corners=False", "align_corners=True"),
        replace("bilinear", "bicubic"),
        replace("align_corners=False", "align_corners=False, antialias=True"),
        replace(INTERPOLATED, "F.adaptive_avg_pool2d(gate, skip.shape[-2:])"),
    ],
    alpha_resized=replace(
        (RESIZE, '        fine = skip\n        skip = F.interpolate(skip, gate.shape[-2:], mode="bilinear")\n'),
        (RETURN, 'alpha = F.interpolate(alpha, fine.shape[-2:], mode="bilinear")\n        return alpha * fine, alpha'),
    ),
    residual_added=instead_of(RETURN, "return alpha * skip + skip, alpha", "return alpha + skip, alpha"),
    only_out_returned=replace(RETURN, "return alpha * skip"),
    alpha_expanded=instead_of(
        RETURN, "return alpha * skip, alpha.expand_as(skip)", "return alpha * skip, alpha.squeeze(1)"
    ),
    alpha_detached=[
        replace(ALPHA, f"{ALPHA}.detach()"),
        *instead_of(RETURN, "return alpha.detach() * skip, alpha", "return alpha * skip, alpha.detach()"),
    ],
    # Where the skip is float64, the second one's product is, too, and α is not.
    returns_float32=instead_of(
        RETURN, "return (alpha * skip).float(), alpha.float()", "return alpha.float() * skip, alpha.float()"
    ),
)

exercise = Exercise(
    targets=("AttentionGate",), outputs=("out", "alpha"), cases=cases, mistakes=mistakes, oracles=(AttentionGate,)
)
