# %% [markdown]
# > *"Here are queries, keys and values as tensors. Implement dot-product attention, softmax(QKᵀ)V. And let it work
# > for a batch."*
#
# The oldest form that is still in use (Luong et al., 2015, "dot"): a query scores every key by a dot product, a
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
#   is off limits.
#
# **By hand.** One query [1, 2], keys [1, 0] and [0, 1], values [6] and [9]: the scores are 1 and 2, the weights are
# 1/(1 + e) ≈ 0.269 and e/(1 + e) ≈ 0.731, and the output is 0.269·6 + 0.731·9 ≈ 8.193. Note that the weights sum to
# 1; a sigmoid of every score on its own would give 0.731 and 0.881, which do not.

# %% [markdown] lang="zh"
# > *“给你查询、键、值三个张量，实现点积注意力 softmax(QKᵀ)V，而且要支持批量。”*
#
# 这是至今仍在使用的最早形式（Luong 等，2015，“dot”）：查询与每个键做点积得到打分，softmax 把打分变成权重，
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
# - 不缩放，不加掩码：打分就是点积本身。（缩放在下一题。）
# - 不缩放时打分会很大，可能达到 ±20,000，此时 `exp` 会溢出：请用数值稳定的 softmax。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；用 float32 计算 softmax 没有问题。
# - 不得修改输入。梯度经由两个输出流向 q、k、v。
# - 请自己实现：不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** 查询 [1, 2]，键 [1, 0] 和 [0, 1]，值 [6] 和 [9]：打分为 1 和 2，权重为 1/(1 + e) ≈ 0.269 和 e/(1 + e)
# ≈ 0.731，输出为 0.269·6 + 0.731·9 ≈ 8.193。注意权重之和为 1；若对每个打分单独取 sigmoid，得到 0.731 和 0.881，
# 之和不是 1。

# %% tags=["demo"]
# Without a scale, longer vectors mean larger scores and harder weights: N(0, 1) inputs, at three sizes d.
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
# 2. A published snippet takes a sigmoid in place of the softmax. What changes, and is it "wrong"?
# 3. What happens to the weights when all keys are shifted by the same vector? When all queries are?
# 4. Entries of q and k have variance 1. What is the standard deviation of a score, and what does that do to the
#    softmax at d = 1024?
# 5. Additive attention (Bahdanau et al., 2015) scores with a small network. Why did the dot product win?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么用 `transpose(-2, -1)`，而不是 `.T` 或 `transpose(1, 2)`？对 2、3、4 维张量它们各做了什么？
# 2. 有一份流传的代码用 sigmoid 代替了 softmax。有什么不同？这算“错”吗？
# 3. 所有键都加上同一个向量，权重会怎样？所有查询都加上同一个向量呢？
# 4. q 和 k 的分量方差为 1，打分的标准差是多少？d = 1024 时 softmax 会怎样？
# 5. 加性注意力（Bahdanau 等，2015）用一个小网络打分。为什么点积胜出了？

# %% [markdown] tags=["hint"]
# Two matrix products with a softmax between them. Ask yourself which axis of the scores belongs to the keys.

# %% [markdown] tags=["hint"] lang="zh"
# 两次矩阵乘法，中间一次 softmax。想一想打分的哪个维度对应键。

# %% [markdown] tags=["hint"]
# `@` multiplies the last two axes and lets all others be. So only the last two axes of k change places, however many
# axes there are: count them from the end.

# %% [markdown] tags=["hint"] lang="zh"
# `@` 对最后两个维度做矩阵乘法，其余维度不动。所以无论有多少维，只需交换 k 的最后两个维度：从末尾数起。

# %% [markdown] tags=["hint"]
# `scores = q @ k.transpose(-2, -1)` is (..., L, S). The softmax runs over the last axis (`dim=-1`), the keys. Return
# `weights @ v` and `weights`.

# %% [markdown] tags=["hint"] lang="zh"
# `scores = q @ k.transpose(-2, -1)` 的形状是 (..., L, S)。softmax 沿最后一个维度（`dim=-1`），也就是键。返回
# `weights @ v` 和 `weights`。

# %% [markdown] tags=["discussion"]
# **Cost.** 2·L·S·(d + d_v) floating-point operations per batch entry, and L·S numbers for the weights.
#
# **Traps.** `.T` reverses *all* axes (deprecated for anything but matrices), `transpose(1, 2)` is right for exactly
# three axes, `transpose(0, 1)` for exactly two. `softmax(dim=1)` is right for two axes and runs over the queries for
# three. Sizes that happen to agree (L = S, batch = L) hide all of this, so test with sizes that all differ.
#
# **Sigmoid or softmax.** With a sigmoid the keys do not compete: weights do not sum to 1, and the size of the output
# grows with the number of keys. It can be trained (Ramapuram et al., 2024, with a bias of about −log S), but it is
# another operation.
#
# **Scale.** The variance of q·k is d for independent entries of variance 1, so at d = 1024 scores have a standard
# deviation of 32 and the softmax is all but one-hot: see the picture above, and the next exercise.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 每个批次元素 2·L·S·(d + d_v) 次浮点运算，权重需要 L·S 个数。
#
# **陷阱。** `.T` 会颠倒*所有*维度（除矩阵外已被弃用），`transpose(1, 2)` 只对三维正确，`transpose(0, 1)`
# 只对二维正确。`softmax(dim=1)` 对二维正确，对三维却是沿查询方向。碰巧相等的尺寸（L = S，批大小 = L）会掩盖这些错误，
# 所以请用互不相同的尺寸来测试。
#
# **sigmoid 还是 softmax。** 用 sigmoid 时键与键之间没有竞争：权重之和不为 1，输出的大小随键的个数增长。
# 它可以训练（Ramapuram 等，2024，加上约 −log S 的偏置），但那是另一种运算。
#
# **缩放。** 分量独立、方差为 1 时 q·k 的方差是 d，所以 d = 1024 时打分的标准差为 32，softmax 几乎是 one-hot：
# 见上面的图和下一题。
