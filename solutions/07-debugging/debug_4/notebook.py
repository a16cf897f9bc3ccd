# %% [markdown]
# > *"Our scores are strangely symmetric: if *dog* looks for *barks*, *barks* looks for *dog* just as hard. And after hours of
# > training they still are. Coincidence?"*
#
# The module below runs, and every name is there. **Mend** `MultiHeadAttention`, and **name** the bug: set `bug` to one of the
# twelve slugs listed there. The name counts once the module is mended.
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
# **By hand.** One head of two features, W_q the identity, and W_k = [[0, 1], [0, 0]], which puts a token's second feature first. For
# the tokens a = [1, 0] and b = [0, 1], a's score for b (not yet scaled) is [1, 0]·[1, 0] = 1, and b's for a is [0, 1]·[0, 0] = 0.

# %% [markdown] lang="zh"
# > *“我们的注意力分数出奇地对称：‘狗’对‘叫’的得分有多高，‘叫’对‘狗’的得分就有多高；训练几个小时之后仍然如此。是巧合吗？”*
#
# 下面的模块能运行，名字也都在。请**修好** `MultiHeadAttention`，并**指出**错误的名称：
# 把 `bug` 设为单元里列出的十二个标识之一。模块修好之后，名称才计分。
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
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备。不得修改输入。梯度流向三个输入和全部参数。注意力分数可能大到 ±10,000。
#   批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** 一个头，两个特征，W_q 为恒等矩阵，W_k = [[0, 1], [0, 0]]，即把词元的第二个特征放到第一位。
# 词元 a = [1, 0]、b = [0, 1]：a 对 b 的得分（尚未缩放）为 [1, 0]·[1, 0] = 1，b 对 a 的得分为 [0, 1]·[0, 0] = 0。

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
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

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
# Who looks for whom: the scores of five random tokens, over all features at once; before training, and after some steps of it.
from grader import heatmap

torch.manual_seed(0)
attention = MultiHeadAttention(embed_dim=8, num_heads=2)
x, wanted = torch.randn(1, 5, 8), torch.randn(1, 5, 8)
optimizer = torch.optim.SGD(attention.parameters(), lr=0.05)
for step in range(101):
    if step in (0, 100):
        with torch.no_grad():
            scores = attention.q_proj(x[0]) @ attention.k_proj(x[0]).T
        print(f"step {step:3}: largest difference between score (i, j) and score (j, i): {(scores - scores.T).abs().max():.4f}")
    optimizer.zero_grad()
    (attention(x, x, x) - wanted).pow(2).mean().backward()
    optimizer.step()
