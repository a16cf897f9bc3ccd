# %% [markdown]
# > *"In vision people say 'attention' for things that have no queries and no keys. Show me the best known one, and tell
# > me what it looks at."*
#
# A convolution treats every feature map alike. **Channel attention** (the squeeze-and-excitation block of Hu et al.,
# 2018) lets the network look at the whole image and decide how much each *channel* counts for this image. It takes
# the global average of every channel, passes these C numbers through a small bottleneck, and scales the channels.
# A popular version forgets the global average. It runs, and trains, and decides every pixel from that pixel alone.
#
# **Write** `ChannelAttention(channels, reduction=8)`, an `nn.Module`, with `forward(x)`:
#
# $$g = \sigma\bigl(\text{excite}(\operatorname{ReLU}(\text{squeeze}(\operatorname{mean}_{h,w} x)))\bigr),
# \qquad \text{out} = g \cdot x$$
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, C, H, W)` | C = `channels`; H and W are anything, 1 included |
# | `squeeze` | `nn.Conv2d(channels, channels // reduction, 1)` | with its bias |
# | `excite` | `nn.Conv2d(channels // reduction, channels, 1)` | with its bias |
# | `g` | `(B, C, 1, 1)` | one gate a channel, the same for all its pixels; each image has its own |
# | returned | `(B, C, H, W)` | x with its channels scaled |
#
# - The layers carry exactly these names. `reduction` need not divide `channels`: `//` rounds down.
# - The constructor raises `ValueError` when `reduction` leaves no channel (`channels // reduction` is 0).
# - The output keeps x's dtype and device (float64 and bfloat16 included). x is not changed. Gradients flow to x,
#   through the gate too, and to all parameters. Values in the thousands give no NaN.
#
# **By hand.** Two channels of 1 × 2 pixels, [1, 3] and [0, −4]. Their means are 2 and −2. Suppose that `squeeze` takes
# 1·2 + 2·(−2) + 1 = −1 and the ReLU makes it 0; then `excite` gives just its biases, say 0 and ln 3. The gates are
# σ(0) = 0.5 and σ(ln 3) = 0.75, and the result is [0.5, 1.5] and [0, −3].

# %% [markdown] lang="zh"
# > *“在视觉领域，有些被称作‘注意力’的东西既没有查询也没有键。写出最有名的那个，并说明它看的是什么。”*
#
# 卷积对每张特征图一视同仁。**通道注意力**（Hu 等，2018 的 squeeze-and-excitation 模块，即 SE 模块）让网络先看整幅图像，
# 再决定对这幅图来说每个*通道*有多重要：对每个通道取全局平均，让这 C 个数通过一个小瓶颈，然后缩放各通道。
# 有一种流传很广的写法忘了全局平均。它能运行、能训练，但每个像素的门只由这个像素自己决定。
#
# **请实现** `nn.Module` `ChannelAttention(channels, reduction=8)`，其 `forward(x)` 为
#
# $$g = \sigma\bigl(\text{excite}(\operatorname{ReLU}(\text{squeeze}(\operatorname{mean}_{h,w} x)))\bigr),
# \qquad \text{out} = g \cdot x$$
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, C, H, W)` | C = `channels`；H 和 W 任意，可以是 1 |
# | `squeeze` | `nn.Conv2d(channels, channels // reduction, 1)` | 带偏置 |
# | `excite` | `nn.Conv2d(channels // reduction, channels, 1)` | 带偏置 |
# | `g` | `(B, C, 1, 1)` | 每个通道一个门，该通道的所有像素共用；每幅图像各有自己的门 |
# | 返回值 | `(B, C, H, W)` | 各通道被缩放后的 x |
#
# - 层的名字必须与上表一致。`reduction` 不必整除 `channels`：`//` 向下取整。
# - 如果 `reduction` 使通道数变为 0（`channels // reduction` 为 0），构造函数抛出 `ValueError`。
# - 输出保持 x 的 dtype 和设备（包括 float64 和 bfloat16）。不得修改 x。梯度流向 x（也经由门）和所有参数。
#   数值上千也不能出现 NaN。
#
# **手算一例。** 两个通道，各 1 × 2 个像素：[1, 3] 和 [0, −4]，均值为 2 和 −2。设 `squeeze` 得到 1·2 + 2·(−2) + 1 = −1，
# ReLU 之后为 0；于是 `excite` 只剩偏置，设为 0 和 ln 3。两个门是 σ(0) = 0.5 和 σ(ln 3) = 0.75，结果是 [0.5, 1.5] 和
# [0, −3]。

# %% tags=["demo"]
# The example above: each row is one channel. The gate multiplies a whole channel, never a single pixel.
import torch
from grader import heatmap

x = torch.tensor([[1.0, 3.0], [0.0, -4.0]])
gates = torch.tensor([[0.5], [0.75]])
heatmap(gates * x, rows=["channel 0 × 0.50", "channel 1 × 0.75"], title="scaled channels (1 × 2 pixels each)")

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["solution"]
class ChannelAttention(nn.Module):
    """Scales the channels of x (B, C, H, W), each by a gate that is made from the global averages of all channels.

    Layers: squeeze, excite (1 × 1 convolutions). ValueError when channels // reduction is 0.
    """

    def __init__(self, channels, reduction=8):
        super().__init__()
        ### BEGIN SOLUTION
        hidden = channels // reduction
        if hidden < 1:
            raise ValueError(f"reduction {reduction} leaves no channel of {channels}")
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        pooled = x.mean(dim=(2, 3), keepdim=True)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))
        return x * gate
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("channel_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("channel_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(ChannelAttention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Is this attention? What plays the part of the query, of the keys, of the weights, and what is missing?
# 2. Why a sigmoid and not a softmax over the channels?
# 3. How many parameters does the block add for C = 256 and reduction 8, and how does that compare with a 3 × 3
#    convolution?
# 4. What changes if you leave the pooling out? Is anything "global" left?
# 5. CBAM (Woo et al., 2018) adds a second gate. Over which axes does it pool?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 这算注意力吗？什么相当于查询、键和权重？缺了什么？
# 2. 为什么用 sigmoid，而不是在通道上做 softmax？
# 3. C = 256、reduction 为 8 时，这个模块增加多少参数？与一个 3 × 3 卷积相比如何？
# 4. 去掉池化会怎样？还剩下什么“全局”的东西？
# 5. CBAM（Woo 等，2018）又加了一个门。它沿哪些维度做池化？

# %% [markdown] tags=["hint"]
# Three stages: one number for each channel, a small network from C numbers to C numbers, and a product with x. Which
# axes have to disappear in the first stage?

# %% [markdown] tags=["hint"] lang="zh"
# 三步：每个通道得到一个数，一个从 C 个数到 C 个数的小网络，再与 x 相乘。第一步要消掉哪些维度？

# %% [markdown] tags=["hint"]
# Keep the pooled axes with size 1 (`keepdim=True`): then the 1 × 1 convolutions apply, and the product with x
# broadcasts over height and width. Check `channels // reduction` before building the layers.

# %% [markdown] tags=["hint"] lang="zh"
# 池化后的维度保留为 1（`keepdim=True`）：这样可以直接用 1 × 1 卷积，与 x 相乘时也会沿高和宽广播。建层之前先检查
# `channels // reduction`。

# %% [markdown] tags=["hint"]
# `x.mean(dim=(2, 3), keepdim=True)`, then `squeeze`, `relu`, `excite`, `sigmoid`, and return the product with x. In the
# constructor raise `ValueError` if `channels // reduction` is below 1.

# %% [markdown] tags=["hint"] lang="zh"
# `x.mean(dim=(2, 3), keepdim=True)`，然后依次是 `squeeze`、`relu`、`excite`、`sigmoid`，返回它与 x 的乘积。
# 构造函数中，若 `channels // reduction` 小于 1 就抛出 `ValueError`。

# %% [markdown] tags=["discussion"]
# **Cost.** 2·C²/r weights (and C/r + C biases): 16,384 + 288 for C = 256 and r = 8, where a 3 × 3 convolution has
# 589,824. The arithmetic is negligible, since it happens once an image; the product with x reads and writes the whole
# map.
#
# **Gate or attention?** There is no query that compares itself with keys, and the gates do not compete: a sigmoid lets
# several channels be open at once, where a softmax over 256 channels would shrink all of them to about 1/256. What it
# shares with attention is that the weights depend on the input.
#
# **The version without pooling** is a per-pixel 1 × 1 network: no pixel learns anything about the rest of the image,
# and the block costs H·W times as much arithmetic.
#
# **In real libraries** `torchvision.ops.SqueezeExcitation` is this block (its layers are `fc1` and `fc2`);
# EfficientNet and MobileNetV3 use it. ECA-Net (Wang et al., 2020) replaces the bottleneck by a 1-D convolution over
# channels; CBAM adds a spatial gate from the mean and the maximum over channels.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 2·C²/r 个权重（外加 C/r + C 个偏置）：C = 256、r = 8 时为 16,384 + 288，而一个 3 × 3 卷积有 589,824 个。
# 计算量可以忽略，因为每幅图像只算一次；与 x 相乘则要读写整张特征图。
#
# **门还是注意力？** 这里没有与键做比较的查询，各个门之间也不竞争：sigmoid 允许多个通道同时打开，
# 而在 256 个通道上做 softmax 会把它们都缩到 1/256 左右。它与注意力的共同点是：权重取决于输入。
#
# **没有池化的写法**只是一个逐像素的 1 × 1 网络：任何像素都得不到图像其余部分的信息，而计算量是原来的 H·W 倍。
#
# **实际的库。** `torchvision.ops.SqueezeExcitation` 就是这个模块（层名为 `fc1` 和 `fc2`），EfficientNet 和 MobileNetV3
# 都用它。ECA-Net（Wang 等，2020）把瓶颈换成沿通道的一维卷积；CBAM 再加一个空间门，由沿通道的均值和最大值得到。
