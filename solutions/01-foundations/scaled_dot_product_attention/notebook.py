# %% [markdown]
# > *"Write attention. Just the core: queries, keys, values, and an optional mask. I care about the details."*
#
# This is the core of every Transformer. The formula (Vaswani et al., 2017) fits in one line,
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V$$
#
# and the details are in what the formula does not say: which axis, which $d$, what a mask does, and what happens to a
# query that may see nothing.
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
# | `weights` | `(..., L, S)` | after the softmax; each row sums to 1, or is all zeros where a query may attend to nothing |
#
# - The scale is $1/\sqrt d$, where d is the size of the vectors that are dotted.
# - A query that may attend to nothing gets zero weights, a zero output and finite (zero) gradients: never NaN.
# - Outputs keep the inputs' dtype and device, float64 and bfloat16 included. Taking the softmax in float32 is fine.
# - Inputs are not changed. Gradients flow to q, k and v through both outputs. Scores may be as large as ±10,000.
# - Write it yourself: PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used.
#
# **By hand.** d = 4, one query q = [2, 0, 0, 0], keys [1, 0, 0, 0] and [0, 1, 0, 0]: the scores are 2 and 0, scaled by
# 1/√4 they are 1 and 0, and the weights are e/(e+1) ≈ 0.731 and 0.269. Hide the second key and they are 1 and 0; hide both and they are 0 and 0.

# %% [markdown] lang="zh"
# > *“写一个注意力。只要核心：查询、键、值，外加可选的掩码。我看重细节。”*
#
# 这是每一个 Transformer 的核心。公式（Vaswani 等，2017）只有一行，
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V$$
#
# 而细节都在公式没写明的地方：沿哪个维度、哪个 $d$、掩码起什么作用、一个什么都看不到的查询怎么办。
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
# | `weights` | `(..., L, S)` | softmax 之后的权重；每行之和为 1，查询什么都看不到时全为零 |
#
# - 缩放系数是 $1/\sqrt d$，d 是做点积的向量的维度。
# - 不能关注任何键的查询：权重为零、输出为零、梯度有限（为零），绝不能是 NaN。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；用 float32 计算 softmax 没有问题。
# - 不得修改输入。梯度经由两个输出流向 q、k、v。得分可能大到 ±10,000。
# - 请自己实现：不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** d = 4，查询 q = [2, 0, 0, 0]，键为 [1, 0, 0, 0] 和 [0, 1, 0, 0]：得分为 2 和 0，乘以 1/√4 后为 1 和 0，
# 权重为 e/(e+1) ≈ 0.731 和 0.269。屏蔽第二个键，权重为 1 和 0；两个都屏蔽，权重为 0 和 0。

# %% tags=["demo"]
# A mask for decoding: three new queries at the end of a sequence of eight. True (filled) = may attend.
import torch
from grader import heatmap

heatmap(torch.ones(3, 8, dtype=torch.bool).tril(8 - 3), title="query (row) may attend to key (column)")