heatmap(scores, title="scores after 100 steps: row looks for column")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_4")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_4")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_4")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_4")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_4")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Are symmetric scores also symmetric *weights*? What does the softmax do to them?
#    > No. The softmax divides each row by its own sum: the weight of i for j is exp(sᵢⱼ)/Zᵢ, and that of j for i is
#    > exp(sᵢⱼ)/Zⱼ. The numerators agree, the denominators do not. If i resembles few tokens and j resembles many, then
#    > i gives j more weight than j gives i. So one must look at the scores to see the symmetry; the maps of weights
#    > show it only roughly.
# 2. Which relations between words are not symmetric, so that such a model cannot express them?
#    > Most of grammar. A verb looks for its subject and an adjective for its noun, but not with the same strength the
#    > other way round. A pronoun looks for the noun it stands for; that noun need not look for pronouns. "The token
#    > before me" is not symmetric either: if i scores i − 1 highly, then i − 1 scores i just as highly. Induction
#    > heads, which copy what followed last time, need such directed scores (Olsson et al., 2022).
# 3. What is the largest score of a token likely to be when queries and keys are the same? What does it attend to,
#    then?
#    > Its own. The score of a token for itself is |W x|²/√d, always positive, while the others vary around 0. With
#    > independent normal entries of variance 1 and d = 64 its own score is about 64/8 = 8 and the others have standard
#    > deviation 1; among 100 tokens, 91 % of the weight then falls on the token itself (measured, mean of 50 draws).
#    > With smaller entries the effect is weaker, but at this d its own score is still the largest in nearly all rows.
#    > So with scores of this size each token mostly gets its own value back.
# 4. Python's `a = b = c = nn.Linear(…)`: how many layers are made? What does `load_state_dict` do with such a module?
#    > One layer, with three names. `state_dict()` lists all three names with the same tensors, while `parameters()`
#    > counts them once. `load_state_dict` accepts a state with three different matrices without complaint and copies
#    > them one after another into the same memory, so the last one wins: I tried it with 0, 1 and 2, and 2 was left.
#    > Counting the parameters is the quick test; `a is b` is the sure one.
# 5. Some models do share: multi-query attention (Shazeer, 2019). What is shared there, and what is not?
#    > There the *heads* share: all query heads use one key head and one value head. Queries, keys and values still
#    > have three different matrices, so scores are not symmetric. The aim is a smaller KV cache: with 32 heads it
#    > shrinks 32 times, because only one key and one value vector are kept for each token. Grouped-query attention
#    > (Ainslie et al., 2023) is in between, with a few key-value heads, for example 8.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对称的得分会得到对称的*权重*吗？softmax 会做什么？
#    > 不会。softmax 让每一行除以自己的和：i 对 j 的权重是 exp(sᵢⱼ)/Zᵢ，j 对 i 的权重是 exp(sᵢⱼ)/Zⱼ。分子相同，分母不同。
#    > 如果与 i 相似的词元少，与 j 相似的词元多，那么 i 给 j 的权重就大于 j 给 i 的权重。所以要看得分才能发现对称性，权重图只能大致看出来。
# 2. 词与词之间有哪些关系是不对称的，因而这样的模型无法表达？
#    > 语法关系大多不对称。动词找主语，形容词找名词，但反过来并不以同样的强度去找。代词找它所指的名词，名词却不必找代词。
#    > “我前面的那个词元”也不对称：如果 i 给 i − 1 高分，那么 i − 1 也必然给 i 同样的高分。
#    > 归纳头（induction head，照抄上次出现时后面的内容）就需要这种有方向的得分（Olsson 等，2022）。
# 3. 查询和键相同时，一个词元的最大得分往往在哪里？它会关注什么？
#    > 在它自己。词元对自己的得分是 |W x|²/√d，恒为正，而其他得分在 0 附近波动。若各分量独立、方差为 1、d = 64，它对自己的得分约为 64/8 = 8，其他得分的标准差为 1；
#    > 100 个词元时，91 % 的权重落在自己身上（实测，50 次的平均）。分量较小时效应减弱，但在这个 d 下，几乎所有行里最大的仍是对自己的得分。于是在这样的得分下，每个词元拿回的基本上是自己的值。
# 4. Python 的 `a = b = c = nn.Linear(…)` 建了几个层？对这样的模块，`load_state_dict` 会怎样？
#    > 一个层，三个名字。`state_dict()` 会以三个名字列出同样的张量，而 `parameters()` 只算一次。
#    > `load_state_dict` 遇到三个不同的矩阵也不会报错，而是依次复制到同一块内存，最后一个生效：用 0、1、2 试过，留下的是 2。数参数量可以快速发现，用 `a is b` 则可以确定。
# 5. 有的模型确实会共享：多查询注意力（Shazeer，2019）。那里共享的是什么，不共享的是什么？
#    > 那里是*各个头*之间共享：所有查询头共用一个键头和一个值头。查询、键、值仍然各有自己的矩阵，所以得分不对称。目的是缩小 KV 缓存：32 个头时缓存缩小到 1/32，因为每个词元只需保存一个键向量和一个值向量。
#    > 分组查询注意力（GQA；Ainslie 等，2023）介于两者之间，保留少数几个键值头，例如 8 个。

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
#
# **Today.** What is shared on purpose is shared between heads, or stored in compressed form, to make the KV cache
# small: multi-query attention (Shazeer, 2019), grouped-query attention (Ainslie et al., 2023), and multi-head latent
# attention, which keeps one small vector from which keys and values are made (DeepSeek-V2, 2024). Queries and keys
# keep different matrices. An exception is Reformer (Kitaev et al., 2020), which shares them to sort tokens into
# buckets; it normalises the keys and forbids a token to attend to itself where it can, because its own score would
# win.

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料的多头注意力每个头只有一个线性层，查询、键、值共用它；然后把所有投影沿特征拼接，对*特征*做 softmax，
# 而不是计算词元之间的得分：没有任何两个词元被比较过（后面的矩阵乘法连形状都对不上）。它的交叉注意力是换了名字的同一段代码。
#
# **共用会怎样。** 查询和键用同一个矩阵时，得分是对称的，对角线为正且通常是该行最大：词元主要关注自己和与自己相似的词元。
# “形容词找名词，但反过来不找”这种关系无法表达。值与键相同，则*取出的内容*被迫等于*用来匹配的依据*。
#
# **为什么没人发现。** 连续赋值使一个层有了三个名字。`state_dict()` 会列出三个，`load_state_dict` 照单全收，最后一个悄悄生效；
# `parameters()` 只算一次。把参数量与公式 4·(E² + E) 对照，立刻就能发现。
#
# **如今。** 有意的共享发生在头与头之间，或者采用压缩存储，目的是缩小 KV 缓存：多查询注意力（MQA；Shazeer，2019），分组查询注意力（GQA；Ainslie 等，2023），
# 以及多头潜在注意力（MLA；DeepSeek-V2，2024），它只保存一个小向量，由它生成键和值。查询和键仍各有自己的矩阵。例外是 Reformer（Kitaev 等，2020），为了把词元分桶而让两者共用；
# 它对键做归一化，并尽量禁止词元关注自己，因为对自己的得分总会是最大的。
