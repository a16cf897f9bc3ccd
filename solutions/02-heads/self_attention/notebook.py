# %% [markdown]
# > *"Turn the formula into a layer: self-attention on a batch of sequences. One head. Which parameters does it have, and why?"*
#
# In self-attention the queries, keys and values are all made from one sequence: every token asks, every token answers. What
# makes that more than a weighted average of similar tokens are three learned matrices (Vaswani et al., 2017),
#
# $$Q = XW^Q, \quad K = XW^K, \quad V = XW^V, \qquad \operatorname{SelfAttention}(X) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt E}\right)V$$
#
# **Write** the module `SelfAttention(embed_dim, bias=True)` with `forward(x, mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim |
# | `mask` | broadcastable to `(B, L, L)` | boolean, **True = may attend**; so `(L, L)`, `(B, 1, L)` and `(B, L, L)` |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Three `nn.Linear(embed_dim, embed_dim)`, made once, in `__init__`: `q_proj`, `k_proj`, `v_proj`, with or without `bias`. The
#   `state_dict` holds these and nothing else: the grader loads its own numbers by these names.
# - One head of full width, so the scale is $1/\sqrt E$. No output projection, no residual connection, no dropout.
# - Sequences of a batch know nothing of each other.
# - A token that may attend to nothing gets an output of zeros and finite gradients: never NaN.
# - The output keeps the dtype (float64, float32, bfloat16) and device of `x`; a softmax in float32 is fine. `x` and the mask are not
#   changed. Gradients flow to `x` and every parameter. Scores may be as large as ±10,000. Batch 1, one token, and non-contiguous
#   inputs work. The same input gives the same output, call after call.
# - Write the attention yourself: `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like are off limits.
#
# **By hand.** E = 1, x = [[1], [2]], all weights 1, no biases: q = k = v = x. Scores [[1, 2], [2, 4]]; √1 = 1. Token 0: weights 1/(1 + e) ≈ 0.269 and
# 0.731, output 0.269·1 + 0.731·2 = 1.731. Token 1: 0.119 and 0.881, output 1.881. With a causal mask token 0 sees itself alone: 1.

# %% [markdown] lang="zh"
# > *“把公式变成一个层：对一批序列做自注意力，单头。它有哪些参数，为什么？”*
#
# 自注意力的查询、键、值都来自同一个序列：每个词元既提问也作答。它之所以不只是“对相似词元求加权平均”，靠的是三个可学习的矩阵（Vaswani 等，2017），
#
# $$Q = XW^Q, \quad K = XW^K, \quad V = XW^V, \qquad \operatorname{SelfAttention}(X) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt E}\right)V$$
#
# **请实现**模块 `SelfAttention(embed_dim, bias=True)`，其前向为 `forward(x, mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim |
# | `mask` | 可广播到 `(B, L, L)` | 布尔型，**True = 可以关注**；例如 `(L, L)`、`(B, 1, L)`、`(B, L, L)` |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 三个 `nn.Linear(embed_dim, embed_dim)`，在 `__init__` 中一次建好：`q_proj`、`k_proj`、`v_proj`，由 `bias` 决定有无偏置。
#   `state_dict` 中只有这些：评分时会按这些名字载入参数。
# - 单个全宽的头，缩放系数为 $1/\sqrt E$。没有输出投影，没有残差连接，没有 dropout。
# - 同一批中的各个序列互不相干。
# - 不能关注任何词元的词元：输出为零、梯度有限，绝不能是 NaN。
# - 输出保持 `x` 的 dtype（float64、float32、bfloat16）和设备；用 float32 计算 softmax 没有问题。不得修改 `x` 和掩码。梯度流向 `x` 和全部参数。
#   打分可能大到 ±10,000。批大小为 1、单个词元、非连续的输入都要能用。同样的输入每次调用得到同样的输出。
# - 注意力请自己实现：不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** E = 1，x = [[1], [2]]，权重全为 1，无偏置：q = k = v = x。打分 [[1, 2], [2, 4]]，√1 = 1。词元 0：权重 1/(1 + e) ≈ 0.269 和 0.731，
# 输出 0.269·1 + 0.731·2 = 1.731。词元 1：0.119 和 0.881，输出 1.881。加上因果掩码，词元 0 只看到自己：1。

# %% tags=["demo"]
# Without projections a token mostly attends to itself: x·x is large. The weights for six random tokens of 16 features.
import torch
from grader import heatmap

tokens = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
heatmap(torch.softmax(tokens @ tokens.T / 4, dim=-1), title="softmax(x xᵀ/√E)")

# %% tags=["given"]
import torch
from torch import nn


