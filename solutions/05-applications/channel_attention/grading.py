"""How channel attention is graded."""

from collections.abc import Iterator

import torch
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace


def images(rand: Inputs, batch: int, channels: int, height: int, width: int) -> torch.Tensor:
    """Channels with means of their own: the average of plain N(0, 1) pixels is too small to open or close anything."""
    return rand.normal(batch, channels, height, width) + rand.normal(batch, channels, 1, 1)


def cases(rand: Inputs) -> Iterator[Case]:
    x = images(rand, 2, 12, 5, 7)
    yield Case("every size different", built(12, 2)(x), gradients=True, twice=True, public=True)
    yield Case("reduction left at its default", built(17)(images(rand, 3, 17, 4, 6)), public=True)
    yield Case("reduction by name, no divisor", built(11, reduction=3)(images(rand, 2, 11, 3, 5)))
    yield Case("one image, one row, one hidden channel", built(6, 5)(images(rand, 1, 6, 1, 4)), family="shape")
    yield Case("no reduction", built(5, 1)(images(rand, 2, 5, 3, 4)))
    yield Case(
        "memory in another order (channels last)",
        built(9, 2)(images(rand, 2, 9, 4, 5).to(memory_format=torch.channels_last)),
        family="shape",
        gradients=True,
    )
    yield Case("values in the thousands", built(8, 2)(2000.0 * images(rand, 2, 8, 3, 5)), tolerance=1e-2)
    for channels, reduction in ((6, 8), (7, 9)):
        yield Case(
            f"{channels} channels by {reduction} leave none",
            built(channels, reduction)(),
            family="interface",
            raises="ValueError",
        )
    yield Case("float64", built(6, 3)(images(rand, 2, 6, 3, 4)), family="dtype", dtype="float64")
    yield Case("bfloat16", built(6, 2)(images(rand, 2, 6, 3, 5)), family="dtype", dtype="bfloat16")


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


POOL = "x.mean(dim=(2, 3), keepdim=True)"
HIDDEN = "torch.relu(self.squeeze(pooled))"
GATE = f"torch.sigmoid(self.excite({HIDDEN}))"
OUT = "return x * gate"
CHECK = """        if hidden < 1:
            raise ValueError(f"reduction {reduction} leaves no channel of {channels}")
"""

mistakes = known(
    no_pooling=replace(POOL, "x"),
    pools_over_channels=[
        replace(POOL, "x.mean(dim=1, keepdim=True).expand_as(x)"),
        replace(POOL, "x.mean(dim=(1, 2, 3), keepdim=True).expand(-1, x.shape[1], 1, 1)"),
    ],
    pools_over_one_axis=[replace(POOL, "x.mean(dim=2, keepdim=True)"), replace(POOL, "x.mean(dim=3, keepdim=True)")],
    pools_over_batch=replace(POOL, "x.mean(dim=(0, 2, 3), keepdim=True)"),
    max_pooling=replace(POOL, "x.amax(dim=(2, 3), keepdim=True)"),
    sum_pooling=replace(POOL, "x.sum(dim=(2, 3), keepdim=True)"),
    softmax_gate=[
        replace(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=1)"),
        replace(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=-1)"),
        replace(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=0)"),
    ],
    no_sigmoid=[
        replace(GATE, f"self.excite({HIDDEN})"),
        replace(GATE, f"torch.tanh(self.excite({HIDDEN}))"),
        replace(GATE, f"torch.relu(self.excite({HIDDEN}))"),
    ],
    no_relu=replace(HIDDEN, "self.squeeze(pooled)"),
    other_activation=[
        replace(HIDDEN, "torch.sigmoid(self.squeeze(pooled))"),
        replace(HIDDEN, "torch.tanh(self.squeeze(pooled))"),
        replace(HIDDEN, "nn.functional.gelu(self.squeeze(pooled))"),
        replace(HIDDEN, "nn.functional.leaky_relu(self.squeeze(pooled))"),
    ],
    adds=[replace(OUT, "return x + gate"), replace(OUT, "return x + x * gate")],
    gate_returned=[
        replace(OUT, "return gate"),
        replace(OUT, "return gate.expand_as(x)"),
        replace(OUT, "return pooled * gate"),
    ],
    no_error=[
        replace(CHECK, ""),
        replace(CHECK, "        hidden = max(hidden, 1)\n"),
        replace("raise ValueError(", "raise RuntimeError("),
        replace("raise ValueError(", "raise AssertionError("),
    ],
    reduction_ignored=[
        replace("channels // reduction", "channels // 8"),
        replace("channels // reduction", "-(-channels // reduction)"),
    ],
    gate_detached=[replace(GATE, f"{GATE}.detach()"), replace("pooled = x.mean", "pooled = x.detach().mean")],
    inputs_changed=[
        replace(OUT, "return x.mul_(gate)"),
        replace(OUT, "x *= gate\n        return x"),
        replace(OUT, "x.data.mul_(gate)\n        return x"),
    ],
    returns_float32=replace(OUT, "return (x * gate).float()"),
)

exercise = Exercise(
    targets=("ChannelAttention",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(ChannelAttention,)
)
