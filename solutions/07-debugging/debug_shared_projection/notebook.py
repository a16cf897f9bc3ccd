# %% [markdown]
# > *"Our attention maps are strangely symmetric: if *dog* looks at *barks*, *barks* looks at *dog* just as hard. And the model has fewer
# > parameters than the paper says. Coincidence?"*
#
# The module below runs, and every name is there. **Mend** `MultiHeadAttention`, and
# **name** the bug: set `bug` to one of the six slugs listed there.
#
# What the module should do: `MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)` with
# `forward(query, key, value, mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`, `value` | `(B, S, E)` | S may differ from L; key and value may be different tensors |
# | `mask` | `(L, S)`, `(B, L, S)` or `(B, 1, S)` | boolean, **True = may attend**; the same for every head |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Four `nn.Linear(embed_dim, embed_dim)`: `q_proj`, `k_proj`, `v_proj`, `out_proj`, all with or all without `bias`, and nothing
#   else in the `state_dict`. `embed_dim` not divisible by `num_heads`: `ValueError`, when the module is built.
# - Head $i$ takes the features $i\,d$ to $(i+1)\,d - 1$ of each projection, d = embed_dim / num_heads, and puts its result at
#   the same place. The scale is $1/\sqrt d$.
# - A mask with two axes is always `(L, S)`. A query that may attend to nothing gets `out_proj`'s bias; gradients stay finite.
# - `dropout` is the probability of dropping an entry of the **weights**, after the softmax, in training mode only: every
#   entry by itself, what is kept divided by 1 − p, rows not normalised again. In `eval()` nothing happens.
# - Outputs keep the inputs' dtype (float64, float32, bfloat16) and device. Inputs are not changed. Gradients flow to the three
#   inputs and to every parameter. Scores may be as large as ±10,000. Batch 1, one head, one query and non-contiguous inputs work.
# - `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like are off limits.
#
# **By hand.** embed_dim = 4 with biases: four layers have 4·(16 + 4) = 80 parameters. The module below has 40. And with one matrix W for
# queries and keys the score of token i for token j is (W xᵢ)·(W xⱼ), which is also that of j for i.

# %% [markdown] lang="zh"
# > *“我们的注意力图出奇地对称：如果“狗”在看“叫”，“叫”也以同样的打分在看“狗”。而且参数量比论文里说的少。是巧合吗？”*
#
# 下面的模块能运行，名字也都在。请**修好** `MultiHeadAttention`，并**指出**错误的名称：
# 把 `bug` 设为单元里列出的六个标识之一。
#
# 模块应当做到：`MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)`，前向为 `forward(query, key, value, mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`、`value` | `(B, S, E)` | S 可以与 L 不同；key 和 value 可以是不同的张量 |
# | `mask` | `(L, S)`、`(B, L, S)` 或 `(B, 1, S)` | 布尔型，**True = 可以关注**；各头共用 |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 四个 `nn.Linear(embed_dim, embed_dim)`：`q_proj`、`k_proj`、`v_proj`、`out_proj`，`bias` 同时决定四者有无偏置，
#   `state_dict` 中没有别的。`embed_dim` 不能被 `num_heads` 整除：构造时抛出 `ValueError`。
# - 第 $i$ 个头取每个投影的第 $i\,d$ 到 $(i+1)\,d - 1$ 个特征（d = embed_dim / num_heads），结果放回同样的位置。缩放系数是 $1/\sqrt d$。
# - 二维掩码一律是 `(L, S)`。不能关注任何键的查询，输出为 `out_proj` 的偏置；梯度保持有限。
# - `dropout` 是 softmax 之后**权重**的每个元素被丢弃的概率，只在训练模式下起作用：逐个元素独立抽样，保留下来的除以 1 − p，
#   之后不再归一化；`eval()` 时什么都不做。
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备。不得修改输入。梯度流向三个输入和全部参数。打分可能大到 ±10,000。
#   批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** embed_dim = 4、带偏置：四个层共 4·(16 + 4) = 80 个参数，下面的模块只有 40 个。而且查询和键用同一个矩阵 W 时，
# 词元 i 对词元 j 的打分是 (W xᵢ)·(W xⱼ)，j 对 i 的打分也是它。

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["broken"]
class MultiHeadAttention(nn.Module):
    """Attention in num_heads heads of embed_dim / num_heads features each, between q_proj, k_proj, v_proj and out_proj."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = self.k_proj = self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        """(B, L, E) to (B, H, L, E / H)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        """query (B, L, E), key and value (B, S, E); mask (L, S), (B, L, S) or (B, 1, S), True = may attend.

        Returns (B, L, E).
        """
        q = self.split(self.q_proj(query))
        k = self.split(self.k_proj(key))
        v = self.split(self.v_proj(value))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.unsqueeze(1)
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        context = self.dropout(weights) @ v
        return self.out_proj(context.transpose(1, 2).flatten(2))


bug = ""
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split",
#         "shared-projection", "dropout-in-eval", "zeros-not-minus-inf"

