# %% [markdown]
# > *"A U-Net copies its early feature maps to its late layers, noise and background included. Put something on that path
# > that lets only what matters through, and tell me what decides what matters."*
#
# The **attention gate** (Oktay et al., 2018, Attention U-Net) was made to find the pancreas in CT scans: a small organ,
# of changing shape, among tissue that looks alike. Seen from close by, a bright spot may be organ or noise. The *skip*
# connection comes from early layers: fine detail, but little meaning. The *gate* signal comes from deeper in the
# network: coarse, but it has seen a large part of the image. Together they decide, for every position, how much of the
# skip passes. The form is that of additive attention.
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
# **注意力门**（attention gate；Oktay 等，2018，Attention U-Net）最初用于在 CT 图像中定位胰腺：器官小，形状多变，
# 与周围组织又很像。只看局部，一个亮点可能是器官，也可能是噪声。*跳跃连接*（skip）来自浅层：细节丰富但缺乏语义；
# *门控信号*（gate）来自网络更深处：分辨率低，但感受野大，语义更强。
# 两者一起决定每个位置上跳跃特征能通过多少，形式上就是加性注意力。
#
# **请实现** `nn.Module` `AttentionGate(gate_channels, skip_channels, inter_channels)`，
# 其中 `forward(gate, skip) -> (out, alpha)` 为
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
# **手算一例。** 只有一个位置，处处一个通道，g = 2，x = 3，`w_gate` = 1，`w_skip` = −1，`psi` = 2，偏置为 0：
# 和为 2 − 3 = −1，ReLU 后为 0，α = σ(0) = 0.5，out = 1.5。若 g = 4，和为 1，α = σ(2) ≈ 0.881，out ≈ 2.642。

# %% tags=["demo"]
# A scan of 6 × 8 pixels: an organ (a block of 9) and four specks of noise, all equally bright. The gate is coarse (3 × 4),
# but knows roughly where the organ is. With psi(hidden) = 8 · hidden − 4, a pixel passes only if gate and skip agree.
import torch
from grader import heatmap

