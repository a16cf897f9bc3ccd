# %% [markdown]
# > *"My multi-head attention learns what single words mean, and never anything about their context. All shapes are right. What
# > does it attend to?"*
#
# The module below runs, gives `(B, L, E)` and trains. **Mend** `MultiHeadAttention`, and **name** the bug: set `bug` to one of
# the twelve slugs listed there. The name counts once the module is mended.
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
# **By hand.** embed_dim = 2, two heads of one feature each, all layers the identity, tokens [1, 0] and [0, 1]. Head 0 sees the
# features 1 and 0: token 0 scores 1 and 0, so its weights are 0.731 and 0.269, and its output 0.731. Head 1 sees 0 and 1:
# token 0 scores 0 and 0, so its weights are 0.5 and 0.5, and its output 0.5. Together [0.731, 0.5].

# %% [markdown] lang="zh"
# > *“我的多头注意力能学会单个词的含义，却学不到任何上下文。形状都对。它到底在关注什么？”*
#
# 下面的模块能运行，输出 `(B, L, E)`，也能训练。请**修好** `MultiHeadAttention`，并**指出**错误的名称：
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
# **手算一例。** embed_dim = 2，两个头各一个特征，各层都是恒等映射，词元为 [1, 0] 和 [0, 1]。第 0 个头看到的特征是 1 和 0：
# 词元 0 的得分为 1 和 0，权重 0.731 和 0.269，输出 0.731。第 1 个头看到 0 和 1：词元 0 的得分为 0 和 0，权重各 0.5，输出 0.5。
# 合起来是 [0.731, 0.5]。

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
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        """One slice of the features for every head."""
        return x.unflatten(-1, (self.num_heads, self.head_dim))

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
        return self.out_proj(context.flatten(2))


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


bug = "heads-not-split"
### END SOLUTION

# %% tags=["demo"]
# Change one token, and see how much the outputs of the others change.
from grader import heatmap

torch.manual_seed(0)
attention = MultiHeadAttention(embed_dim=12, num_heads=3).requires_grad_(False)
x = torch.randn(1, 6, 12)
before = attention(x, x, x)
influence = torch.zeros(6, 6)
for j in range(6):
    changed = x.clone()
    changed[0, j] += 1.0
    influence[:, j] = (attention(changed, changed, changed) - before)[0].norm(dim=-1)
print("outputs that notice another token:", int((influence.fill_diagonal_(0) > 1e-6).any(dim=1).sum()), "of 6")
heatmap(influence, title="how much output (row) changes with another token (column)")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_3")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_3")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_3")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_3")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_3")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Which two axes does `@` multiply, and which does it treat as batch?
#    > It multiplies the last two, and treats all axes before them as batch, with broadcasting. For (B, L, H, d) the
#    > matrices are therefore H × d: heads times features, one product for every token. For (B, H, L, d) they are L ×
#    > d: tokens times features, one product for every head. So what stands second to last is what attends.
# 2. The broken module raises an error for L ≠ S, and for most masks. Why not for L = S without a mask?
#    > Because L and S are then only batch axes, and batch axes of equal size fit. q is (B, L, H, d), the transposed
#    > keys are (B, S, d, H), and the product is (B, L, H, H) if L = S; the values (B, S, H, d) fit again. With L ≠ S
#    > the batch axes clash, unless one of them is 1. A mask (L, L) must be broadcast to (B, L, H, H), which works only
#    > by chance, for example when L = H. Equal sizes hide errors of shape.
# 3. Why does a single head give weights of exactly 1 there?
#    > Because the softmax runs over the heads, and there is only one. Scores are (B, L, 1, 1), and the softmax of a
#    > single number is 1, whatever it is. So every token gets its own value back: the module computes
#    > `out_proj(v_proj(x))`, queries and keys play no part, and their projections get a gradient of 0.
# 4. `view(B, H, L, d)` in place of the transpose also has the right shape. What does it mix up?
#    > Tokens and features. `view` does not move any number, it only cuts the same memory into other pieces. With B =
#    > 1, L = 4, E = 4, H = 2 the first L·d = 8 numbers become "head 0": that is all features of tokens 0 and 1, and
#    > nothing of tokens 2 and 3. So each "head" sees only a part of the sequence, cut into pieces that it takes for
#    > tokens. The right way is `view(B, L, H, d).transpose(1, 2)`.
# 5. Which property, tested on random inputs, tells attention over tokens from attention over heads?
#    > Dependence between tokens: change one token of the input and look at which outputs change. In unmasked
#    > self-attention all of them must change; here only the changed token's own output does. Permutation equivariance
#    > does not help, because a function applied to each token alone has it too. Numerically: the gradient of output i
#    > with respect to input j ≠ i must not be 0.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. `@` 对哪两个维度做乘法，把哪些维度当作批？
#    > 对最后两个维度做乘法，前面的所有维度都当作批，并按广播规则对齐。所以 (B, L, H, d) 中的矩阵是 H × d，即头乘特征，每个词元做一次；
#    > (B, H, L, d) 中的矩阵是 L × d，即词元乘特征，每个头做一次。倒数第二维是什么，就是什么在互相关注。
# 2. 有错的模块在 L ≠ S 时、以及对大多数掩码都会报错。为什么 L = S 且没有掩码时不会？
#    > 因为这时 L 和 S 只是批维度，而大小相等的批维度是对得上的。q 是 (B, L, H, d)，转置后的键是 (B, S, d, H)，L = S 时乘积为 (B, L, H, H)，
#    > 与值 (B, S, H, d) 也对得上。L ≠ S 时批维度冲突，除非其中一个是 1。掩码 (L, L) 要广播到 (B, L, H, H)，只有碰巧（例如 L = H）才行。尺寸相等会掩盖形状错误。
# 3. 为什么只有一个头时权重恰好全是 1？
#    > 因为 softmax 是沿头做的，而头只有一个。注意力分数的形状是 (B, L, 1, 1)，单个数的 softmax 无论如何都等于 1。
#    > 于是每个词元拿回的就是自己的值：模块计算的是 `out_proj(v_proj(x))`，查询和键不起作用，它们的投影得到的梯度为 0。
# 4. 不用转置而用 `view(B, H, L, d)`，形状也对。它把什么弄混了？
#    > 词元和特征。`view` 不移动任何数，只是把同一段内存重新切块。设 B = 1、L = 4、E = 4、H = 2，前 L·d = 8 个数成了“第 0 个头”：那是词元 0 和 1 的全部特征，
#    > 词元 2 和 3 的却一点没有。于是每个“头”只看到序列的一部分，并把切碎的片段当成词元。正确做法是 `view(B, L, H, d).transpose(1, 2)`。
# 5. 用随机输入测试哪一条性质，可以区分“词元之间的注意力”和“头之间的注意力”？
#    > 词元之间的依赖关系：改动输入的一个词元，看哪些输出变了。不加掩码的自注意力中，所有输出都应当变化；而这里只有被改动的词元自己的输出会变。置换等变性区分不了，因为逐词元作用的函数也满足它。
#    > 用数值来说：输出 i 对输入 j（j ≠ i）的梯度不应为 0。

