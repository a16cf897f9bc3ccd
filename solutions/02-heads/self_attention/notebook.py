# %% [markdown]
# > *"Turn the formula into a layer: self-attention on a batch of sequences. One head. Which parameters does it have, and why?"*
#
# In self-attention the queries, keys and values are all made from one sequence: every token asks, every token answers.
# Three learned matrices make it more than an average over similar tokens (Vaswani et al., 2017),
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
# - The sequences of a batch do not influence each other.
# - A token that may attend to nothing gets an output of zeros and finite gradients: never NaN.
# - The output keeps the dtype (float64, float32, bfloat16) and device of `x`; a softmax in float32 is fine. `x` and the mask are not
#   changed. Gradients flow to `x` and every parameter. Scores may be as large as ±10,000. Batch 1, one token, and non-contiguous
#   inputs work. The same input gives the same output, call after call.
# - Write the attention yourself: `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like may not be used.
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
# - 同一批中的各个序列互不影响。
# - 什么都不能关注的词元：输出为零、梯度有限，绝不能是 NaN。
# - 输出保持 `x` 的 dtype（float64、float32、bfloat16）和设备；用 float32 计算 softmax 没有问题。不得修改 `x` 和掩码。梯度流向 `x` 和全部参数。
#   得分可能大到 ±10,000。批大小为 1、单个词元、非连续的输入都要能用。同样的输入每次调用得到同样的输出。
# - 注意力请自己实现：不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** E = 1，x = [[1], [2]]，权重全为 1，无偏置：q = k = v = x。得分 [[1, 2], [2, 4]]，√1 = 1。词元 0：权重 1/(1 + e) ≈ 0.269 和 0.731，
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
#    > So that a token can look for something else than what it offers: a verb looks for its subject, and need not look
#    > like one. With one shared matrix, $s_{ij} = k_i \cdot k_j$, so the scores are symmetric: if A scores B highly, B
#    > scores A just as highly. Besides, each token scores itself with $|k_i|^2$, and the largest score of the whole
#    > table is always on the diagonal, because $k_i \cdot k_j \le \max_i |k_i|^2$. Relations between words are rarely
#    > symmetric.
# 2. Only the product of W^Q and the transpose of W^K matters for the scores. Why keep two matrices, then?
#    > With one head of full width and no biases, a single E×E matrix could indeed represent the same scores. Two
#    > matrices pay off with several heads: each head has two matrices of E×d with d = E/H, that is 2·E·d numbers
#    > instead of E². Their product has rank at most d, so the score compares two short vectors, and only the d numbers
#    > of a key have to be cached while decoding. With E = 512 and d = 64 these are 65,536 numbers per head instead of
#    > 262,144.
# 3. Permute the tokens of x: what happens to the output? What does that say about word order?
#    > The output rows are permuted in the same way and are otherwise unchanged: the layer is permutation-equivariant.
#    > So without a mask or positions, "dog bites man" and "man bites dog" give each word the same vector. Word order
#    > has to be added: to the input (position encodings) or to the scores (relative, rotary). A causal mask breaks the
#    > symmetry as well, and decoders without any encoding do learn positions from it (Haviv et al., 2022).
# 4. How often is a token's own key the best match, with x itself in place of q and k, and with two untrained
#    projections? Is there a reason to hide it?
#    > Without projections nearly always: the own score is about √E, the others lie around ±1. For 16 tokens of random
#    > normal numbers with E = 64 the own key is best in every row, with a mean weight of 0.98. With two untrained
#    > projections q and k have nothing to do with each other, and it is best in about 1 row of 16, which is chance. So
#    > there is usually no reason to hide it, and under a causal mask the first token would be left with nothing to
#    > see. Reformer (Kitaev et al., 2020) does hide it, because there queries and keys share one projection.
# 5. How do cost and memory grow with L, and how with E? For which L does attention cost more than the projections?
#    > The projections take 3·L·E² multiply-adds, scores and weighted sum together 2·L²·E. So attention costs more from
#    > L = 1.5·E on: 768 tokens for E = 512, 6,144 for E = 4,096. Memory is 3·L·E numbers for q, k and v, and L² for
#    > the weights if they are stored; FlashAttention does not store them, so memory is linear in L, while the
#    > computation stays quadratic.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 查询和键为什么要用不同的矩阵？两者相同时，得分有什么特别之处？
#    > 为了让一个词元“要找的”可以不同于它“提供的”：动词要找主语，但自己不必像主语。
#    > 如果共用一个矩阵，$s_{ij} = k_i \cdot k_j$，得分矩阵就是对称的：A 给 B 的得分高，B 给 A 的得分就一样高。
#    > 此外，每个词元对自己的得分是 $|k_i|^2$；由于 $k_i \cdot k_j \le \max_i |k_i|^2$，整张表的最大值必在对角线上。
#    > 而词与词的关系很少是对称的。
# 2. 得分只取决于 W^Q 与 W^K 转置的乘积。那为什么要保留两个矩阵？
#    > 如果只有一个全宽的头，又没有偏置，确实一个 E×E 的矩阵就能表示同样的得分。
#    > 分成两个矩阵的好处在多头时才体现：每个头是两个 E×d 的矩阵（d = E/H），共 2·E·d 个参数，而不是 E² 个。
#    > 乘积的秩不超过 d，得分只是两个短向量的点积，解码时每个键也只需缓存 d 个数。
#    > 以 E = 512、d = 64 为例，每个头是 65,536 个参数，而不是 262,144 个。
# 3. 打乱 x 中词元的次序，输出会怎样？这对词序意味着什么？
#    > 输出的各行按同样的方式打乱，除此之外不变：这个层是置换等变的。
#    > 所以没有掩码、也没有位置信息时，“狗咬人”和“人咬狗”里每个词得到的向量都一样。
#    > 词序必须另外加入：加在输入上（位置编码），或者加在得分上（相对位置、旋转位置编码）。
#    > 因果掩码也会打破这种对称；不加任何位置编码的解码器确实能从中学到位置（Haviv 等，2022）。
# 4. 直接用 x 代替 q 和 k 时，词元自己的键有多少次得分最高？用两个未经训练的投影时呢？有没有理由把它屏蔽？
#    > 没有投影时几乎总是最高：对自己的得分约为 √E，其余在 ±1 左右。
#    > 取 16 个由随机正态数构成的词元、E = 64，每一行都是自己的键得分最高，平均权重为 0.98。
#    > 用两个未经训练的投影时，q 和 k 毫无关系，自己的键得分最高的约为 1/16 的行，也就是随机水平。
#    > 所以通常没有理由屏蔽它；何况在因果掩码下，第一个词元就什么也看不到了。
#    > Reformer（Kitaev 等，2020）确实屏蔽了它，因为那里查询和键共用一个投影。
# 5. 计算量和显存随 L 怎样增长，随 E 呢？L 多大时注意力比投影更贵？
#    > 投影需要 3·L·E² 次乘加，得分和加权求和一共 2·L²·E 次。
#    > 所以从 L = 1.5·E 起注意力更贵：E = 512 时是 768 个词元，E = 4,096 时是 6,144 个。
#    > 显存方面，q、k、v 共 3·L·E 个数；如果保存权重矩阵，还要 L² 个数。
#    > FlashAttention 不保存权重矩阵，所以显存随 L 线性增长，计算量仍是平方级。

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
# **Traps.** A layer that is built in `forward` gets new random numbers in every call, and no optimizer knows its
# parameters. Applying v_proj after the weighted sum instead of before gives the same numbers as long as the weights
# sum to 1; where a token sees nothing, its output is then v_proj's bias instead of zero. Published answers to this
# question leave out the projections, or the scale; one scales by √(E / heads) although its vectors have full width,
# and one only adds up linear layers, without any attention. The size that counts is that of the vectors whose dot
# product is taken.
#
# **What it cannot do.** Self-attention is permutation-equivariant: it knows word order only from what is added to x or
# to the scores, or from a mask. A convolution assumes that near things belong together; attention assumes very little.
# It has a weak *inductive bias*, and has to learn locality and order from data.
#
# **In real libraries** the three matrices are often one `nn.Linear(E, 3E)`, split afterwards: x is read once, and one
# matrix product is started instead of three. How much time that saves depends on the sizes and the machine.
#
# **Today.** The lines from the scores to the weighted sum are one call of `F.scaled_dot_product_attention`, which
# chooses a fused kernel such as FlashAttention (Dao et al., 2022) where device, dtype and mask allow it. Many large
# language models leave out the biases of the projections (PaLM, Chowdhery et al., 2022). Many normalise q and k before
# the dot product (*QK-norm*: Henry et al., 2020; Dehghani et al., 2023; Gemma 3 and Qwen3, 2025), so that scores
# cannot grow without limit in training.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 投影 3·L·E² 次乘加，其余 2·L²·E 次：L 超过 1.5·E 后注意力更贵。
#
# **陷阱。** 在 `forward` 中新建的层，每次调用都是新的随机数，优化器里也没有它的参数。
# 先加权求和再过 v_proj，只要权重之和为 1，结果就相同；但在什么都看不到的位置，得到的是 v_proj 的偏置而不是零。
# 网上的答案有的漏掉投影，有的漏掉缩放；有一份用全宽的向量做点积，却按 √(E / 头数) 缩放；
# 还有一份只是把几个线性层相加，根本没有注意力。缩放取决于做点积的向量的维度。
#
# **它做不到的。** 自注意力是置换等变的：词序只能来自加到 x 或得分上的内容，或来自掩码。
# 卷积假设相邻的东西彼此相关，注意力几乎不做假设：它的*归纳偏置*（inductive bias）很弱，局部性和次序都要从数据中学。
#
# **实际的库**常把三个矩阵合成一个 `nn.Linear(E, 3E)` 再切开：x 只读一次，只启动一次矩阵乘法。能省多少时间取决于尺寸和硬件。
#
# **如今。** 从得分到加权求和的几行就是一次 `F.scaled_dot_product_attention` 调用：
# 在设备、dtype 和掩码允许时，它会选用 FlashAttention（Dao 等，2022）这样的融合算子。
# 许多大语言模型的投影不带偏置（PaLM，Chowdhery 等，2022）。
# 许多模型在点积之前先对 q 和 k 做归一化（*QK-norm*：Henry 等，2020；Dehghani 等，2023；Gemma 3 与 Qwen3，2025），
# 避免得分在训练中无限增大。
