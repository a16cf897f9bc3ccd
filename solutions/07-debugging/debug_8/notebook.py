# %% [markdown]
# > *"I wrote the attention of this block by hand, to see its weights. In training the loss of a small stack falls below what is
# > possible, and the text that it generates is nonsense. A deep stack does not learn at all. What is wrong?"*
#
# The module below runs and takes the same weights as before. There are **two** bugs in it. **Mend** `TransformerBlock`, and **name**
# both: set `bugs` to a set of two of the twelve slugs listed there. The names count once the module is mended.
#
# What the module should do: `TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True)` with `forward(x, mask=None)`.
#
# | | attention | feed-forward |
# |---|---|---|
# | pre-norm (`norm_first=True`) | $x \leftarrow x + \operatorname{attn}(\operatorname{norm}_1(x))$ | $x \leftarrow x + \operatorname{ff}(\operatorname{norm}_2(x))$ |
# | post-norm (`norm_first=False`) | $x \leftarrow \operatorname{norm}_1(x + \operatorname{attn}(x))$ | $x \leftarrow \operatorname{norm}_2(x + \operatorname{ff}(x))$ |
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E is `embed_dim` |
# | `mask` | `(L, L)` or None | boolean, **True = may attend**; every row has at least one True |
# | returns | `(B, L, E)` | the tensor alone |
#
# - The layers are `norm1`, `norm2`, `attention`, `ff1`, `ff2`, as built below: weights are loaded by these names. You may go on computing
#   the attention by hand from the parameters of `self.attention`, or call it: **its boolean masks mean the opposite**.
# - ff(x) = ff2(GELU(ff1(x))), with the exact GELU, $x\,\Phi(x)$, not its tanh approximation. There is no dropout.
# - The result agrees with `nn.TransformerEncoderLayer(activation="gelu", dropout=0, batch_first=True)` in both orders.
# - `x` is not changed; the output keeps its dtype; gradients flow to `x` and to every parameter.
#
# **By hand.** Let `out_proj` and `ff2` be all zeros, so that both sublayers return 0, and let x = [1, 3] be one token. Pre-norm
# should return [1, 3], and post-norm norm2(norm1([1, 3])) = [−1, 1].

# %% [markdown] lang="zh"
# > *“为了查看权重，我把这一层的注意力改成了手写。训练时浅层堆叠的损失低得不合常理，生成的文本却不知所云；
# > 深层堆叠则完全学不动。问题在哪里？”*
#
# 下面的模块能运行，加载的权重也与原来相同，但其中有**两个**错误。请**修好** `TransformerBlock`，并**指出**两个错误的名称：
# 把 `bugs` 设为由单元里列出的十二个标识中的两个组成的集合。模块修好之后，名称才计分。
#
# 模块应当做到：`TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True)`，前向为 `forward(x, mask=None)`。
#
# | | 注意力 | 前馈 |
# |---|---|---|
# | 前置归一化（`norm_first=True`） | $x \leftarrow x + \operatorname{attn}(\operatorname{norm}_1(x))$ | $x \leftarrow x + \operatorname{ff}(\operatorname{norm}_2(x))$ |
# | 后置归一化（`norm_first=False`） | $x \leftarrow \operatorname{norm}_1(x + \operatorname{attn}(x))$ | $x \leftarrow \operatorname{norm}_2(x + \operatorname{ff}(x))$ |
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E 即 `embed_dim` |
# | `mask` | `(L, L)` 或 None | 布尔型，**True = 可以关注**；每一行至少有一个 True |
# | 返回值 | `(B, L, E)` | 只返回这个张量 |
#
# - 各层为 `norm1`、`norm2`、`attention`、`ff1`、`ff2`，如下面所建：权重按这些名字加载。可以继续用 `self.attention` 的参数手写注意力，
#   也可以直接调用它：**它的布尔掩码含义正相反**。
# - ff(x) = ff2(GELU(ff1(x)))，GELU 用精确形式 $x\,\Phi(x)$，不用 tanh 近似。没有 dropout。
# - 两种顺序的结果都与 `nn.TransformerEncoderLayer(activation="gelu", dropout=0, batch_first=True)` 一致。
# - 不得修改 `x`；输出保持其 dtype；梯度流向 `x` 和每一个参数。
#
# **手算一例。** 设 `out_proj` 和 `ff2` 全为零，则两个子层都返回 0；设 x = [1, 3] 是一个词元。前置归一化应返回 [1, 3]，
# 后置归一化应返回 norm2(norm1([1, 3])) = [−1, 1]。

