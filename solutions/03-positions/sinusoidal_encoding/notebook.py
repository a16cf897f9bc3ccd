# %% [markdown]
# > *"Self-attention does not know which word came first. Give it positions, the way the first Transformer did."*
#
# Shuffle the keys and values of attention and its output stays the same: order has to be put into the vectors. Vaswani
# et al. (2017, section 3.5) add a fixed vector to the token at position p, made of sines and cosines of many
# frequencies:
#
# $$PE_{p,\,2i} = \sin\!\left(p\,/\,10000^{2i/d}\right),\qquad PE_{p,\,2i+1} = \cos\!\left(p\,/\,10000^{2i/d}\right)$$
#
# **Write** the module `PositionalEncoding(d_model, max_len=5000)`.
#
# | | shape | |
# |---|---|---|
# | `pe` | `(max_len, d_model)` | a **buffer**, not a parameter; the one entry of the `state_dict` (persistent) |
# | `forward(x)` | `x`: `(B, L, d_model)` | x plus the first L rows of `pe`, the same for every sequence |
#
# - Positions start at 0. Sine and cosine alternate: columns 2i and 2i+1 are a pair and share one frequency.
# - `d_model` may be odd, even 1: the last sine then has no cosine.
# - L up to and including `max_len` works; a longer x raises `ValueError`.
# - x is not scaled, not changed, and there is no dropout. What comes back has x's dtype, whatever dtype `pe` has
#   (bfloat16 activations through a float32 module stay bfloat16). A table computed in float32 is precise enough.
#
# **By hand.** d = 4 has two frequencies, 1/10000⁰ = 1 and 1/10000^(2/4) = 0.01. Position 0 is [0, 1, 0, 1]; position
# 1 is [sin 1, cos 1, sin 0.01, cos 0.01] ≈ [0.8415, 0.5403, 0.0100, 1.0000].
#
# It is often said (and once in the texts that this course answers) that this table is a *relative* position encoding.
# It is absolute: every position has its own vector. What is true is that PE at p + k is a rotation of PE at p by an
# angle that depends on k alone, which makes relative offsets easy to learn. `relative_attention` does it directly.

# %% [markdown] lang="zh"
# > *“自注意力不知道哪个词在前。请按最初的 Transformer 的做法，把位置告诉它。”*
#
# 把键和值一起打乱顺序，注意力的输出不变：顺序必须写进向量里。Vaswani 等（2017，第 3.5 节）
# 给位置 p 上的词元加上一个固定向量，
# 它由许多不同频率的正弦和余弦组成：
#
# $$PE_{p,\,2i} = \sin\!\left(p\,/\,10000^{2i/d}\right),\qquad PE_{p,\,2i+1} = \cos\!\left(p\,/\,10000^{2i/d}\right)$$
#
# **请实现**模块 `PositionalEncoding(d_model, max_len=5000)`。
#
# | | 形状 | |
# |---|---|---|
# | `pe` | `(max_len, d_model)` | 是 **buffer** 而不是参数：以此名保存在 `state_dict` 中（持久化），且只有它一项 |
# | `forward(x)` | `x`：`(B, L, d_model)` | 返回 x 加上 `pe` 的前 L 行；批中每个序列用同样的这些行 |
#
# - 位置从 0 开始。正弦与余弦交错排列：第 2i 列与第 2i+1 列是一对，共用一个频率。
# - `d_model` 可以是奇数，甚至是 1：这时最后一个正弦没有与之配对的余弦。
# - L 可以等于 `max_len`；x 更长时抛出 `ValueError`。
# - 不缩放 x，不修改 x，也没有 dropout。返回值保持 x 的 dtype，与 `pe` 的 dtype 无关
#   （bfloat16 的激活通过 float32 的模块之后仍是 bfloat16）。用 float32 计算这张表已足够精确。
#
# **手算一例。** d = 4 有两个频率：1/10000⁰ = 1 和 1/10000^(2/4) = 0.01。位置 0 是 [0, 1, 0, 1]；位置 1 是
# [sin 1, cos 1, sin 0.01, cos 0.01] ≈ [0.8415, 0.5403, 0.0100, 1.0000]。
#
# 常有人说（本课程所回答的文章里也有一处）这张表是*相对*位置编码。其实它是绝对位置编码：每个位置有自己的向量。
# 对的说法是：位置 p + k 的编码由位置 p 的编码旋转而来，转角只取决于 k，因此模型容易学会相对偏移。
# `relative_attention` 一题直接处理相对位置。

# %% tags=["demo"]
# One sine per frequency, for d = 8: fast waves tell neighbours apart, slow ones tell far from near.
import math
from grader import heatmap

heatmap(
    [[math.sin(p / 10000 ** (2 * i / 8)) for p in range(16)] for i in range(4)],
    rows=[f"column {2 * i}" for i in range(4)],
    title="size of the sine at positions 0 … 15",
)

# %% tags=["given"]
import math

import torch
from torch import nn

