"""How channel attention is graded."""

from collections.abc import Iterator

import shared
import torch
from torch import nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def images(rand: Random, batch: int, channels: int, height: int, width: int) -> torch.Tensor:
    """Channels with means of their own: the average of plain N(0, 1) pixels is too small to open or close anything."""
    return rand.normal(batch, channels, height, width) + rand.normal(batch, channels, 1, 1)


def cases(rand: Random) -> Iterator[Case]:
    x = images(rand, 2, 12, 5, 7)
    yield Case("every size different", (x,), init=(12, 2), gradients=True, twice=True, public=True)
    yield Case("reduction left at its default", (images(rand, 3, 17, 4, 6),), init=(17,), public=True)
    yield Case("reduction by name, no divisor", (images(rand, 2, 11, 3, 5),), init=(11,), init_kwargs={"reduction": 3})
    yield Case("one image, one row, one hidden channel", (images(rand, 1, 6, 1, 4),), init=(6, 5), family="shape")
    yield Case("no reduction", (images(rand, 2, 5, 3, 4),), init=(5, 1))
    yield Case(
        "memory in another order (channels last)",
        (images(rand, 2, 9, 4, 5).to(memory_format=torch.channels_last),),
        init=(9, 2),
        family="shape",
        gradients=True,
    )
    yield Case("values in the thousands", (2000.0 * images(rand, 2, 8, 3, 5),), init=(8, 2), tolerance=1e-2)
    for channels, reduction in ((6, 8), (7, 9)):
        yield Case(
            f"{channels} channels by {reduction} leave none",
            init=(channels, reduction),
            raises="ValueError",
            family="interface",
        )
    yield Case("float64", (images(rand, 2, 6, 3, 4),), init=(6, 3), dtype="float64", family="dtype")
    yield Case("bfloat16", (images(rand, 2, 6, 3, 5),), init=(6, 2), dtype="bfloat16", family="dtype")


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