skip = torch.zeros(6, 8)
skip[1:4, 4:7] = 1.0
skip[[0, 3, 4, 5], [1, 2, 0, 3]] = 1.0
coarse = torch.tensor([[[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]]])
gate = torch.nn.functional.interpolate(coarse, size=(6, 8), mode="bilinear", align_corners=False)[0, 0]
alpha = torch.sigmoid(8 * torch.relu(gate + skip - 1) - 4)
(
    heatmap(skip, title="skip: organ and noise")
    + heatmap(gate, title="gate, at the skip's size")
    + heatmap(alpha * skip, title="out = α · skip")
)

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
#    > Because query and key are each projected, added and passed through a non-linearity, where dot-product attention
#    > multiplies them. The parts match one by one: `w_gate` is W, `w_skip` is U, the ReLU stands for tanh, and `psi`
#    > is vᵀ. Two things differ. Each skip position is compared with only one query, the gate vector of its own place.
#    > And the score goes through a sigmoid, so there is no softmax over positions and no weighted sum.
# 2. Why a sigmoid here? What would a softmax over all positions do to an image with a large object?
#    > A sigmoid lets every position be open at the same time; a softmax makes the positions share a total of 1. If an
#    > object covers 1,000 pixels, a softmax can give each of them about 1/1000 at most on average, so the object would
#    > come out almost black, and the more so the larger it is. With the sigmoid each of the 1,000 pixels can have α
#    > near 1. Oktay et al. (2018) give the same reason: repeated softmax makes the output sparser, and the sigmoid
#    > trained better.
# 3. What does a pixel whose α is 0 send back in the backward pass, to the skip and to the gate?
#    > Nothing, to either of them. out = α·x has two paths to the skip: the direct one is multiplied by α, and the one
#    > through α is multiplied by the derivative of the sigmoid, α(1 − α). Both are 0. The gate signal and the
#    > parameters have only the second path, so they get nothing from this pixel either. An exact 0 needs a very
#    > negative input of the sigmoid (below about −89 in float32 on a CPU); for a merely small α the gradients are
#    > small, so a gate that starts closed opens slowly.
# 4. Some texts call a gate "between input and output" a variant of attention. What is the difference between a gate
#    and attention?
#    > Attention mixes, a gate only scales. In attention the output at one position is a weighted average of values
#    > from many positions, and the weights sum to 1. A gate multiplies what is already at a position by a number
#    > between 0 and 1; nothing is carried from one position to another. What they share is that the weights are
#    > computed from the input. The gate of an LSTM is the older example (Hochreiter and Schmidhuber, 1997).
# 5. Why does resizing before or after a 1 × 1 convolution give the same numbers? Is that true with padding and a 3 ×
#    3 one?
#    > A 1 × 1 convolution mixes channels at one place; bilinear resizing mixes places within one channel. Both are
#    > linear and act on different axes, so the order does not matter. The bias survives because the weights of
#    > bilinear interpolation sum to 1. Rounding aside, the numbers are equal. For a 3 × 3 convolution it is not true,
#    > with or without padding: its neighbours are one pixel apart on the coarse grid in one case and on the fine grid
#    > in the other. Zero padding adds another difference at the border.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么称为*加性*注意力？与 Bahdanau 等（2015）的得分函数 vᵀ tanh(W q + U k) 比较。
#    > 因为查询和键各自投影之后是相加，再过一个非线性；点积注意力则是相乘。各部分一一对应：`w_gate` 是 W，`w_skip` 是 U，ReLU 相当于 tanh，`psi` 是 vᵀ。不同之处有两点。
#    > 第一，每个跳跃位置只与一个查询比较，即同一位置上的门控向量。第二，得分过的是 sigmoid，所以没有跨位置的 softmax，也没有加权求和。
# 2. 这里为什么用 sigmoid？对于含有大物体的图像，在所有位置上做 softmax 会怎样？
#    > sigmoid 允许所有位置同时打开；softmax 则让所有位置分享总和为 1 的权重。一个物体占 1000 个像素时，softmax 平均最多给每个像素 1/1000，物体几乎变成全黑，而且物体越大越暗。
#    > 用 sigmoid，这 1000 个像素的 α 都可以接近 1。Oktay 等（2018）的理由也是如此：多次使用 softmax 会让输出过于稀疏，而 sigmoid 的训练收敛更好。
# 3. α 为 0 的像素在反向传播时，向跳跃特征和门控信号各传回什么？
#    > 什么也传不回去。out = α·x 通向跳跃特征有两条路径：直接的一条乘以 α，经过 α 的一条乘以 sigmoid 的导数 α(1 − α)，两者都是 0。
#    > 门控信号和各参数只有第二条路径，所以从这个像素也得不到梯度。要让 α 恰好等于 0，sigmoid 的输入必须是绝对值很大的负数（CPU 上 float32 约小于 −89）；
#    > 如果 α 只是很小，梯度也很小，所以一开始就关着的门很难打开。
# 4. 有资料把“在输入与输出之间加门控”列为注意力的一种变体。门与注意力的区别是什么？
#    > 注意力做的是混合，门只做缩放。注意力在一个位置的输出，是许多位置的值的加权平均，权重之和为 1。门只是把该位置原有的内容乘以 0 到 1 之间的一个数，信息不会从一个位置传到另一个位置。
#    > 两者的共同点是：权重都由输入算出。更早的例子是 LSTM 的门（Hochreiter 和 Schmidhuber，1997）。
# 5. 为什么在 1 × 1 卷积之前或之后缩放，结果相同？换成带填充的 3 × 3 卷积还成立吗？
#    > 1 × 1 卷积在同一位置混合各通道，双线性缩放在同一通道内混合各位置；两者都是线性的，作用在不同的维度上，所以可以交换。双线性插值的权重之和为 1，所以偏置也不变。除舍入误差外，结果相同。
#    > 3 × 3 卷积则不成立，有没有填充都一样：一种情况下相邻像素是粗网格上的邻居，另一种情况下是细网格上的邻居。补零还会在边界处带来额外的差别。

