# %% [markdown]
# > *"Self-attention does not know which word came first. Give it positions, the way the first Transformer did."*
#
# Shuffle the keys and values of attention together, and its output stays the same: order has to be put into the
# vectors. Vaswani et al. (2017, section 3.5) add a fixed vector to the token at position p, made of sines and cosines
# of many frequencies:
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
# It is absolute: every position has its own vector. What is true, for an even d_model: PE at p + k is PE at p with
# every pair of columns rotated by an angle that depends on k and on the pair, not on p. Vaswani et al. hypothesised
# that this makes relative offsets easy to learn. `relative_attention` puts them into the scores directly.

# %% [markdown] lang="zh"
# > *“自注意力不知道哪个词在前。请按最初的 Transformer 的做法，把位置告诉它。”*
#
# 把键和值一起打乱顺序，注意力的输出不变：顺序必须写进向量里。
# Vaswani 等（2017，第 3.5 节）给位置 p 上的词元加上一个固定向量，它由许多不同频率的正弦和余弦组成：
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
# 对的说法是（d_model 为偶数时）：位置 p + k 的编码由位置 p 的编码旋转而来，每一对列各转一个角度，
# 只取决于 k 和这一对的频率，与 p 无关。Vaswani 等猜想，模型因此容易学会相对偏移。
# `relative_attention` 一题把相对位置直接放进得分。

# %% tags=["demo"]
# One sine per frequency, for d = 8: fast waves tell neighbours apart, slow ones tell near from far.
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
#    > Take one pair, (sin pω, cos pω). By the addition formulas sin((p + k)ω) = sin pω · cos kω + cos pω · sin kω and
#    > cos((p + k)ω) = cos pω · cos kω − sin pω · sin kω. So the pair is multiplied by [[cos kω, sin kω], [−sin kω, cos
#    > kω]], a rotation. For the whole vector these 2×2 blocks stand on the diagonal, one for each frequency. The
#    > matrix depends on k and not on p. For an odd d the last sine has no partner, and the statement fails for it.
# 2. Why a buffer? What goes wrong with a plain attribute when the model moves to a GPU, and with a parameter when it
#    trains?
#    > A buffer moves with the module, is saved with it, and is not trained. A plain attribute stays on the CPU, so x +
#    > pe raises an error about two devices, and it is missing in the `state_dict`. A parameter is given to the
#    > optimizer: its gradient and the weight decay change the table, and it counts as max_len·d weights. One thing to
#    > know: `module.to(torch.bfloat16)` casts buffers as well.
# 3. Which wavelengths does the table have, from the fastest to the slowest? What would base 100 do to long sequences?
#    > 2π · 10000^(2i/d) positions: from 2π ≈ 6.28 to nearly 10000·2π; for d = 512 the slowest is 60,611. With base 100
#    > the slowest is 617, so in a sequence of 5,000 every wave repeats at least eight times, and no column tells early
#    > from late. Far distances look alike: the normalised dot product of two positions at distance 100 is 0.44 with
#    > base 10000 and −0.07 with base 100, where 1,000 and 5,000 are near 0 as well.
# 4. The model was trained with length 512 and is asked for 2,000 positions. The table has them; does the model work?
#    > It runs, but do not rely on it. The vectors of positions beyond 511 exist, but no weight was ever trained with
#    > them: the slow waves take values that did not occur, and distances above 511 are new. Press et al. (2022)
#    > measured it: the perplexity of a model with sinusoids gets worse as the text grows beyond the training length.
#    > So train on the length you need, at least at the end, or use a method made for it.
# 5. Learned absolute, sinusoidal, relative, rotary, ALiBi: which of them act on the input and which on the scores?
#    > Learned absolute and sinusoidal vectors are added to the input, once, below the first layer. Relative vectors
#    > (Shaw) and ALiBi's slopes are added to the scores in every layer. Rotary encoding turns q and k in every layer,
#    > so it acts on the scores, too, and leaves the values alone. The first two are absolute; the others make the
#    > scores depend on the distance.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 证明 PE(p + k) 是 PE(p) 的线性函数。这个矩阵是什么？它不依赖于什么？
#    > 取一对 (sin pω, cos pω)。由和角公式，sin((p + k)ω) = sin pω · cos kω + cos pω · sin kω，
#    > cos((p + k)ω) = cos pω · cos kω − sin pω · sin kω。
#    > 所以这一对乘以了矩阵 [[cos kω, sin kω], [−sin kω, cos kω]]，即一个旋转。
#    > 对整个向量，这些 2×2 的块排在对角线上，每个频率一块。
#    > 矩阵取决于 k，不依赖于 p。d 为奇数时，最后一个正弦没有配对的余弦，对它不成立。
# 2. 为什么用 buffer？如果只是普通属性，模型搬到 GPU 时会出什么问题？如果是参数，训练时又会怎样？
#    > buffer 随模块移动，随模块保存，但不参与训练。
#    > 普通属性会留在 CPU 上，x + pe 会报设备不一致的错误，而且不在 `state_dict` 里。
#    > 参数会交给优化器：梯度和权重衰减都会改变这张表，还会计入 max_len·d 个参数。
#    > 要注意的是，`module.to(torch.bfloat16)` 也会转换 buffer 的类型。
# 3. 从最快到最慢，这张表有哪些波长？把底数换成 100，对长序列有什么影响？
#    > 波长为 2π · 10000^(2i/d) 个位置：从 2π ≈ 6.28 到接近 10000·2π；d = 512 时最慢的是 60,611。
#    > 底数为 100 时最慢的只有 617，长度为 5,000 的序列里每个波都至少重复八次，没有哪一列能区分开头和结尾。
#    > 远距离就都一样了：相距 100 的两个位置，归一化的点积在底数 10000 时是 0.44，在底数 100 时是 −0.07，
#    > 而后者在 1,000 和 5,000 处也接近 0。
# 4. 模型用长度 512 训练，推理时要处理 2,000 个位置。表里有这些位置，模型就能用吗？
#    > 能运行，但不可靠。511 之后的位置向量虽然存在，却没有任何参数用它们训练过：
#    > 慢波取到了从未出现过的值，超过 511 的距离也是新的。
#    > Press 等（2022）做过测量：文本超出训练长度后，使用正弦编码的模型困惑度会变差。
#    > 所以要按需要的长度训练（至少在最后阶段），或者使用专门为此设计的方法。
# 5. 可学习的绝对编码、正弦编码、相对位置、旋转位置编码、ALiBi：哪些作用在输入上，哪些作用在得分上？
#    > 可学习的绝对编码和正弦编码加到输入上，只在第一层之前加一次。
#    > 相对位置向量（Shaw）和 ALiBi 的斜率在每一层加到得分上。
#    > 旋转位置编码（RoPE）在每一层旋转 q 和 k，所以也作用在得分上，值不受影响。
#    > 前两种是绝对位置编码，其余的使得分取决于距离。

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
# **Why it works.** A pair (sin pω, cos pω) is a point on a circle, and moving k positions on turns it by kω. So, for
# an even d, PE(p)·PE(p′) = Σ cos((p − p′)ω), which depends on the distance alone. This holds for the table itself;
# once x and the projections come in, the scores depend on absolute positions, too. Wavelengths grow geometrically from
# 2π towards 10000·2π.
#
# **Numerical traps.** In float32 an angle near 5,000 radians is rounded to a multiple of 2⁻¹¹; a table of 5,000 rows
# and d = 512 that is computed in float32 is off by up to about 4·10⁻⁴. float64 costs nothing, since the table is made
# once. In bfloat16 positions become equal: above 256 not every integer exists, and of the positions 0 to 4,999 only
# 797 different numbers are left. Make the table first, cast later: then all 5,000 rows stay different.
#
# **In real code.** Vaswani et al. multiply the embeddings by √d before they add positions (section 3.4); that belongs
# to the embedding, not here. PyTorch's tutorial module adds dropout and keeps the batch second, so `pe[:x.size(0)]` is
# right there and wrong here. tensor2tensor puts all sines before all cosines; the order is a convention, but it must
# be that of the weights you load.
#
# **Today.** In language models rotary encoding (RoPE, Su et al., 2021) has taken its place: the same frequencies, but
# they turn q and k instead of being added to x. Sinusoids are still used where a number has to become a vector: the
# time step of diffusion models (Ho et al., 2020), coordinates in NeRF (Mildenhall et al., 2020), the audio positions
# of Whisper's encoder (Radford et al., 2022). BERT, GPT-2 and ViT learn their position vectors instead. A decoder can
# even do without (NoPE, Kazemnejad et al., 2023), since the causal mask tells positions apart.

