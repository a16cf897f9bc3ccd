# %% [markdown]
# > *"In vision people say 'attention' for things that have no queries and no keys. Show me the best known one, and tell
# > me what it looks at."*
#
# A pixel of 3 among pixels of 0 is a spot in the dark; among pixels of 4 it is nothing special. A convolution sees only
# its neighbourhood and cannot tell. **Channel attention** (the squeeze-and-excitation block of Hu et al., 2018, which
# won the ImageNet classification challenge of 2017) looks at the whole image and decides how much each *channel* counts
# for this image. It takes the global average of every channel, passes these C numbers through a small bottleneck, and
# scales the channels. A version found in interview notes forgets the global average. It runs, and trains, and decides
# every pixel from that pixel alone.
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
# 周围都是 0，一个值为 3 的像素就是暗处的亮点；周围都是 4，它就毫不起眼。卷积只看邻域，分不清这两种情况。
# **通道注意力**（Hu 等，2018 的 squeeze-and-excitation 模块，即 SE 模块；2017 年 ImageNet 分类竞赛冠军）
# 让网络先看整幅图像，再决定对这幅图来说每个*通道*有多重要：
# 对每个通道取全局平均，让这 C 个数通过一个小瓶颈，然后缩放各通道。
# 有的面试资料里的写法忘了全局平均。它能运行、能训练，但每个像素的门只由这个像素自己决定。
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
# ReLU 之后为 0；于是 `excite` 只剩偏置，设为 0 和 ln 3。
# 两个门是 σ(0) = 0.5 和 σ(ln 3) = 0.75，结果是 [0.5, 1.5] 和 [0, −3]。

# %% tags=["demo"]
# The example above: each row is one channel. The gate multiplies a whole channel, never a single pixel.
import torch
from grader import heatmap

x = torch.tensor([[1.0, 3.0], [0.0, -4.0]])
gates = torch.tensor([[0.5], [0.75]])
heatmap(gates * x, rows=["channel 0 × 0.50", "channel 1 × 0.75"], title="scaled channels (1 × 2 pixels each)")

# %% tags=["demo"]
# What the average is for: the same first pixel in a dark and in a bright image, and a gate σ(number − 2).
for name, pixels in (("dark", torch.tensor([3.0, 0.0, 0.0, 0.0])), ("bright", torch.tensor([3.0, 4.0, 4.0, 5.0]))):
    alone, overall = torch.sigmoid(pixels[0] - 2), torch.sigmoid(pixels.mean() - 2)
    print(f"{name:>6} image: the gate from its first pixel alone is {alone:.2f}, from its average {overall:.2f}")

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
#    > Only in the wide sense: the weights depend on the input. The gates are the weights, and the channels are what is
#    > weighted, like values. But nothing plays the part of a query or of keys: the gates come from a small network on
#    > the global averages, not from comparing two vectors. There is also no softmax and no sum over what was weighted,
#    > so nothing is mixed. I would call it a gate.
# 2. Why a sigmoid and not a softmax over the channels?
#    > Because several channels may matter at once, and the gates should not compete. A softmax over C = 256 channels
#    > gives 1/256 on average, about 0.004, so it would shrink almost everything, and opening one channel would close
#    > others. With a sigmoid each gate lies between 0 and 1 independently. Hu et al. (2018) call this a
#    > non-mutually-exclusive relationship between channels.
# 3. How many parameters does the block add for C = 256 and reduction 8, and how does that compare with a 3 × 3
#    convolution?
#    > 16,672. The hidden size is 256/8 = 32, so there are 2·256·32 = 16,384 weights and 32 + 256 = 288 biases. A 3 × 3
#    > convolution from 256 to 256 channels has 9·256² = 589,824 weights, so the block adds less than 3 % of one such
#    > layer. Its arithmetic is smaller still, because it runs once for an image and not once for a pixel.
# 4. What changes if you leave the pooling out? Is anything "global" left?
#    > Nothing global is left. The two 1 × 1 convolutions then run at every pixel, and the gate has the shape (B, C, H,
#    > W): each pixel decides about itself from its own channels. The same weights are used at all pixels, but no
#    > information travels between pixels. The block also costs H·W times as much arithmetic. The shapes still fit, so
#    > nothing warns you.
# 5. CBAM (Woo et al., 2018) adds a second gate. Over which axes does it pool?
#    > Its second gate is spatial and pools over the channels. At each position it takes the mean and the maximum over
#    > C, which gives a map (B, 2, H, W); a 7 × 7 convolution and a sigmoid turn this into one gate for each position,
#    > (B, 1, H, W). Its first gate is a channel gate as here, pooled over H and W, but with the maximum as well as the
#    > mean. The channel gate comes first.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 这算注意力吗？什么相当于查询、键和权重？缺了什么？
#    > 只在宽泛的意义上算：权重取决于输入。门就是权重，通道是被加权的对象，类似于值。但没有什么相当于查询和键：门来自作用在全局平均上的一个小网络，而不是两个向量的比较。
#    > 这里也没有 softmax，加权之后也不求和，所以没有任何混合。准确地说，它是门控。
# 2. 为什么用 sigmoid，而不是在通道上做 softmax？
#    > 因为可能有几个通道同时重要，各个门不应当相互竞争。在 C = 256 个通道上做 softmax，平均每个只有 1/256，约 0.004，几乎所有通道都会被缩小，而且打开一个就会关小其他的。
#    > 用 sigmoid，每个门独立地取 0 到 1 之间的值。Hu 等（2018）的说法是：通道之间不是互斥关系。
# 3. C = 256、reduction 为 8 时，这个模块增加多少参数？与一个 3 × 3 卷积相比如何？
#    > 16,672 个。隐藏层宽度是 256/8 = 32，所以权重有 2·256·32 = 16,384 个，偏置有 32 + 256 = 288 个。
#    > 从 256 到 256 通道的 3 × 3 卷积有 9·256² = 589,824 个权重，这个模块不到它的 3 %。计算量占比更小，因为它每幅图像只算一次，而不是每个像素算一次。
# 4. 去掉池化会怎样？还剩下什么“全局”的东西？
#    > 没有任何全局的东西了。两个 1 × 1 卷积会在每个像素上运行，门的形状变成 (B, C, H, W)：每个像素只根据自己的各通道决定自己的门。各像素用的是同一组权重，但像素之间没有信息传递。
#    > 计算量也变成原来的 H·W 倍。形状仍然对得上，所以不会有任何报错。
# 5. CBAM（Woo 等，2018）又加了一个门。它沿哪些维度做池化？
#    > 第二个门是空间门，沿通道维做池化。在每个位置取各通道的均值和最大值，得到 (B, 2, H, W)；再经过 7 × 7 卷积和 sigmoid，得到每个位置一个门，即 (B, 1, H, W)。
#    > 第一个门和这里一样是通道门，沿 H 和 W 池化，只是除均值外还用了最大值。次序是先通道、后空间。

