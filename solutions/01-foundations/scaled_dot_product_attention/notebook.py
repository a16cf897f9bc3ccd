# %% [markdown]
# > *"Write attention. Just the core: queries, keys, values, and an optional mask. I care about the details."*
#
# This is the question behind half of all attention interviews. The formula (Vaswani et al., 2017) fits in one line,
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V$$
#
# and everything that candidates get wrong is in what the formula does not say: which axis, which $d$, what a mask does,
# and what happens to a query that may see nothing.
#
# **Write** `scaled_dot_product_attention(q, k, v, mask=None) -> (output, weights)`.
#
# | | shape | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` is any number of leading axes (batch, heads), none included; the same for q, k and v |
# | `k` | `(..., S, d)` | S may differ from L |
# | `v` | `(..., S, d_v)` | d_v may differ from d |
# | `mask` | broadcastable to `(..., L, S)` | boolean, **True = may attend** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | after the softmax; each row sums to 1 |
#
# - The scale is $1/\sqrt d$, where d is the size of the vectors that are dotted.
# - A query that may attend to nothing gets zero weights, a zero output and finite (zero) gradients: never NaN.
# - Outputs keep the inputs' dtype and device, float64 and bfloat16 included. Taking the softmax in float32 is fine.
# - Inputs are not changed. Gradients flow to q, k and v through both outputs. Scores may be as large as ±10,000.
# - Write it yourself: PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) is off limits.
#
# **By hand.** d = 4, one query q = [2, 0, 0, 0], keys [1, 0, 0, 0] and [0, 1, 0, 0]: the scores are 2 and 0, scaled by
# 1/√4 they are 1 and 0, and the weights are e/(e+1) ≈ 0.731 and 0.269. Hide the second key and they are 1 and 0; hide both and they are 0 and 0.

# %% [markdown] lang="zh"
# > *“写一个注意力。只要核心：查询、键、值，外加可选的掩码。我看重细节。”*
#
# 一半的注意力面试题背后都是这一道。公式（Vaswani 等，2017）只有一行，
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V$$
#
# 而候选人出错的地方都是公式没写明的：沿哪个维度、哪个 $d$、掩码起什么作用、一个什么都看不到的查询怎么办。
#
# **请实现** `scaled_dot_product_attention(q, k, v, mask=None) -> (output, weights)`。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度（批、头），也可以没有；q、k、v 三者相同 |
# | `k` | `(..., S, d)` | S 可以与 L 不同 |
# | `v` | `(..., S, d_v)` | d_v 可以与 d 不同 |
# | `mask` | 可广播到 `(..., L, S)` | 布尔型，**True = 可以关注** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | softmax 之后的权重，每行之和为 1 |
#
# - 缩放系数是 $1/\sqrt d$，d 是做点积的向量的维度。
# - 不能关注任何键的查询：权重为零、输出为零、梯度有限（为零），绝不能是 NaN。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；用 float32 计算 softmax 没有问题。
# - 不得修改输入。梯度经由两个输出流向 q、k、v。打分可能大到 ±10,000。
# - 请自己实现：不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** d = 4，查询 q = [2, 0, 0, 0]，键为 [1, 0, 0, 0] 和 [0, 1, 0, 0]：打分为 2 和 0，乘以 1/√4 后为 1 和 0，
# 权重为 e/(e+1) ≈ 0.731 和 0.269。屏蔽第二个键，权重为 1 和 0；两个都屏蔽，权重为 0 和 0。

# %% tags=["demo"]
# A mask for decoding: three new queries at the end of a sequence of eight. True (dark) = may attend.
import torch
from grader import heatmap

