# %% [markdown]
# > *"A U-Net copies its early feature maps to its late layers, noise and background included. Put something on that path
# > that lets only what matters through, and tell me what decides what matters."*
#
# The **attention gate** (Oktay et al., 2018, Attention U-Net) is additive attention for images. The *skip* connection
# brings fine detail that knows little; the *gate* signal comes from deeper in the network, coarse, and knows what the
# image is about. Together they decide, for every position, how much of the skip passes.
#
# **Write** `AttentionGate(gate_channels, skip_channels, inter_channels)`, an `nn.Module`, with
# `forward(gate, skip) -> (out, alpha)`:
#
# $$\alpha = \sigma\bigl(\text{psi}(\operatorname{ReLU}(\text{w\_gate}(g) + \text{w\_skip}(x)))\bigr), \qquad \text{out} = \alpha \cdot x$$
#
# where g is the gate signal, brought to the skip's height and width, and x the skip.
#
# | | shape | |
# |---|---|---|
# | `gate` | `(B, gate_channels, H_g, W_g)` | from deeper in the network, usually coarser |
# | `skip` | `(B, skip_channels, H, W)` | what is to be gated |
# | `w_gate` | `nn.Conv2d(gate_channels, inter_channels, 1)` | with its bias, like the next two |
# | `w_skip` | `nn.Conv2d(skip_channels, inter_channels, 1)` | |
# | `psi` | `nn.Conv2d(inter_channels, 1, 1)` | one number a position |
# | `out` | `(B, skip_channels, H, W)` | |
# | `alpha` | `(B, 1, H, W)` | between 0 and 1; positions do not compete |
#
# - The gate is resized to the skip's height and width **whenever either differs**, whether it is smaller or larger, by
#   any factor: bilinear, `align_corners=False`, no antialiasing (`F.interpolate` is allowed). Since 1 × 1 convolutions
#   and bilinear resizing commute, you may resize before or after `w_gate`; not after the ReLU.
# - The layers carry exactly these names. Outputs keep the inputs' dtype and device (float64 and bfloat16 included).
#   The inputs are not changed. Gradients flow to both inputs and all parameters. Values in the thousands give no NaN.
#
# **By hand.** One position, one channel everywhere, g = 2, x = 3, `w_gate` = 1, `w_skip` = −1, `psi` = 2, biases 0:
# the sum is 2 − 3 = −1, the ReLU gives 0, α = σ(0) = 0.5, out = 1.5. With g = 4 the sum is 1, α = σ(2) ≈ 0.881, out ≈
# 2.642.

# %% [markdown] lang="zh"
# > *“U-Net 会把早期的特征图原样复制到后面的层，噪声和背景也一并带过去。在这条路径上加点东西，只让重要的内容通过；
# > 并说明由谁来决定什么重要。”*
#
# **注意力门**（attention gate；Oktay 等，2018，Attention U-Net）是用在图像上的加性注意力。*跳跃连接*（skip）带来细节，
# 但所知甚少；*门控信号*（gate）来自网络更深处，分辨率低，却知道图像的内容。两者一起决定每个位置上跳跃特征能通过多少。
#
# **请实现** `nn.Module` `AttentionGate(gate_channels, skip_channels, inter_channels)`，其
# `forward(gate, skip) -> (out, alpha)` 为
#
# $$\alpha = \sigma\bigl(\text{psi}(\operatorname{ReLU}(\text{w\_gate}(g) + \text{w\_skip}(x)))\bigr), \qquad \text{out} = \alpha \cdot x$$
#
# 其中 g 是缩放到跳跃特征高宽的门控信号，x 是跳跃特征。
#
# | | 形状 | |
# |---|---|---|
# | `gate` | `(B, gate_channels, H_g, W_g)` | 来自网络更深处，通常更粗 |
# | `skip` | `(B, skip_channels, H, W)` | 被门控的特征 |
# | `w_gate` | `nn.Conv2d(gate_channels, inter_channels, 1)` | 带偏置，下面两个也是 |
# | `w_skip` | `nn.Conv2d(skip_channels, inter_channels, 1)` | |
# | `psi` | `nn.Conv2d(inter_channels, 1, 1)` | 每个位置一个数 |
# | `out` | `(B, skip_channels, H, W)` | |
# | `alpha` | `(B, 1, H, W)` | 在 0 和 1 之间；各位置互不竞争 |
#
# - 只要高或宽**有一个不同**，就把门控信号缩放到跳跃特征的高和宽，无论它更小还是更大、倍数是多少：双线性插值，
#   `align_corners=False`，不做抗锯齿（可以用 `F.interpolate`）。1 × 1 卷积与双线性缩放可以交换，
#   所以在 `w_gate` 之前或之后缩放都行；但不能放在 ReLU 之后。
# - 层的名字必须与上表一致。输出保持输入的 dtype 和设备（包括 float64 和 bfloat16）。不得修改输入。
#   梯度流向两个输入和所有参数。数值上千也不能出现 NaN。
#
# **手算一例。** 只有一个位置，处处一个通道，g = 2，x = 3，`w_gate` = 1，`w_skip` = −1，`psi` = 2，偏置为 0：和为 2 − 3
# = −1，ReLU 后为 0，α = σ(0) = 0.5，out = 1.5。若 g = 4，和为 1，α = σ(2) ≈ 0.881，out ≈ 2.642。

# %% tags=["demo"]
# A coarse 2 × 3 gate signal brought to the 4 × 6 of its skip: bilinear, align_corners=False.
import torch
from grader import heatmap

coarse = torch.tensor([[[[0.0, 1.0, 0.0], [0.0, 0.5, 1.0]]]])
fine = torch.nn.functional.interpolate(coarse, size=(4, 6), mode="bilinear", align_corners=False)
heatmap(fine[0, 0], title="the gate at the skip's resolution")