# %% [markdown] tags=["hint"]
# Print the shape of `scores`. Which of its axes are tokens?

# %% [markdown] tags=["hint"] lang="zh"
# 打印 `scores` 的形状。哪些维度是词元？

# %% [markdown] tags=["hint"]
# A matrix product works on the last two axes. After the split they are heads and features; where do the tokens have to be?

# %% [markdown] tags=["hint"] lang="zh"
# 矩阵乘法作用于最后两个维度。切分之后它们是“头”和“特征”；词元应当在哪个位置？

# %% [markdown] tags=["hint"]
# Add `.transpose(1, 2)` after `unflatten`, to get `(B, H, L, d)`, and undo it, `context.transpose(1, 2).flatten(2)`, before `out_proj`.

# %% [markdown] tags=["hint"] lang="zh"
# 在 `unflatten` 之后加上 `.transpose(1, 2)`，得到 `(B, H, L, d)`；在 `out_proj` 之前还原：`context.transpose(1, 2).flatten(2)`。

# %% [markdown] tags=["discussion"]
# **The source.** A document's answer to "implement multi-head attention" views its projections as `(B, L, H, d)`, leaves the heads where they
# are, and multiplies by the keys with axes 1 and 2 exchanged. That fails, unless the sizes happen to agree; it also leaves out the
# scale, the mask and the output projection. The version above exchanges the last two axes, which always runs for L = S: every token's
# heads attend to each other.
#
# **Why it goes unnoticed.** Shapes are right, the loss falls (a position-wise network learns something too), and with L = S and no mask
# nothing raises. The first mask would have shown it: `(L, S)` does not fit `(B, L, H, H)`.
#
# **Finding such a bug.** Test who can see whom: change one input, look at which outputs move; under a causal mask, none before it may.
# Test with sizes that all differ, L ≠ S included.
#
# **Today.** The order of the axes is still not agreed on: `F.scaled_dot_product_attention` takes (B, H, L, d),
# FlashAttention and JAX's `dot_product_attention` take (B, L, H, d). Handing one the other's order raises nothing for
# self-attention without a mask, so this bug is made with library calls too. Names for axes help: einops (Rogozhnikov,
# 2022), as in `rearrange(x, "b l (h d) -> b h l d", h=heads)`, or shapes written into the types (jaxtyping).

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料在“实现多头注意力”的答案里，把投影看成 `(B, L, H, d)` 之后不再移动“头”的维度，再与交换了第 1、2 维的键相乘。
# 除非尺寸碰巧一致，否则会报错；它还漏掉了缩放、掩码和输出投影。
# 上面的版本交换最后两维，L = S 时总能运行：每个词元的各个头互相关注。
#
# **为什么没人发现。** 形状正确，损失也会下降（逐位置的网络也能学到一些东西），而 L = S 且没有掩码时不会报错。
# 第一次用掩码就会暴露：`(L, S)` 与 `(B, L, H, H)` 对不上。
#
# **怎样发现。** 测试“谁能看到谁”：改动一个输入，看哪些输出变了；有因果掩码时，它之前的输出都不应变化。
# 用互不相同的尺寸测试，包括 L ≠ S。
#
# **如今。** 维度的次序至今没有统一：`F.scaled_dot_product_attention` 要求 (B, H, L, d)，
# FlashAttention 和 JAX 的 `dot_product_attention` 要求 (B, L, H, d)。把一种次序传给另一种接口，在没有掩码的自注意力中不会报错，所以调用库时也会犯同样的错误。
# 给维度命名会有帮助：einops（Rogozhnikov，2022），例如 `rearrange(x, "b l (h d) -> b h l d", h=heads)`；或者把形状写进类型里（jaxtyping）。