# %% tags=["solution"]
class SelfAttention(nn.Module):
    """Attention of a sequence over itself: one head, with q_proj, k_proj and v_proj."""

    def __init__(self, embed_dim, bias=True):
        ### BEGIN SOLUTION
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        ### END SOLUTION

    def forward(self, x, mask=None):
        """x (B, L, E); mask broadcastable to (B, L, L), True = may attend. Returns (B, L, E)."""
        ### BEGIN SOLUTION
        q = self.q_proj(x)
        k = self.k_proj(x)
        v = self.v_proj(x)
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        return weights @ v
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("self_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("self_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(SelfAttention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why separate matrices for queries and keys? What is special about the scores when the two are the same?
# 2. Only the product of W^Q and the transpose of W^K matters for the scores. Why keep two matrices, then?
# 3. Permute the tokens of x: what happens to the output? What does that say about word order?
# 4. A token's own key is nearly always among the best. Is there a reason to hide it?
# 5. How do cost and memory grow with L, and how with E? For which L is attention dearer than the projections?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 查询和键为什么要用不同的矩阵？两者相同时，打分有什么特别之处？
# 2. 打分只取决于 W^Q 与 W^K 转置的乘积。那为什么要保留两个矩阵？
# 3. 打乱 x 中词元的次序，输出会怎样？这对词序意味着什么？
# 4. 词元自己的键几乎总在得分最高之列。有没有理由把它屏蔽？
# 5. 计算量和内存随 L 怎样增长，随 E 呢？L 多大时注意力比投影更贵？

# %% [markdown] tags=["hint"]
# What you wrote for `scaled_dot_product_attention`, between three layers: one makes queries of x, one keys, one values.

# %% [markdown] tags=["hint"] lang="zh"
# 就是你写过的 `scaled_dot_product_attention`，只是前面加上三个层：分别由 x 得到查询、键和值。

# %% [markdown] tags=["hint"]
# The layers are made in `__init__` (after `super().__init__()`) and only called in `forward`. `k.transpose(-2, -1)` leaves the batch alone;
# the softmax runs over the last axis. And a row that sees nothing?

# %% [markdown] tags=["hint"] lang="zh"
# 层在 `__init__` 中建好（先调用 `super().__init__()`），在 `forward` 中只是调用。`k.transpose(-2, -1)` 不会动批维度；softmax 沿最后一个维度做。
# 什么都看不到的一行呢？

# %% [markdown] tags=["hint"]
# `scores = q_proj(x) @ k_proj(x).transpose(-2, -1) / E ** 0.5`; −∞ where `~mask`; softmax; fill with 0 the rows of the weights for which
# `mask.any(dim=-1, keepdim=True)` is False; `weights @ v_proj(x)`.

# %% [markdown] tags=["hint"] lang="zh"
# `scores = q_proj(x) @ k_proj(x).transpose(-2, -1) / E ** 0.5`；在 `~mask` 处填 −∞；做 softmax；
# 把 `mask.any(dim=-1, keepdim=True)` 为 False 的那些行的权重填 0；最后 `weights @ v_proj(x)`。

# %% [markdown] tags=["discussion"]
# **Cost.** 3·L·E² multiply-adds for the projections, 2·L²·E for the rest: attention overtakes them at L = 1.5·E.
#
# **Traps.** A layer built in `forward` has new random numbers in every call and is in no optimizer's list. Applying v_proj
# after the weighted sum instead of before gives the same numbers while weights sum to 1, but the bias where a token sees nothing. Published answers
# to this question leave out the projections, or the scale; one scales by √(E / heads) while dotting vectors of full width,
# and one sums linear layers without any attention in it. The size that counts is that of the vectors that are dotted.
#
# **What it cannot do.** Self-attention is permutation-equivariant: it knows word order only from what is added to x, or from a mask.
#
# **In real libraries** the three matrices are often one `nn.Linear(E, 3E)`, split afterwards: one large product is faster than three.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 投影 3·L·E² 次乘加，其余 2·L²·E 次：L 超过 1.5·E 后注意力更贵。
#
# **陷阱。** 在 `forward` 中新建的层，每次调用都是新的随机数，也不在任何优化器的参数表里。先加权求和再过 v_proj，只要权重之和为 1，结果就相同；
# 但在什么都看不到的位置会得到偏置。公开的答案有的漏掉投影，有的漏掉缩放；有一份对全宽的向量做点积，却按 √(E / 头数) 缩放；还有一份只是把几个线性层相加，
# 其中没有注意力。起作用的是做点积的向量的维度。
#
# **它做不到的。** 自注意力是置换等变的：词序只能来自加到 x 上的内容，或来自掩码。
#
# **实际的库**常把三个矩阵合成一个 `nn.Linear(E, 3E)` 再切开：一次大的矩阵乘法比三次快。