mistakes = (
    mistake(
        "no-pooling",
        "numerics",
        edit(POOL, "x"),
        en="There is no pooling: every pixel gets a gate from itself alone. A channel's gate comes from the average "
        "over "
        "the whole image and is the same for all its pixels.",
        zh="没有做池化：每个像素的门只由它自己决定。通道的门应当来自整幅图像的平均，并由该通道的所有像素共用。",
    ),
    mistake(
        "pools-over-channels",
        "shape",
        edit(POOL, "x.mean(dim=1, keepdim=True).expand_as(x)"),
        edit(POOL, "x.mean(dim=(1, 2, 3), keepdim=True).expand(-1, x.shape[1], 1, 1)"),
        en="Your average runs over the channels. It runs over height and width (axes 2 and 3) and leaves one number "
        "for "
        "each channel.",
        zh="你沿通道维度求了平均。应当沿高和宽（第 2、3 维）求平均，每个通道留下一个数。",
    ),
    mistake(
        "pools-over-one-axis",
        "shape",
        edit(POOL, "x.mean(dim=2, keepdim=True)"),
        edit(POOL, "x.mean(dim=3, keepdim=True)"),
        en="Your average runs over only one of height and width: it runs over both, and a channel has a single gate.",
        zh="你只沿高或宽中的一个求了平均：两个都要，每个通道只有一个门。",
    ),
    mistake(
        "pools-over-batch",
        "shape",
        edit(POOL, "x.mean(dim=(0, 2, 3), keepdim=True)"),
        en="Your average also runs over the batch: images share their gates. Each image has gates of its own.",
        zh="你的平均把批维度也算进去了：不同图像共用了门。每幅图像应当有自己的门。",
    ),
    mistake(
        "max-pooling",
        "numerics",
        edit(POOL, "x.amax(dim=(2, 3), keepdim=True)"),
        en="Each channel is summed up by its maximum; the block uses the global average.",
        zh="你用最大值概括每个通道；这个模块用的是全局平均。",
    ),
    mistake(
        "sum-pooling",
        "normalization",
        edit(POOL, "x.sum(dim=(2, 3), keepdim=True)"),
        en="Each channel is summed, not averaged: the gates would depend on the size of the image. Divide by H·W.",
        zh="你对每个通道求了和而不是平均：门会随图像大小而变。请除以 H·W。",
    ),
    mistake(
        "softmax-gate",
        "normalization",
        edit(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=1)"),
        edit(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=-1)"),
        edit(GATE, f"torch.softmax(self.excite({HIDDEN}), dim=0)"),
        en="The gates come from a softmax: they compete and sum to 1. Use a sigmoid, so that each channel is opened or "
        "closed for itself.",
        zh="门由 softmax 得到：它们相互竞争、之和为 1。请用 sigmoid，让每个通道独立地打开或关闭。",
    ),
    mistake(
        "no-sigmoid",
        "numerics",
        edit(GATE, f"self.excite({HIDDEN})"),
        edit(GATE, f"torch.tanh(self.excite({HIDDEN}))"),
        edit(GATE, f"torch.relu(self.excite({HIDDEN}))"),
        en="The gates are not passed through a sigmoid: they should lie between 0 and 1.",
        zh="门没有经过 sigmoid：它们应当在 0 和 1 之间。",
    ),
    mistake(
        "no-relu",
        "numerics",
        edit(HIDDEN, "self.squeeze(pooled)"),
        en="The ReLU between squeeze and excite is missing: two linear layers in a row are a single one.",
        zh="squeeze 和 excite 之间缺少 ReLU：连续两个线性层等于一个线性层。",
    ),
    mistake(
        "other-activation",
        "numerics",
        edit(HIDDEN, "torch.sigmoid(self.squeeze(pooled))"),
        edit(HIDDEN, "torch.tanh(self.squeeze(pooled))"),
        edit(HIDDEN, "nn.functional.gelu(self.squeeze(pooled))"),
        edit(HIDDEN, "nn.functional.leaky_relu(self.squeeze(pooled))"),
        en="Between squeeze and excite stands another activation than a ReLU.",
        zh="squeeze 和 excite 之间用的不是 ReLU。",
    ),
    mistake(
        "adds",
        "numerics",
        edit(OUT, "return x + gate"),
        edit(OUT, "return x + x * gate"),
        en="The gate is added, or x is added once more to the scaled x. The result is the product x · gate and "
        "nothing else.",
        zh="你加上了门，或者在缩放后的 x 上又加了一次 x。结果应当只是乘积 x · gate。",
    ),
    mistake(
        "gate-returned",
        "shape",
        edit(OUT, "return gate"),
        edit(OUT, "return gate.expand_as(x)"),
        edit(OUT, "return pooled * gate"),
        en="The gate (or the scaled average) is returned. What is asked for is x scaled by it, of x's own shape.",
        zh="返回的是门（或缩放后的平均值）。要求返回的是被门缩放后的 x，形状与 x 相同。",
    ),
    mistake(
        "no-error",
        "interface",
        edit(CHECK, ""),
        edit(CHECK, "        hidden = max(hidden, 1)\n"),
        edit("raise ValueError(", "raise RuntimeError("),
        edit("raise ValueError(", "raise AssertionError("),
        en="A reduction that leaves no channel has to be refused with ValueError, not mended or let pass.",
        zh="使通道数变为 0 的 reduction 应当用 ValueError 拒绝，而不是悄悄修正或放过。",
    ),
    mistake(
        "reduction-ignored",
        "state",
        edit("channels // reduction", "channels // 8"),
        edit("channels // reduction", "-(-channels // reduction)"),
        en="The hidden layer has the wrong number of channels: it is channels // reduction, rounded down.",
        zh="隐藏层的通道数不对：应为 channels // reduction（向下取整）。",
    ),
    mistake(
        "gate-detached",
        "gradient",
        edit(GATE, f"{GATE}.detach()"),
        edit("pooled = x.mean", "pooled = x.detach().mean"),
        en="The gate is cut from the graph: no gradient reaches squeeze and excite, or none reaches x through the "
        "gate.",
        zh="门与计算图断开了：梯度到不了 squeeze 和 excite，或者不能经由门到达 x。",
    ),
    shared.inputs_changed(
        edit(OUT, "return x.mul_(gate)"),
        edit(OUT, "x *= gate\n        return x"),
        edit(OUT, "x.data.mul_(gate)\n        return x"),
    ),
    shared.returns_float32(edit(OUT, "return (x * gate).float()")),
)

exercise = Exercise(
    targets=("ChannelAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(ChannelAttention,),
)