# %% tags=["solution"]
### BEGIN SOLUTION
class MultiHeadAttention(nn.Module):
    """Attention in num_heads heads of embed_dim / num_heads features each, between q_proj, k_proj, v_proj and out_proj."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        """(B, L, E) to (B, H, L, E / H)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        """query (B, L, E), key and value (B, S, E); mask (L, S), (B, L, S) or (B, 1, S), True = may attend.

        Returns (B, L, E).
        """
        q = self.split(self.q_proj(query))
        k = self.split(self.k_proj(key))
        v = self.split(self.v_proj(value))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.unsqueeze(1)
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        context = self.dropout(weights) @ v
        return self.out_proj(context.transpose(1, 2).flatten(2))


bug = "shared-projection"
### END SOLUTION

# %% tags=["demo"]
# Who looks at whom: the scores of five random tokens, over all features at once.
from grader import heatmap

torch.manual_seed(0)
attention = MultiHeadAttention(embed_dim=8, num_heads=2).requires_grad_(False)
x = torch.randn(5, 8)
scores = attention.q_proj(x) @ attention.k_proj(x).T
print("parameters:", sum(p.numel() for p in attention.parameters()), "should be", 4 * (8 * 8 + 8))
print(f"largest difference between score (i, j) and score (j, i): {(scores - scores.T).abs().max():.4f}")
heatmap(scores, title="scores: the same above and below the diagonal?")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_shared_projection")` gives a little more each time.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_shared_projection")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(globals(), exercise="debug_shared_projection")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Are symmetric scores also symmetric *weights*? What does the softmax do to them?
# 2. Which relations between words are not symmetric, so that such a model cannot express them?
# 3. What is the largest score of a token likely to be when queries and keys are the same? What does it attend to, then?
# 4. Python's `a = b = c = nn.Linear(…)`: how many layers are made? What does `load_state_dict` do with such a module?
# 5. Some models do share: multi-query attention (Shazeer, 2019). What is shared there, and what is not?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对称的打分会得到对称的*权重*吗？softmax 会做什么？
# 2. 词与词之间有哪些关系是不对称的，因而这样的模型无法表达？
# 3. 查询和键相同时，一个词元的最大打分往往在哪里？它会关注什么？
# 4. Python 的 `a = b = c = nn.Linear(…)` 建了几个层？对这样的模块，`load_state_dict` 会怎样？
# 5. 有的模型确实会共享：多查询注意力（Shazeer，2019）。那里共享的是什么，不共享的是什么？

# %% [markdown] tags=["hint"]
# Count the parameters, and compare with four matrices. Which are missing?

# %% [markdown] tags=["hint"] lang="zh"
# 数一数参数，与四个矩阵比较。少了哪些？

# %% [markdown] tags=["hint"]
# `attention.q_proj is attention.k_proj` is True. Look at the line that makes them.

# %% [markdown] tags=["hint"] lang="zh"
# `attention.q_proj is attention.k_proj` 为 True。看看创建它们的那一行。

# %% [markdown] tags=["hint"]
# Make `q_proj`, `k_proj` and `v_proj` on three lines, each with an `nn.Linear(embed_dim, embed_dim, bias=bias)` of its own.

# %% [markdown] tags=["hint"] lang="zh"
# 把 `q_proj`、`k_proj`、`v_proj` 分三行创建，各用一个自己的 `nn.Linear(embed_dim, embed_dim, bias=bias)`。

# %% [markdown] tags=["discussion"]
# **The source.** A document's multi-head attention has one linear layer a head, and uses the same one for queries, keys and values. It then joins all
# projections along the features and takes a softmax over *these*, in place of scores between tokens: no token is ever compared
# with another (the product that follows does not even fit). Its cross-attention is the same code under another name.
#
# **What sharing does.** With one matrix for queries and keys the scores are symmetric and positive on the diagonal, mostly the largest of
# their row: a token attends to itself and to what resembles it. "Adjective looks for noun", but not the other way round, cannot be
# expressed. Values that equal keys force what is *found* to be what is *searched by*.
#
# **Why it goes unnoticed.** A chained assignment makes one layer under three names. `state_dict()` lists all three, `load_state_dict` accepts
# them, and the last one wins silently; `parameters()` counts the matrix once. Counting parameters against the formula 4·(E² + E) finds it at once.

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料的多头注意力每个头只有一个线性层，查询、键、值共用它；然后把所有投影沿特征拼接，对*特征*做 softmax，
# 而不是在词元之间打分：没有任何两个词元被比较过（后面的矩阵乘法连形状都对不上）。它的交叉注意力是换了名字的同一段代码。
#
# **共用会怎样。** 查询和键用同一个矩阵时，打分是对称的，对角线为正且通常是该行最大：词元只关注自己和与自己相似的词元。“形容词找名词，
# 但反过来不找”这种关系无法表达。值与键相同，则*找到的内容*被迫等于*用来查找的依据*。
#
# **为什么没人发现。** 连续赋值使一个层有了三个名字。`state_dict()` 会列出三个，`load_state_dict` 照单全收，最后一个悄悄生效；
# `parameters()` 只算一次。把参数量与公式 4·(E² + E) 对照，立刻就能发现。