# %% [markdown] tags=["discussion"] lang="zh"
# **为什么有效。** 一对 (sin pω, cos pω) 是圆上的一点，前进 k 个位置就转过 kω。
# 所以 d 为偶数时，PE(p)·PE(p′) = Σ cos((p − p′)ω)，只取决于距离。
# 这只对表本身成立；加上 x、经过投影之后，得分也会取决于绝对位置。
# 波长按等比数列从 2π 增长到接近 10000·2π。
#
# **数值陷阱。** 在 float32 中，5,000 弧度附近的角度会舍入到 2⁻¹¹ 的倍数；
# 用 float32 计算 5,000 行、d = 512 的表，误差最大约 4·10⁻⁴。这张表只算一次，用 float64 也没有代价。
# 在 bfloat16 中，不同的位置会变成同一个数：256 以上并非每个整数都能表示，0 到 4,999 只剩下 797 个不同的数。
# 先算好表再转换类型，5,000 行就仍然各不相同。
#
# **实际的代码。** Vaswani 等在加位置之前把词嵌入乘以 √d（第 3.4 节），那属于嵌入层，不属于这里。
# PyTorch 教程里的模块还有 dropout，并且批在第二维，所以那里写 `pe[:x.size(0)]` 是对的，这里则是错的。
# tensor2tensor 把所有正弦排在所有余弦之前；顺序只是约定，但必须与你加载的权重一致。
#
# **如今。** 语言模型中取代它的是旋转位置编码（RoPE，Su 等，2021）：频率相同，但用来旋转 q 和 k，而不是加到 x 上。
# 需要把一个数变成向量的地方仍在用正弦编码：
# 扩散模型的时间步（Ho 等，2020），NeRF 的坐标（Mildenhall 等，2020），Whisper 编码器的音频位置（Radford 等，2022）。
# BERT、GPT-2 和 ViT 则学习位置向量。
# 解码器甚至可以完全不用位置编码（NoPE，Kazemnejad 等，2023），因为因果掩码已能区分位置。