# %% tags=["demo"]
# What the scale is for: the weights of 8 random keys, the largest first; means over 500 queries, entries from N(0, 1).
torch.manual_seed(0)
heatmap(
    [
        torch.softmax((torch.randn(500, 1, d) * torch.randn(500, 8, d)).sum(dim=-1) / divisor, dim=-1)
        .sort(descending=True)
        .values.mean(dim=0)
        .tolist()
        for d, divisor in [(4, 1), (64, 1), (1024, 1), (4, 2), (64, 8), (1024, 32)]
    ],
    rows=["d = 4", "d = 64", "d = 1024", "d = 4, scores / 2", "d = 64, scores / 8", "d = 1024, scores / 32"],
    columns=["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th"],
    title="mean weights without and with the scale",
)

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
# 1. Why √d and not d? (If the entries of q and k are independent with mean 0 and variance 1, what is the variance of
#    q·k?)
#    > The variance of q·k is d: it is a sum of d independent products, each with mean 0 and variance 1. Its standard
#    > deviation is therefore √d, and dividing by √d brings it back to 1, whatever d is (Vaswani et al., 2017,
#    > footnote 4). Dividing by d leaves a standard deviation of 1/√d, at d = 64 only 0.125: the weights of random
#    > keys are then almost uniform. After training queries and keys are no longer independent; μP (Yang et al., 2022)
#    > uses 1/d for that reason.
# 2. What does the softmax's gradient look like when one score is far above the others, and what has the scale to do
#    with it?
#    > It is almost zero everywhere. The derivative of weight i by score j is y_i·(δ_ij − y_j), and when one weight is
#    > nearly 1 and the rest nearly 0, every such product is nearly 0. With two keys it is y·(1 − y): 0.25 for equal
#    > scores, 0.018 when they differ by 4, and 0.0003 when they differ by 8. Without the scale scores have the
#    > standard deviation √d, which is 8 at d = 64, so many rows begin in this flat region and learn slowly; the scale
#    > keeps them out of it.
# 3. Your masked rows: at which step would NaN appear, and would it reach the gradient of *other* rows?
#    > In the softmax: a row of nothing but −∞ is 0/0. In the forward pass only that row of the weights and the output
#    > is NaN. In the backward pass it spreads through what the rows share. The gradient of v is weightsᵀ times the
#    > arriving gradient, and NaN · 0 is NaN, so all of v's gradient is NaN even if the loss skips that row. If −∞ was
#    > added instead of filled in, the gradient of k is NaN too. The gradients of the other queries stay finite, but
#    > the projections of k and v get NaN, and after one optimizer step every output is NaN.
# 4. Why is −1e9 a worse "−∞" than −∞ itself? In which dtype does it overflow?
#    > In a row with at least one visible key and scores of ordinary size both give exactly 0. In a fully hidden row
#    > −1e9 gives uniform weights over exactly the keys that must not be seen, and nothing warns you; −∞ gives NaN,
#    > which one notices or repairs. In float16, whose largest number is 65,504, PyTorch's `masked_fill` with −1e9
#    > raises an error, and adding −1e9 gives −∞. In bfloat16 it does not overflow, because bfloat16 has the range of
#    > float32.
# 5. How much memory do the weights of a 32k-token sequence need, per head, in bfloat16? What does FlashAttention do
#    about it?
#    > 32,768² × 2 bytes = 2 GiB per head. FlashAttention (Dao et al., 2022) never writes them to GPU memory: it
#    > computes the weights block by block in fast on-chip memory with a running maximum and sum, and keeps only the
#    > output and one number per row, the logarithm of the sum of exponentials (32,768 × 4 bytes = 128 KiB in
#    > float32). The backward pass computes the weights again. The memory is linear in the length; the number of
#    > operations is still quadratic.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么是 √d 而不是 d？（若 q 和 k 的分量独立、均值 0、方差 1，q·k 的方差是多少？）
#    > q·k 的方差是 d：它是 d 个独立乘积之和，每个乘积的均值为 0、方差为 1。
#    > 所以标准差是 √d，除以 √d 就回到 1，与 d 无关（Vaswani 等，2017，脚注 4）。
#    > 若除以 d，标准差只剩 1/√d，d = 64 时仅为 0.125：随机的键得到的权重几乎是均匀的。
#    > 训练之后查询和键不再独立，μP（Yang 等，2022）正是因此用 1/d。
# 2. 当一个得分远高于其他得分时，softmax 的梯度是什么样子？缩放与此有什么关系？
#    > 梯度几乎处处为零。权重 i 对得分 j 的导数是 y_i·(δ_ij − y_j)；一个权重接近 1、其余接近 0 时，这些乘积都接近 0。
#    > 只有两个键时它是 y·(1 − y)：得分相等时为 0.25，相差 4 时为 0.018，相差 8 时为 0.0003。
#    > 不缩放时得分的标准差是 √d，d = 64 时为 8，许多行一开始就落在这个平坦的区域，学得很慢；缩放可以避免这种情况。
# 3. 整行被屏蔽时，NaN 会在哪一步出现？它会影响*其他*行的梯度吗？
#    > 出现在 softmax 这一步：全是 −∞ 的一行是 0/0。前向传播中，只有这一行的权重和输出是 NaN。
#    > 反向传播中，它会通过各行共用的张量扩散：v 的梯度是权重的转置乘以传来的梯度，而 NaN · 0 仍是 NaN；
#    > 所以即使损失跳过这一行，v 的梯度也全是 NaN。如果 −∞ 是加上去的而不是填进去的，k 的梯度也全是 NaN。
#    > 其他查询自己的梯度仍是有限的，但 k 和 v 的投影矩阵得到了 NaN，优化器更新一步之后，所有输出都成了 NaN。
# 4. 为什么用 −1e9 代替 −∞ 更糟？它在哪种 dtype 下会溢出？
#    > 只要一行里有一个可见的键，而且得分大小正常，两者都恰好给出 0。
#    > 但在整行被屏蔽时，−1e9 会在本不该看的键上给出均匀的权重，而且没有任何警告；−∞ 给出 NaN，可以被发现或修补。
#    > float16 的最大值是 65,504：PyTorch 中用 −1e9 做 `masked_fill` 会报错，而加上 −1e9 会得到 −∞。
#    > bfloat16 的范围与 float32 相同，不会溢出。
# 5. 一个 32k 词元的序列，每个头的权重矩阵用 bfloat16 需要多少显存？FlashAttention 是怎么解决的？
#    > 每个头 32,768² × 2 字节 = 2 GiB。FlashAttention（Dao 等，2022）从不把它写进显存：
#    > 它在片上高速存储（SRAM）中逐块计算权重，只维护当前的最大值与累加和；
#    > 最后只保存输出和每行一个数，即指数之和的对数（float32 时为 32,768 × 4 字节 = 128 KiB）。
#    > 反向传播时重计算权重。显存随长度线性增长，但计算量仍是平方级的。