# %% tags=["given"]
import torch
from torch import nn
from torch.nn import functional as F

# %% tags=["solution"]
class AttentionGate(nn.Module):
    """Lets a skip connection (B, skip_channels, H, W) through as far as a gate signal (B, gate_channels, h, w) says.

    Layers: w_gate, w_skip, psi (1 × 1 convolutions). Returns (out, alpha) of shapes (B, skip_channels, H, W), (B, 1, H, W).
    """

    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        ### BEGIN SOLUTION
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
        self.psi = nn.Conv2d(inter_channels, 1, 1)
        ### END SOLUTION

    def forward(self, gate, skip):
        ### BEGIN SOLUTION
        if gate.shape[-2:] != skip.shape[-2:]:
            gate = F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        hidden = torch.relu(self.w_gate(gate) + self.w_skip(skip))
        alpha = torch.sigmoid(self.psi(hidden))
        return alpha * skip, alpha
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("attention_gate")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("attention_gate")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(AttentionGate)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why is this called *additive* attention? Compare it with the score vᵀ tanh(W q + U k) of Bahdanau et al. (2015).
# 2. Why a sigmoid here? What would a softmax over all positions do to an image with a large object?
# 3. What does a pixel whose α is 0 send back in the backward pass, to the skip and to the gate?
# 4. The documents call a gate "between input and output" a variant of attention. What is the difference between a gate
#    and attention?
# 5. Why does resizing before or after a 1 × 1 convolution give the same numbers? Is that true with padding and a 3 × 3
#    one?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么称为*加性*注意力？与 Bahdanau 等（2015）的打分 vᵀ tanh(W q + U k) 比较。
# 2. 这里为什么用 sigmoid？对于含有大物体的图像，在所有位置上做 softmax 会怎样？
# 3. α 为 0 的像素在反向传播时，向跳跃特征和门控信号各传回什么？
# 4. 有资料把“在输入与输出之间加门控”列为注意力的一种变体。门与注意力的区别是什么？
# 5. 为什么在 1 × 1 卷积之前或之后缩放，结果相同？换成带填充的 3 × 3 卷积还成立吗？

# %% [markdown] tags=["hint"]
# Bring the gate to the size of the skip, take both to the same number of channels, add, and boil the sum down to one
# number a position. That number gates the skip, not the gate signal.

# %% [markdown] tags=["hint"] lang="zh"
# 把门控信号缩放到跳跃特征的大小，把两者变到相同的通道数，相加，再把和压缩成每个位置一个数。这个数门控的是跳跃特征，
# 而不是门控信号。

# %% [markdown] tags=["hint"]
# Compare `gate.shape[-2:]` with `skip.shape[-2:]` (both axes), and give `F.interpolate` the `size` of the skip, not a
# scale factor. There is a ReLU after the sum and a sigmoid after `psi`.

# %% [markdown] tags=["hint"] lang="zh"
# 比较 `gate.shape[-2:]` 与 `skip.shape[-2:]`（两个维度都要比），给 `F.interpolate` 传跳跃特征的 `size`，而不是倍数。
# 求和之后是 ReLU，`psi` 之后是 sigmoid。

# %% [markdown] tags=["hint"]
# `F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)`, then
# `alpha = sigmoid(psi(relu(w_gate(gate) + w_skip(skip))))`, and return `alpha * skip` and `alpha`.

# %% [markdown] tags=["hint"] lang="zh"
# `F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)`，然后
# `alpha = sigmoid(psi(relu(w_gate(gate) + w_skip(skip))))`，返回 `alpha * skip` 和 `alpha`。

# %% [markdown] tags=["discussion"]
# **What it is.** Score by sum and non-linearity, as in Bahdanau et al. (2015), but every position is compared with the
# one gate vector of its own place, and the sigmoid makes no position compete with another. Nothing is averaged over
# positions: it is a gate, whose values depend on two inputs. (Attention mixes; a gate only scales.)
#
# **Cost.** Linear in the number of positions: about inter·(gate + skip + 1) multiply-adds each. No H·W × H·W matrix.
#
# **Traps.** With α near 0 almost no gradient reaches the skip at that place, which is what keeps the background out of
# the early layers, and what makes a badly initialised gate slow to open. `align_corners` shifts the grid: mixing both
# settings in one network misaligns gate and skip by up to half a pixel.
#
# **In the paper** the skip is strided down to the gate's resolution and α is resized up again, which is cheaper;
# `w_skip` has no bias there, and batch norm follows in many implementations. Here the gate goes up, so that there is
# one thing to get right at a time.

# %% [markdown] tags=["discussion"] lang="zh"
# **它是什么。** 与 Bahdanau 等（2015）一样由求和加非线性得到打分，但每个位置只与自己所在处的那一个门控向量比较，
# sigmoid 也不让各位置竞争。没有任何东西跨位置求平均：它是一个门，门的值取决于两个输入。（注意力是混合，门只是缩放。）
#
# **代价。** 与位置数成线性：每个位置约 inter·(gate + skip + 1) 次乘加，没有 H·W × H·W 的矩阵。
#
# **陷阱。** α 接近 0 的地方几乎没有梯度传到跳跃特征，这正是它把背景挡在早期层之外的办法，也使初始化不当的门很难打开。
# `align_corners` 会移动采样网格：同一个网络里混用两种设置，门与跳跃特征会错开最多半个像素。
#
# **论文中的做法**是把跳跃特征用步长降到门控信号的分辨率，再把 α 放大回去，这样更省；其中 `w_skip` 没有偏置，
# 许多实现后面还接批归一化。这里改为放大门控信号，一次只考一件事。