# %% tags=["given"]
import torch
import torch.nn.functional as F
from torch import nn

# %% tags=["broken"]
class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward network, each with a residual connection and a layer norm.

    norm_first: normalise what enters a sublayer (pre-norm) rather than the sum that leaves it (post-norm).
    """

    def __init__(self, embed_dim, num_heads, ff_dim, norm_first=True):
        super().__init__()
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(embed_dim)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.ff1 = nn.Linear(embed_dim, ff_dim)
        self.ff2 = nn.Linear(ff_dim, embed_dim)

    def attend(self, x, mask):
        """Self-attention by hand, with the parameters of self.attention. x (B, L, E), mask (L, L), True = may attend."""
        layer = self.attention
        projected = F.linear(x, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (layer.num_heads, layer.head_dim)).transpose(1, 2) for part in projected)
        scores = q @ k.transpose(-2, -1) * layer.head_dim**-0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-2)
        return layer.out_proj((weights @ v).transpose(1, 2).flatten(2))

    def feed_forward(self, x):
        """The same network for every token."""
        return self.ff2(F.gelu(self.ff1(x)))

    def forward(self, x, mask=None):
        """x: (B, L, E). mask: boolean (L, L), True = may attend; None hides nothing. Returns (B, L, E)."""
        if self.norm_first:
            x = x + self.attend(self.norm1(x), mask)
            return self.feed_forward(self.norm2(x))
        x = self.norm1(x + self.attend(x, mask))
        return self.norm2(self.feed_forward(x))


bugs = set()
# Two of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward network, each with a residual connection and a layer norm.

    norm_first: normalise what enters a sublayer (pre-norm) rather than the sum that leaves it (post-norm).
    """

    def __init__(self, embed_dim, num_heads, ff_dim, norm_first=True):
        super().__init__()
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(embed_dim)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.ff1 = nn.Linear(embed_dim, ff_dim)
        self.ff2 = nn.Linear(ff_dim, embed_dim)

    def attend(self, x, mask):
        """Self-attention by hand, with the parameters of self.attention. x (B, L, E), mask (L, L), True = may attend."""
        layer = self.attention
        projected = F.linear(x, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (layer.num_heads, layer.head_dim)).transpose(1, 2) for part in projected)
        scores = q @ k.transpose(-2, -1) * layer.head_dim**-0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return layer.out_proj((weights @ v).transpose(1, 2).flatten(2))

    def feed_forward(self, x):
        """The same network for every token."""
        return self.ff2(F.gelu(self.ff1(x)))

    def forward(self, x, mask=None):
        """x: (B, L, E). mask: boolean (L, L), True = may attend; None hides nothing. Returns (B, L, E)."""
        if self.norm_first:
            x = x + self.attend(self.norm1(x), mask)
            return x + self.feed_forward(self.norm2(x))
        x = self.norm1(x + self.attend(x, mask))
        return self.norm2(x + self.feed_forward(x))


bugs = {"softmax-axis", "residual-missing"}
### END SOLUTION

# %% tags=["demo"]
# Under a causal mask, change one token at a time, and see which outputs change; then send two unrelated texts through a deep stack.
from grader import heatmap

torch.manual_seed(0)
blocks = nn.ModuleList(TransformerBlock(32, 4, 64) for _ in range(24)).requires_grad_(False)
causal = torch.ones(8, 8, dtype=torch.bool).tril()
x, y = torch.randn(2, 1, 8, 32)
before, influence = blocks[0](x, causal), torch.zeros(8, 8)
for j in range(8):
    changed = x.clone()
    changed[0, j] = y[0, j]
    influence[:, j] = (blocks[0](changed, causal) - before)[0].norm(dim=-1)
print(f"largest change of an output before the changed token: {influence.triu(1).max():.4f}")
for depth, block in enumerate(blocks, 1):
    x, y = block(x, causal), block(y, causal)
    if depth in (1, 6, 12, 24):
        print(f"after {depth:2} blocks the two texts differ by {((x - y).norm() / x.norm()).item():.0%} of their size")
