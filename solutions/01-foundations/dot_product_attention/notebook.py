# %% [markdown]
# > *"Here are queries, keys and values as tensors. Implement dot-product attention, softmax(QKᵀ)V. And let it work
# > for a batch."*
#
# This is the simplest form (Luong et al., 2015, call its score "dot"): a query scores every key by a dot product, a
# softmax turns the scores into weights, and the output is the weighted sum of the values. Nothing is learned here,
# and nothing is scaled.
#
# $$\operatorname{weights} = \operatorname{softmax}(QK^\top), \qquad \operatorname{output} = \operatorname{weights} V$$
#
# **Write** `dot_product_attention(q, k, v) -> (output, weights)`.
#
# | | shape | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` is any number of leading axes (batch, heads), none included; the same for q, k and v |
# | `k` | `(..., S, d)` | S may differ from L |
# | `v` | `(..., S, d_v)` | d_v may differ from d |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | after the softmax: one row a query, and each row sums to 1 |
#
# - No scale, no mask: the scores are the dot products as they are. (The scale comes in the next exercise.)
# - Without a scale scores get large. They may reach ±20,000, where `exp` overflows: use a softmax that is stable.
# - Outputs keep the inputs' dtype and device, float64 and bfloat16 included. Taking the softmax in float32 is fine.
# - Inputs are not changed, and gradients flow to q, k and v through both outputs.
# - Write it yourself: PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …)
#   may not be used.
#
# **By hand.** One query [1, 2], keys [1, 0] and [0, 1], values [6] and [9]: the scores are 1 and 2, the weights are
# 1/(1 + e) ≈ 0.269 and e/(1 + e) ≈ 0.731, and the output is 0.269·6 + 0.731·9 ≈ 8.193. Note that the weights sum to
# 1; a sigmoid of every score on its own would give 0.731 and 0.881, which do not.

# %% [markdown] lang="zh"
# > *“给你查询、键、值三个张量，实现点积注意力 softmax(QKᵀ)V，而且要支持批量。”*
#
# 这是最简单的形式（Luong 等，2015，称为“dot”）：查询与每个键做点积得到得分，softmax 把得分变成权重，
# 输出是值的加权和。这里没有要学习的参数，也没有缩放。
#
# $$\operatorname{weights} = \operatorname{softmax}(QK^\top), \qquad \operatorname{output} = \operatorname{weights} V$$
#
# **请实现** `dot_product_attention(q, k, v) -> (output, weights)`。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度（批、头），也可以没有；q、k、v 三者相同 |
# | `k` | `(..., S, d)` | S 可以与 L 不同 |
# | `v` | `(..., S, d_v)` | d_v 可以与 d 不同 |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | softmax 之后的权重：每个查询一行，每行之和为 1 |
#
# - 不缩放，不加掩码：得分就是点积本身。（缩放在下一题。）
# - 不缩放时得分会很大，可能达到 ±20,000，此时 `exp` 会溢出：请用数值稳定的 softmax。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；用 float32 计算 softmax 没有问题。
# - 不得修改输入。梯度经由两个输出流向 q、k、v。
# - 请自己实现：不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** 查询 [1, 2]，键 [1, 0] 和 [0, 1]，值 [6] 和 [9]：得分为 1 和 2，权重为 1/(1 + e) ≈ 0.269 和 e/(1 + e)
# ≈ 0.731，输出为 0.269·6 + 0.731·9 ≈ 8.193。注意权重之和为 1；若对每个得分单独取 sigmoid，得到 0.731 和 0.881，
# 之和不是 1。

# %% tags=["demo"]
# Without a scale, larger vectors have larger scores, and one key takes all: N(0, 1) inputs, at three sizes d.
import torch
from grader import heatmap

torch.manual_seed(0)
heatmap(
    [torch.softmax(torch.randn(d) @ torch.randn(d, 8), dim=-1).tolist() for d in (1, 16, 256)],
    rows=["d = 1", "d = 16", "d = 256"],
    title="weights of one query over eight keys",
)

# %% tags=["given"]
import torch