# %% [markdown] tags=["hint"]
# Bring the gate to the size of the skip, take both to the same number of channels, add, and reduce the sum to one
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
# `F.interpolate(gate, size=skip.shape[-2:], mode="bilinear", align_corners=False)`；
# 然后 `alpha = sigmoid(psi(relu(w_gate(gate) + w_skip(skip))))`，返回 `alpha * skip` 和 `alpha`。

# %% [markdown] tags=["discussion"]
# **What it is.** Score by sum and non-linearity, as in Bahdanau et al. (2015), but every position is compared with the
# one gate vector of its own place, and with a sigmoid the positions do not compete. Nothing is averaged over positions:
# it is a gate, whose values depend on two inputs. (Attention mixes; a gate only scales.)
#
# **Cost.** Linear in the number of positions: about inter·(gate + skip + 1) multiply-adds each. No H·W × H·W matrix.
#
# **Traps.** With α near 0 almost no gradient reaches the skip at that place. This keeps the background from changing
# the early layers, but a gate that starts closed is slow to open. `align_corners` shifts the sampling grid: if one part
# of a network uses True and another False, gate and skip are out of line, at a factor of 2 by up to half a pixel of the
# skip, at a factor of 8 by more than three.
#
# **In the paper** the skip is strided down to the gate's resolution and α is resized up again, which is cheaper;
# `w_skip` has no bias there, and many implementations add batch norm. Here the gate is resized instead, so that there
# is one thing to get right at a time.
#
# **Today.** In medical segmentation the plain U-Net is still hard to beat: nnU-Net, a carefully configured one without
# attention gates, and its convolutional variants came out ahead of Transformer models in a controlled comparison
# (Isensee et al., 2024). Foundation models such as SAM (Kirillov et al., 2023) use cross-attention between prompts and
# image instead. Gates themselves are everywhere: SwiGLU in feed-forward layers (Shazeer, 2020), and a sigmoid gate on
# the output of softmax attention, computed from the layer's input, which made training more stable and weakened the
# attention sink (Qiu et al., 2025; used in Qwen3-Next).

# %% [markdown] tags=["discussion"] lang="zh"
# **它是什么。** 与 Bahdanau 等（2015）一样由求和加非线性得到得分，但每个位置只与同一位置上的那一个门控向量比较，
# 而且用的是 sigmoid，各位置互不竞争。没有任何东西跨位置求平均：它是一个门，门的值取决于两个输入。（注意力是混合，门只是缩放。）
#
# **开销。** 与位置数成线性：每个位置约 inter·(gate + skip + 1) 次乘加，没有 H·W × H·W 的矩阵。
#
# **陷阱。** α 接近 0 的地方几乎没有梯度传到跳跃特征：背景因此不会影响浅层的训练，但一开始就关着的门也很难打开。
# `align_corners` 会移动采样网格：同一个网络里若一处用 True、另一处用 False，门与跳跃特征就会错位。
# 放大 2 倍时最多错开跳跃特征的半个像素，放大 8 倍时超过三个像素。
#
# **论文中的做法**是把跳跃特征用步长降到门控信号的分辨率，再把 α 放大回去，这样更省；其中 `w_skip` 没有偏置，
# 许多实现还会加批归一化。这里改为放大门控信号，一次只考一件事。
#
# **如今。** 在医学图像分割中，普通的 U-Net 仍然很难被超越：精心配置、不带注意力门的 nnU-Net 及其卷积变体，在严格控制条件的比较中胜过 Transformer 模型（Isensee 等，2024）。
# SAM（Kirillov 等，2023）等基础模型则改用提示与图像之间的交叉注意力。门本身随处可见：前馈层里的 SwiGLU（Shazeer，2020）；
# 还有加在 softmax 注意力输出上的 sigmoid 门，由该层的输入算出，它让训练更稳定，并减轻了 attention sink 现象（Qiu 等，2025；用于 Qwen3-Next）。