heatmap((influence > 1e-6).tolist(), title="does the output (row) change with the token (column)?")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_8")` gives a little more each time.
# What the interviewer asks next would name the bugs: `discuss("debug_8")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_8")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_8")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_8")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. The mask is right, and still the future leaks. By which way?
#    > By the denominator. The softmax over the queries divides column j by the sum of exp(score) over all queries that
#    > see key j: token j itself, and everything *after* it. So the weight of query i for key j depends on later queries,
#    > and with them on later tokens. The mask cannot prevent that: it hides scores, not sums over the wrong axis.
# 2. How can a training loss be too low, and the generated text be bad?
#    > Because training sees what generation does not have. In training the later tokens are there, and the model learns
#    > to read the answer out of the leak. When it generates, the last token has nothing after it, so what it relied on
#    > is missing. The sign of a leak is a loss below what is plausible, and a large gap between the loss under teacher
#    > forcing and the quality of what is generated; exposure bias makes a gap too, but not a loss that is too low.
# 3. Why do rows that do not sum to 1 raise no error here?
#    > Because the columns do sum to 1, all weights lie between 0 and 1, and the shapes agree, since L = S in
#    > self-attention. A row's sum is then 1 on average over the rows, though not for each: under a causal mask the early
#    > rows get less, the late ones more. The next norm hides the differences in size. Assert
#    > `weights.sum(-1) == 1` in a test; it costs one line.
# 4. What exactly does a missing residual around the feed-forward network cost in a deep stack?
#    > The only path that goes straight through. With it the block is x + f(x), its Jacobian is I + f′, and the product over
#    > many blocks keeps the identity. Without it what is left of x is what f lets through, block after block. In the
#    > demonstration's stack (E = 32, PyTorch's default weights) two unrelated texts end up nearly alike after 24 blocks, so
#    > that hardly anything of the input is left to learn from.
# 5. Which test would have found each of the two bugs in the first minute?
#    > For the axis: under a causal mask, changing a token must leave every earlier output exactly as it is; or compare
#    > with `self.attention` itself, whose parameters are used. For the residual: set `out_proj` and `ff2` to zero, weights
#    > and biases, and a pre-norm block must be the identity. Both tests need no training, and each fails for one reason
#    > alone.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 掩码没有错，未来却仍然泄露。是从哪里泄露的？
#    > 从分母。沿查询做 softmax 时，第 j 列除以所有能看到键 j 的查询的 exp(得分) 之和，也就是词元 j 自己和它*之后*的所有词元。
#    > 于是查询 i 对键 j 的权重依赖后面的查询，也就依赖后面的词元。给得分加掩码挡不住它：掩码屏蔽的是元素，而不是沿错误维度的求和。
# 2. 训练损失怎么会过低，而生成的文本却很差？
#    > 因为训练时能看到生成时没有的东西。训练时后面的词元就在那里，模型学会从泄露中读出答案；生成时最后一个词元后面什么也没有，它所依赖的信息就缺失了。
#    > 泄露的标志是损失低得不合常理，而且教师强制（teacher forcing）下的损失与生成质量差距很大。曝光偏差也会造成差距，但不会让损失过低。
# 3. 每行之和不为 1，这里为什么没有报错？
#    > 因为每列之和是 1，所有权重都在 0 和 1 之间，而自注意力中 L = S，形状也对得上。
#    > 各行之和平均起来也是 1，只是每一行不是：在因果掩码下，前面的行偏小，后面的行偏大。随后的归一化又掩盖了大小的差别。
#    > 在测试里断言 `weights.sum(-1) == 1`，只要一行。
# 4. 前馈网络外面少了残差连接，在深层堆叠中究竟损失了什么？
#    > 损失了唯一一条直通的路。有残差时一层是 x + f(x)，雅可比矩阵是 I + f′，多层相乘之后恒等部分仍在。
#    > 没有残差时，x 只剩下 f 一层层放行的部分。在演示的堆叠中（E = 32，PyTorch 默认初始化），两段无关的文本经过 24 层之后几乎相同，输入的信息所剩无几，也就无从学起。
# 5. 用什么测试可以在一分钟之内分别发现这两个错误？
#    > 对维度：在因果掩码下改动一个词元，它之前的所有输出都必须保持不变；或者与 `self.attention` 本身的结果比较，参数就是它的。
#    > 对残差：把 `out_proj` 和 `ff2` 的权重和偏置都设为零，前置归一化的层必须是恒等映射。两个测试都不需要训练，而且各自只因一个原因失败。