# %% tags=["solution"]
def dot_product_attention(q, k, v):
    """Unscaled attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v).

    Returns (output (..., L, d_v), weights (..., L, S)).
    """
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1)
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("dot_product_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("dot_product_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(dot_product_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why `transpose(-2, -1)` and not `.T` or `transpose(1, 2)`? What does each do with 2, 3 and 4 axes?
#    > `transpose(-2, -1)` swaps the last two axes, however many there are; `.mT` does the same. `.T` reverses all
#    > axes: right for (S, d), but (B, S, d) becomes (d, S, B), and PyTorch warns that this use is deprecated.
#    > `transpose(1, 2)` raises an IndexError with 2 axes, is right with 3, and with (B, H, S, d) it swaps heads and
#    > keys. Where sizes happen to agree, such mistakes raise no error.
# 2. A published snippet takes a sigmoid in place of the softmax. What changes, and is it "wrong"?
#    > With a sigmoid every key gets its weight on its own: keys do not compete, a row need not sum to 1, and the
#    > output can grow with the number of keys (S keys with the score 0 weigh S/2 together). As an implementation of
#    > softmax attention it is wrong. As another layer it can be trained: Ramapuram et al. (2024) add a bias of −log
#    > S, so that the weights of a row start with a sum near 1, and match the softmax in quality.
# 3. What happens to the weights when all keys are shifted by the same vector? When all queries are?
#    > Shifting all keys by c adds q·c to every score of a query. That is the same number for all keys, so the weights
#    > do not change. For this reason a bias in the key projection has no effect, unless the keys are rotated
#    > afterwards (RoPE), and Whisper's code does without it. Shifting all queries by c adds c·k to the score of key
#    > k, which differs from key to key, so the weights change.
# 4. Entries of q and k have variance 1. What is the standard deviation of a score, and what does that do to the
#    softmax at d = 1024?
#    > If the entries are also independent with mean 0, a score has the variance d, so its standard deviation is √d:
#    > 32 at d = 1024. Scores then differ by tens, and the softmax is nearly one-hot: with 64 random keys the largest
#    > weight is about 0.95 on average and above 0.999 in more than half of the rows; with the scale it is about 0.11.
#    > Where the softmax is one-hot its gradient is nearly 0, so such a layer hardly learns where to look.
# 5. Additive attention (Bahdanau et al., 2015) scores with a small network. Why did the dot product win?
#    > Speed and memory. All dot products together are one matrix product, which GPUs do best and which needs only the
#    > L·S scores; the additive score runs a hidden layer of size h with a tanh for every pair, L·S·h numbers. Vaswani
#    > et al. (2017, section 3.2.1) report, citing Britz et al. (2017), that the two are similar for small d and that
#    > without a scale the dot product is worse for large d. They add the factor 1/√d to remove that disadvantage.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么用 `transpose(-2, -1)`，而不是 `.T` 或 `transpose(1, 2)`？对 2、3、4 维张量它们各做了什么？
#    > `transpose(-2, -1)` 无论有多少维，都只交换最后两维；`.mT` 也一样。
#    > `.T` 颠倒所有维度：对 (S, d) 是对的，但 (B, S, d) 会变成 (d, S, B)，而且 PyTorch 会警告这种用法已弃用。
#    > `transpose(1, 2)` 对 2 维张量抛出 IndexError，对 3 维是对的，对 (B, H, S, d) 则交换了头和键。
#    > 尺寸碰巧相等时，这些错误都不会报错。
# 2. 有一份流传的代码用 sigmoid 代替了 softmax。有什么不同？这算“错”吗？
#    > 用 sigmoid 时，每个键单独得到自己的权重：键之间不竞争，一行之和不必为 1；
#    > 输出可能随键的个数增长（S 个得分为 0 的键，权重之和是 S/2）。
#    > 如果要实现的是 softmax 注意力，这就是错的；如果把它当作另一种层，则可以训练：
#    > Ramapuram 等（2024）加上 −log S 的偏置，使每行权重之和一开始接近 1，效果与 softmax 相当。
# 3. 所有键都加上同一个向量，权重会怎样？所有查询都加上同一个向量呢？
#    > 所有键都加上 c，则一个查询的每个得分都增加 q·c；这个数对所有键都相同，所以权重不变。
#    > 因此键投影的偏置不起作用（除非之后还要旋转键，即旋转位置编码 RoPE）；Whisper 的代码里就没有这个偏置。
#    > 所有查询都加上 c，则键 k 的得分增加 c·k，不同的键增加的量不同，所以权重会变。
# 4. q 和 k 的分量方差为 1，得分的标准差是多少？d = 1024 时 softmax 会怎样？
#    > 如果各分量还相互独立、均值为 0，得分的方差就是 d，标准差是 √d：d = 1024 时为 32。
#    > 这时得分之间相差几十，softmax 几乎是 one-hot：有 64 个随机的键时，最大的权重平均约为 0.95，一半以上的行超过 0.999；
#    > 加上缩放则约为 0.11。softmax 接近 one-hot 时梯度几乎为零，这一层就很难学会“看哪里”。
# 5. 加性注意力（Bahdanau 等，2015）用一个小网络打分。为什么点积胜出了？
#    > 因为速度和显存。所有点积合起来就是一次矩阵乘法，正是 GPU 最擅长的，而且只需要 L·S 个得分；
#    > 加性得分要对每一对位置计算一个大小为 h、带 tanh 的隐藏层，共 L·S·h 个数。
#    > Vaswani 等（2017，3.2.1 节）引用 Britz 等（2017）说：d 较小时两者相近，d 较大时不缩放的点积较差。
#    > 他们加上 1/√d，就是为了消除这个缺点。

# %% [markdown] tags=["hint"]
# Two matrix products with a softmax between them. Ask yourself which axis of the scores belongs to the keys.

# %% [markdown] tags=["hint"] lang="zh"
# 两次矩阵乘法，中间一次 softmax。想一想得分的哪个维度对应键。

# %% [markdown] tags=["hint"]
# `@` multiplies the last two axes and lets all others be. So only the last two axes of k change places, however many
# axes there are: count them from the end.

# %% [markdown] tags=["hint"] lang="zh"
# `@` 对最后两个维度做矩阵乘法，其余维度不动。所以无论有多少维，只需交换 k 的最后两个维度：从末尾数起。

# %% [markdown] tags=["hint"]
# `scores = q @ k.transpose(-2, -1)` is (..., L, S). The softmax runs over the last axis (`dim=-1`), the keys. Return
# `weights @ v` and `weights`.

# %% [markdown] tags=["hint"] lang="zh"
# `scores = q @ k.transpose(-2, -1)` 的形状是 (..., L, S)。softmax 沿最后一个维度（`dim=-1`），也就是键。
# 返回 `weights @ v` 和 `weights`。

# %% [markdown] tags=["discussion"]
# **Cost.** 2·L·S·(d + d_v) floating-point operations per batch entry, and L·S numbers for the weights.
#
# **Traps.** `.T` reverses *all* axes (deprecated for anything but matrices), `transpose(1, 2)` is right for exactly
# three axes, `transpose(0, 1)` for exactly two. `softmax(dim=1)` is right for two axes and runs over the queries for
# three. Sizes that happen to agree (L = S, batch = L) can hide all of this, so test with sizes that all differ.
#
# **Sigmoid or softmax.** With a sigmoid the keys do not compete: weights do not sum to 1, and the size of the output
# can grow with the number of keys. It can be trained (Ramapuram et al., 2024, with a bias of about −log S), but it is
# another operation.
#
# **Scale.** The variance of q·k is d for independent entries of mean 0 and variance 1, so at d = 1024 scores have a
# standard deviation of 32 and the softmax is nearly one-hot: see the picture above, and the next exercise.
#
# **Today.** Attention without the factor 1/√d is rare. T5 (Raffel et al., 2020) leaves it out, but makes up for it by
# a smaller initialisation of the query projection. The factor 1/d is used in μP (Yang et al., 2022), so that learning
# rates found on a small model can be used for a large one. Many recent models also normalise queries and keys before
# the dot product, *QK-norm* (Henry et al., 2020; Dehghani et al., 2023; Qwen3 and Gemma 3, 2025). And a line of work
# drops the softmax so that the cost grows linearly with the length: gated and delta-rule linear attention (GLA, Yang
# et al., 2023; DeltaNet, Schlag et al., 2021; Gated DeltaNet, Yang et al., 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 每个批次元素 2·L·S·(d + d_v) 次浮点运算，权重需要 L·S 个数。
#
# **陷阱。** `.T` 会颠倒*所有*维度（除矩阵外已被弃用），`transpose(1, 2)` 只对三维正确，`transpose(0, 1)`
# 只对二维正确。`softmax(dim=1)` 对二维正确，对三维却是沿查询方向。碰巧相等的尺寸（L = S，批大小 = L）可能掩盖这些错误，
# 所以请用互不相同的尺寸来测试。
#
# **sigmoid 还是 softmax。** 用 sigmoid 时键与键之间没有竞争：权重之和不为 1，输出的大小可能随键的个数增长。
# 它可以训练（Ramapuram 等，2024，加上约 −log S 的偏置），但那是另一种运算。
#
# **缩放。** 各分量独立、均值为 0、方差为 1 时，q·k 的方差是 d，所以 d = 1024 时得分的标准差为 32，softmax 几乎是 one-hot：
# 见上面的图和下一题。
#
# **如今。** 不带 1/√d 的注意力已经很少见。T5（Raffel 等，2020）不乘这个系数，而是用更小的查询投影初始值来弥补。
# μP（Yang 等，2022）用的是 1/d，使小模型上找到的学习率可以直接用于大模型。
# 许多新模型还在点积之前对查询和键做归一化，即 *QK-norm*（Henry 等，2020；Dehghani 等，2023；Qwen3 和 Gemma 3，2025）。
# 还有一类工作去掉 softmax，使开销随长度线性增长，即带门控的、基于 delta 规则的线性注意力：
# GLA（Yang 等，2023）、DeltaNet（Schlag 等，2021）、Gated DeltaNet（Yang 等，2024）。