# %% [markdown] tags=["hint"]
# Four steps: scores, scale, mask, softmax; then a weighted sum of the values. The mask acts on the scores, not on the weights.

# %% [markdown] tags=["hint"] lang="zh"
# 四步：算得分、缩放、屏蔽、softmax，然后对值加权求和。掩码作用在得分上，而不是权重上。

# %% [markdown] tags=["hint"]
# `k.transpose(-2, -1)` works with any number of leading axes, and `q.shape[-1]` is d. A hidden score becomes −∞ with
# `masked_fill`. Then look at a row that is all −∞: what does softmax make of it?

# %% [markdown] tags=["hint"] lang="zh"
# `k.transpose(-2, -1)` 适用于任意多个前导维度，`q.shape[-1]` 就是 d。用 `masked_fill` 把被屏蔽的得分变成 −∞。
# 再看一看全是 −∞ 的一行：softmax 会得到什么？

# %% [markdown] tags=["hint"]
# Fill `scores` with −∞ where `~mask`, take the softmax over the last axis, then fill with 0 the rows of the weights for
# which `mask.any(dim=-1, keepdim=True)` is False. Return `weights @ v` and `weights`.

# %% [markdown] tags=["hint"] lang="zh"
# 在 `~mask` 处把 `scores` 填成 −∞，沿最后一个维度做 softmax，再把 `mask.any(dim=-1, keepdim=True)` 为 False 的那些行的权重填成 0。
# 返回 `weights @ v` 和 `weights`。

# %% [markdown] tags=["discussion"]
# **Cost.** Two matrix products, L·S·(d + d_v) multiply-adds, which is twice as many floating-point operations; the
# weights take L·S numbers, and this is what limits the length unless a kernel avoids storing them.
#
# **Numerical traps.** q·k of independent entries with mean 0 and variance 1 has variance d, so without the scale the
# softmax saturates and its gradient vanishes (Vaswani et al., 2017, footnote 4). A row of nothing but −∞ is 0/0 in
# the softmax. Filling with −∞ and patching the weights afterwards is sound, because `masked_fill` also stops the
# gradient; *adding* −∞ and patching is not.
#
# **In real libraries** `F.scaled_dot_product_attention` chooses among several kernels. On a GPU the fused ones
# (FlashAttention, Dao et al., 2022; memory-efficient; cuDNN) never write the weights to memory. The `math` backend,
# which takes over where no fused kernel supports the inputs, such as float64 on a GPU, does write them. Boolean masks
# mean the same there as here; in `nn.MultiheadAttention` True means the opposite.
#
# **Today.** The factor 1/√d is still the standard, but it only fixes the scores at the start of training. Large
# models add something that keeps them small later: *QK-norm*, which normalises queries and keys (Henry et al., 2020;
# ViT-22B, Dehghani et al., 2023; Qwen3 and Gemma 3, 2025), or *logit soft-capping*, where a score s becomes
# 50·tanh(s/50) (Gemma 2, 2024; Gemma 3 replaced it by QK-norm). The kernels are FlashAttention-2 (Dao, 2023) and -3
# (Shah et al., 2024); for scores or masks of one's own PyTorch has FlexAttention (Dong et al., 2024), which compiles
# them into a fused kernel.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 两次矩阵乘法，共 L·S·(d + d_v) 次乘加，即两倍的浮点运算次数；权重需要 L·S 个数，除非算子不保存它们，否则长度就受限于此。
#
# **数值陷阱。** 分量独立、均值为 0、方差为 1 时，点积的方差为 d，不缩放则 softmax 饱和、梯度消失（Vaswani 等，2017，脚注 4）。
# 全是 −∞ 的一行在 softmax 中是 0/0。先填 −∞ 再修补权重是可靠的，因为 `masked_fill` 也会截断梯度；而*加上* −∞ 再修补则不可靠。
#
# **实际的库。** `F.scaled_dot_product_attention` 会在几种算子中选择。
# 在 GPU 上，融合算子（FlashAttention，Dao 等，2022；memory-efficient；cuDNN）从不把权重写进显存。
# 输入不被任何融合算子支持时（例如 GPU 上的 float64），由 `math` 后端计算，它会写出权重。
# 那里布尔掩码的含义与这里相同；在 `nn.MultiheadAttention` 中 True 的含义正相反。
#
# **如今。** 系数 1/√d 仍是标准做法，但它只保证训练开始时得分的大小合适。大模型还会采取措施，使得分在训练后期也不会过大：
# 一种是对查询和键做归一化的 *QK-norm*（Henry 等，2020；ViT-22B，Dehghani 等，2023；Qwen3 和 Gemma 3，2025）；
# 另一种是 *logit soft-capping*（软截断），即把得分 s 变成 50·tanh(s/50)（Gemma 2，2024；Gemma 3 改用 QK-norm）。
# 算子是 FlashAttention-2（Dao，2023）和 FlashAttention-3（Shah 等，2024）；
# 需要自定义得分或掩码时，PyTorch 有 FlexAttention（Dong 等，2024），它把这些定义编译成融合算子。