# %% [markdown] tags=["hint"]
# There are two symptoms, and they have nothing to do with each other. The first is in `attend`: print what each row of `weights` sums to. For the second, compare `forward` with the table, term by term.

# %% [markdown] tags=["hint"] lang="zh"
# 有两个症状，彼此无关。第一个在 `attend` 里：打印 `weights` 每一行之和。第二个：把 `forward` 与表格逐项对照。

# %% [markdown] tags=["hint"]
# Scores are (B, H, L, S): queries, then keys. Each query shares out its weight among the keys; along which axis is that? And is every sublayer's input added to its output?

# %% [markdown] tags=["hint"] lang="zh"
# 得分的形状是 (B, H, L, S)：先查询，后键。每个查询把权重分给各个键，这是沿哪个维度？每个子层的输入都加到它的输出上了吗？

# %% [markdown] tags=["hint"]
# The softmax goes over the last axis, `dim=-1`; and in both orders the feed-forward network's input is added to what it returns, `x + self.feed_forward(...)`.

# %% [markdown] tags=["hint"] lang="zh"
# softmax 应沿最后一个维度，即 `dim=-1`；两种顺序中，前馈网络的输入都要加到它的输出上，即 `x + self.feed_forward(...)`。

# %% [markdown] tags=["discussion"]
# **The source.** One document names residual connections as a cure for vanishing gradients and shows none in code; another takes its softmax
# over the features. Whoever rewrites a library's layer by hand, to look at its weights, makes both mistakes easily.
#
# **The axis.** A softmax over the queries asks "who wants this key most?" in place of "which key does this query want most?". Without a mask both give
# a matrix of the same shape. With a causal mask the difference is a leak: each key's column is normalised over the queries after it.
#
# **The residual.** What goes around a sublayer is what makes a stack of many trainable (He et al., 2016). One missing in a stack of two blocks is
# hardly seen in the loss; in a stack of 24 the input is gone.
#
# **Finding such bugs.** A layer that is written anew is compared with the old one, on random weights, without a mask and with one, before anything
# is trained: `torch.testing.assert_close(block.attend(x, mask), block.attention(x, x, x, attn_mask=~mask)[0])`.
#
# **Today.** To look at weights nobody has to rewrite a layer: hooks, or `need_weights=True`, give them, and FlexAttention (Dong et al.,
# 2024) lets one change scores and masks while the softmax stays the library's. Softmaxes over the queries do exist, on
# purpose: in slot attention (Locatello et al., 2020) slots compete for the inputs, and are normalised over the inputs
# afterwards. Residual connections are in every large model; what is new is how they are scaled and mixed, such as
# 1/√(2N) for N blocks at initialisation (GPT-2, 2019) or several residual streams (hyper-connections; Zhu et al., 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料说残差连接可以缓解梯度消失，代码里却没有；另一份沿特征做 softmax。
# 为了查看权重而手写库里的层时，这两个错误都很容易犯。
#
# **维度。** 沿查询做 softmax，问的是“谁最想要这个键”，而不是“这个查询最想要哪个键”。没有掩码时，两者得到的矩阵形状相同。
# 有因果掩码时，差别就是泄露：每个键的那一列是在它之后的查询上归一化的。
#
# **残差。** 正是绕过子层的这条路，使很深的堆叠能够训练（He 等，2016）。只有两层时少一个残差，从损失上几乎看不出来；有 24 层时，输入就不见了。
#
# **怎样发现。** 重写的层要与原来的层对比：用随机权重，不带掩码和带掩码各一次，在训练之前就做：
# `torch.testing.assert_close(block.attend(x, mask), block.attention(x, x, x, attn_mask=~mask)[0])`。
#
# **如今。** 想看权重不必重写层：用钩子（hook）或 `need_weights=True` 就能得到；FlexAttention（Dong 等，2024）允许改动得分和掩码，而 softmax 仍由库来做。
# 有意沿查询做 softmax 的做法也存在：slot attention（Locatello 等，2020）中各个槽（slot）竞争输入，之后再沿输入归一化。
# 所有大模型都有残差连接；新的是如何缩放和混合，例如 N 层的模型在初始化时乘以 1/√(2N)（GPT-2，2019），或多条残差流（hyper-connections；Zhu 等，2024）。