# %% [markdown] tags=["hint"]
# Three stages: one number for each channel, a small network from C numbers to C numbers, and a product with x. Which
# axes have to disappear in the first stage?

# %% [markdown] tags=["hint"] lang="zh"
# 三步：每个通道得到一个数，一个从 C 个数到 C 个数的小网络，再与 x 相乘。第一步要消掉哪些维度？

# %% [markdown] tags=["hint"]
# Keep the pooled axes with size 1 (`keepdim=True`): then the 1 × 1 convolutions apply, and the product with x
# broadcasts over height and width. Check `channels // reduction` before building the layers.

# %% [markdown] tags=["hint"] lang="zh"
# 池化后的维度保留为 1（`keepdim=True`）：这样可以直接用 1 × 1 卷积，与 x 相乘时也会沿高和宽广播。
# 建层之前先检查 `channels // reduction`。

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
# **Gate or attention?** There is no query that is compared with keys, and the gates do not compete: a sigmoid lets
# several channels be open at once, where a softmax over 256 channels would leave each 1/256 on average. What it
# shares with attention is that the weights depend on the input.
#
# **The version without pooling** is a per-pixel 1 × 1 network: no pixel learns anything about the rest of the image,
# and the block costs H·W times as much arithmetic.
#
# **In real libraries** `torchvision.ops.SqueezeExcitation` is this block (its layers are `fc1` and `fc2`); EfficientNet
# and MobileNetV3 use it, with other activations. ECA-Net (Wang et al., 2020) replaces the bottleneck by a 1-D
# convolution over channels; CBAM adds a spatial gate from the mean and the maximum over channels.
#
# **Today.** The block is still found in convolutional networks that must be small or fast: RegNetY (Radosavovic et
# al., 2020) and EfficientNetV2 (Tan and Le, 2021) use it. ConvNeXt (Liu et al., 2022) does without it; ConvNeXt V2
# (Woo et al., 2023) brings back a form in which the channels do compete, global response normalisation. In
# Transformers the idea lives on as modulation: DiT (Peebles and Xie, 2023) scales and shifts the features of an image
# generator by numbers computed from the time step and the class.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 2·C²/r 个权重（外加 C/r + C 个偏置）：C = 256、r = 8 时为 16,384 + 288，而一个 3 × 3 卷积有 589,824 个。
# 计算量可以忽略，因为每幅图像只算一次；与 x 相乘则要读写整张特征图。
#
# **门还是注意力？** 这里没有与键做比较的查询，各个门之间也不竞争：sigmoid 允许多个通道同时打开，
# 而在 256 个通道上做 softmax，平均每个只剩 1/256。它与注意力的共同点是：权重取决于输入。
#
# **没有池化的写法**只是一个逐像素的 1 × 1 网络：任何像素都得不到图像其余部分的信息，而计算量是原来的 H·W 倍。
#
# **实际的库。** `torchvision.ops.SqueezeExcitation` 就是这个模块（层名为 `fc1` 和 `fc2`），
# EfficientNet 和 MobileNetV3 都用它，只是激活函数不同。ECA-Net（Wang 等，2020）把瓶颈换成沿通道的一维卷积；CBAM 再加一个空间门，由沿通道的均值和最大值得到。
#
# **如今。** 需要小而快的卷积网络仍在使用这个模块：RegNetY（Radosavovic 等，2020）和 EfficientNetV2（Tan 和 Le，2021）都有它。
# ConvNeXt（Liu 等，2022）没有用；ConvNeXt V2（Woo 等，2023）又引入了一种让通道相互竞争的形式，即全局响应归一化（GRN）。
# 在 Transformer 中，这个思路以调制（modulation）的形式延续下来：DiT（Peebles 和 Xie，2023）由时间步和类别算出系数，对图像生成模型的特征做缩放和平移。