# %% tags=["solution"]
class PositionalEncoding(nn.Module):
    """Adds sinusoids of the position (0, 1, …) to x (B, L, d_model); L is at most max_len, else ValueError.

    The table is the persistent buffer `pe` (max_len, d_model). The result has the dtype of x.
    """

    def __init__(self, d_model, max_len=5000):
        super().__init__()
        ### BEGIN SOLUTION
        position = torch.arange(max_len, dtype=torch.float64)
        exponent = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
        angle = torch.outer(position, 10000.0**-exponent)
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = angle.sin()
        pe[:, 1::2] = angle[:, : d_model // 2].cos()
        self.register_buffer("pe", pe)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        length = x.shape[1]
        if length > self.pe.shape[0]:
            raise ValueError(f"{length} positions, but the table has only {self.pe.shape[0]}")
        return x + self.pe[:length].to(x.dtype)
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("sinusoidal_encoding")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("sinusoidal_encoding")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(PositionalEncoding)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Show that PE(p + k) is a linear function of PE(p). Which matrix is it, and what does it not depend on?
# 2. Why a buffer? What goes wrong with a plain attribute when the model moves to a GPU, and with a parameter when it
#    trains?
# 3. Which wavelengths does the table have, from the fastest to the slowest? What would base 100 do to long sequences?
# 4. The model was trained with length 512 and is asked for 2,000 positions. The table has them; does the model work?
# 5. Learned absolute, sinusoidal, relative, rotary, ALiBi: which of them act on the input and which on the scores?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 证明 PE(p + k) 是 PE(p) 的线性函数。这个矩阵是什么？它不依赖于什么？
# 2. 为什么用 buffer？如果只是普通属性，模型搬到 GPU 时会出什么问题？如果是参数，训练时又会怎样？
# 3. 从最快到最慢，这张表有哪些波长？把底数换成 100，对长序列有什么影响？
# 4. 模型用长度 512 训练，推理时要处理 2,000 个位置。表里有这些位置，模型就能用吗？
# 5. 可学习的绝对编码、正弦编码、相对位置、旋转编码、ALiBi：哪些作用在输入上，哪些作用在打分上？

# %% [markdown] tags=["hint"]
# First the angles, a table of positions by frequencies (only half as many columns as `pe`); then the sines of all of
# them go to the even columns and the cosines to the odd ones.

# %% [markdown] tags=["hint"] lang="zh"
# 先算角度：一张“位置 × 频率”的表，列数只有 `pe` 的一半；然后所有角度的正弦放进偶数列，余弦放进奇数列。

# %% [markdown] tags=["hint"]
# `torch.arange(0, d_model, 2)` is 2i already: do not double it again. `pe[:, 0::2]` and `pe[:, 1::2]` are the columns;
# for an odd size the second has one column fewer. `self.register_buffer("pe", pe)` keeps the table.

# %% [markdown] tags=["hint"] lang="zh"
# `torch.arange(0, d_model, 2)` 已经是 2i，不要再乘 2。`pe[:, 0::2]` 和 `pe[:, 1::2]` 就是那些列；
# d_model 为奇数时后者少一列。
# 用 `self.register_buffer("pe", pe)` 保存这张表。

# %% [markdown] tags=["hint"]
# The angles are `positions[:, None] / 10000 ** (arange(0, d_model, 2) / d_model)`. Cut them to the first `d_model // 2`
# columns before the cosine. In `forward`: compare `x.shape[1]` with `max_len`, then
# `x + self.pe[:x.shape[1]].to(x.dtype)`.

# %% [markdown] tags=["hint"] lang="zh"
# 角度是 `positions[:, None] / 10000 ** (arange(0, d_model, 2) / d_model)`。取余弦之前只留前 `d_model // 2` 列。
# 在 `forward` 里先比较 `x.shape[1]` 与 `max_len`，再返回 `x + self.pe[:x.shape[1]].to(x.dtype)`。

# %% [markdown] tags=["discussion"]
# **Why it works.** A pair (sin pω, cos pω) is a point on a circle, and moving k positions on turns it by kω. So
# PE(p)·PE(p′) = Σ cos((p − p′)ω), a function of the distance alone. Wavelengths grow geometrically from 2π towards
# 10000·2π.
#
# **Numerical traps.** In float32 an angle near 5,000 radians is known to about 2⁻¹² ≈ 2·10⁻⁴; float64 costs nothing,
# since the table is made once. In bfloat16 whole positions collapse (above 256 not every integer exists): make the
# table first, cast later.
#
# **In real code.** Vaswani et al. multiply the embeddings by √d before they add positions (section 3.4); that belongs
# to the embedding, not here. PyTorch's tutorial module adds dropout and keeps the batch second, so `pe[:x.size(0)]`
# is right there and wrong here. tensor2tensor puts all sines before all cosines; the order is a convention, but it
# must be that of the weights you load.

# %% [markdown] tags=["discussion"] lang="zh"
# **为什么有效。** 一对 (sin pω, cos pω) 是圆上的一点，前进 k 个位置就转过 kω。所以 PE(p)·PE(p′) = Σ cos((p − p′)ω)，
# 只取决于距离。
# 波长按等比数列从 2π 增长到接近 10000·2π。
#
# **数值陷阱。** 5,000 弧度附近的角度在 float32 中的误差约为 2⁻¹² ≈ 2·10⁻⁴；这张表只算一次，用 float64 也没有代价。
# 在 bfloat16 中，位置本身就会混淆（256 以上并非每个整数都能表示）：先算好表，再转换类型。
#
# **实际的代码。** Vaswani 等在加位置之前把词嵌入乘以 √d（第 3.4 节），那属于嵌入层，不属于这里。
# PyTorch 教程里的模块还有 dropout，
# 并且批在第二维，所以那里写 `pe[:x.size(0)]` 是对的，这里则是错的。tensor2tensor 把所有正弦排在所有余弦之前；
# 顺序只是约定，但必须与你加载的权重一致。