heatmap(torch.ones(3, 8, dtype=torch.bool).tril(8 - 3), title="query (row) may attend to key (column)")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def scaled_dot_product_attention(q, k, v, mask=None):
    """Attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v).

    mask: boolean, broadcastable to (..., L, S), True = may attend; None hides nothing.
    Returns (output (..., L, d_v), weights (..., L, S)).
    """
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("scaled_dot_product_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("scaled_dot_product_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(scaled_dot_product_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why √d and not d? (If the entries of q and k are independent with mean 0 and variance 1, what is the variance of q·k?)
# 2. What does the softmax's gradient look like when one score is far above the others, and what has the scale to do with it?
# 3. Your masked rows: at which step would NaN appear, and would it reach the gradient of *other* rows?
# 4. Why is −1e9 a worse "−∞" than −∞ itself? In which dtype does it overflow?
# 5. How much memory do the weights of a 32k-token sequence need, per head, in bfloat16? What does FlashAttention do about it?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么是 √d 而不是 d？（若 q 和 k 的分量独立、均值 0、方差 1，q·k 的方差是多少？）
# 2. 当一个打分远高于其他打分时，softmax 的梯度是什么样子？缩放与此有什么关系？
# 3. 整行被屏蔽时，NaN 会在哪一步出现？它会影响*其他*行的梯度吗？
# 4. 为什么用 −1e9 代替 −∞ 更糟？它在哪种 dtype 下会溢出？
# 5. 一个 32k 词元的序列，每个头的权重矩阵用 bfloat16 需要多少内存？FlashAttention 是怎么解决的？

# %% [markdown] tags=["hint"]
# Four steps: scores, scale, mask, softmax; then a weighted sum of the values. The mask acts on the scores, not on the weights.

# %% [markdown] tags=["hint"] lang="zh"
# 四步：打分、缩放、屏蔽、softmax，然后对值加权求和。掩码作用在打分上，而不是权重上。

# %% [markdown] tags=["hint"]
# `k.transpose(-2, -1)` works with any number of leading axes, and `q.shape[-1]` is d. A hidden score becomes −∞ with
# `masked_fill`. Then look at a row that is all −∞: what does softmax make of it?

# %% [markdown] tags=["hint"] lang="zh"
# `k.transpose(-2, -1)` 适用于任意多个前导维度，`q.shape[-1]` 就是 d。用 `masked_fill` 把被屏蔽的打分变成 −∞。
# 再看一看全是 −∞ 的一行：softmax 会得到什么？

# %% [markdown] tags=["hint"]
# Fill `scores` with −∞ where `~mask`, take the softmax over the last axis, then fill with 0 the rows of the weights for
# which `mask.any(dim=-1, keepdim=True)` is False. Return `weights @ v` and `weights`.

# %% [markdown] tags=["hint"] lang="zh"
# 在 `~mask` 处把 `scores` 填成 −∞，沿最后一个维度做 softmax，再把 `mask.any(dim=-1, keepdim=True)` 为 False 的那些行的权重填成 0。
# 返回 `weights @ v` 和 `weights`。

# %% [markdown] tags=["discussion"]
# **Cost.** Two matrix products, 2·L·S·(d + d_v) multiply-adds; the weights take L·S numbers, which is what limits length.
#
# **Numerical traps.** q·k of unit-variance vectors has variance d, so without the scale the softmax saturates and its
# gradient vanishes (Vaswani et al., 2017, footnote 4). A row of nothing but −∞ is 0/0 in the softmax. Filling with −∞ and
# patching the weights afterwards is sound, because `masked_fill` also stops the gradient; *adding* −∞ and patching is not.
#
# **In real libraries** `F.scaled_dot_product_attention` never forms the weights on a GPU (FlashAttention, Dao et al., 2022).
# Boolean masks mean the same there; in `nn.MultiheadAttention` True means the opposite.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 两次矩阵乘法，共 2·L·S·(d + d_v) 次乘加；权重需要 L·S 个数，长度就受限于此。
#
# **数值陷阱。** 单位方差向量的点积方差为 d，不缩放则 softmax 饱和、梯度消失（Vaswani 等，2017，脚注 4）。全是 −∞ 的一行在 softmax 中是 0/0。
# 先填 −∞ 再修补权重是可靠的，因为 `masked_fill` 也会截断梯度；而*加上* −∞ 再修补则不可靠。
#
# **实际的库。** GPU 上的 `F.scaled_dot_product_attention` 根本不生成权重矩阵（FlashAttention，Dao 等，2022）。
# 那里布尔掩码的含义与这里相同；在 `nn.MultiheadAttention` 中 True 的含义正相反。
