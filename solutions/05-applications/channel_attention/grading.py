"""How channel attention is graded."""

from collections.abc import Iterator

import torch
from shared import instead_of
from torch import Tensor, nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def images(*shape: int) -> Tensor:
        """Channels with means of their own: the average of plain N(0, 1) pixels is too small to move a gate."""
        return rand.normal(*shape) + rand.normal(*shape[:2], 1, 1)

    yield Case("every size different", built(12, 2)(images(2, 12, 5, 7)), gradients=True, twice=True, public=True)
    yield Case("reduction left at its default", built(17)(images(3, 17, 4, 6)), public=True)
    yield Case("reduction by name, no divisor", built(11, reduction=3)(images(2, 11, 3, 5)))
    yield Case("one image, one row, one hidden channel", built(6, 5)(images(1, 6, 1, 4)), family="shape")
    yield Case("no reduction", built(5, 1)(images(2, 5, 3, 4)))
    yield Case("values in the thousands", built(8, 2)(2000.0 * images(2, 8, 3, 5)), tolerance=1e-2)
    for c, r in ((6, 8), (7, 9)):
        yield Case(f"{c} channels by {r} leave none", built(c, r), family="interface", raises="ValueError")
    yield from standard(lambda: built(6, 3)(images(2, 6, 3, 4)), dtypes=("float64", "bfloat16"))


def ChannelAttention(channels, reduction=8):
    """The oracle: one channel after the other. (A function, because its text is easier to come by than a class's.)"""

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            if reduction > channels:
                raise ValueError("no channel left")
            self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
            self.excite = nn.Conv2d(channels // reduction, channels, 1)

        def forward(self, x):
            images = []
            for image in x:
                means = torch.stack([channel.sum() / channel.numel() for channel in image])
                hidden = (self.squeeze.weight.flatten(1) @ means + self.squeeze.bias).clamp_min(0)
                scores = self.excite.weight.flatten(1) @ hidden + self.excite.bias
                images.append(torch.stack([c * s.sigmoid() for c, s in zip(image, scores, strict=True)]))
            return torch.stack(images)

    return Loop()


POOLED = "x.mean(dim=(2, 3), keepdim=True)"
SQUEEZED = "self.squeeze(pooled)"
HIDDEN = f"torch.relu({SQUEEZED})"
SCORES = f"self.excite({HIDDEN})"
GATE = f"torch.sigmoid({SCORES})"
OUT = "return x * gate"
CHECK = """        if hidden < 1:
            raise ValueError(f"reduction {reduction} leaves no channel of {channels}")
"""

mistakes = known(
    no_pooling=replace(POOLED, "x"),
    pools_over_channels=instead_of(
        POOLED,
        "x.mean(dim=1, keepdim=True).expand_as(x)",
        "x.mean(dim=(1, 2, 3), keepdim=True).expand(-1, x.shape[1], 1, 1)",
    ),
    pools_over_one_axis=instead_of("dim=(2, 3)", "dim=2", "dim=3"),
    pools_over_batch=replace("dim=(2, 3)", "dim=(0, 2, 3)"),
    max_pooling=replace("x.mean", "x.amax"),
    sum_pooling=replace("x.mean", "x.sum"),
    softmax_gate=instead_of(GATE, *(f"torch.softmax({SCORES}, dim={axis})" for axis in (1, -1, 0))),
    no_sigmoid=instead_of(GATE, SCORES, f"torch.tanh({SCORES})", f"torch.relu({SCORES})"),
    no_relu=replace(HIDDEN, SQUEEZED),
    other_activation=instead_of(
        "torch.relu", "torch.sigmoid", "torch.tanh", "nn.functional.gelu", "nn.functional.leaky_relu"
    ),
    adds=instead_of(OUT, "return x + gate", "return x + x * gate"),
    gate_returned=instead_of(OUT, "return gate", "return gate.expand_as(x)", "return pooled * gate"),
    no_error=[
        *instead_of(CHECK, "", "        hidden = max(hidden, 1)\n"),
        *instead_of("raise ValueError(", "raise RuntimeError(", "raise AssertionError("),
    ],
    reduction_ignored=instead_of("channels // reduction", "channels // 8", "-(-channels // reduction)"),
    gate_detached=[replace(GATE, f"{GATE}.detach()"), replace("x.mean", "x.detach().mean")],
)

exercise = Exercise(
    targets=("ChannelAttention",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(ChannelAttention,)
)
