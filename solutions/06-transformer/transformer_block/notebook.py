# %% [markdown]
# > *"Here are the layers of a Transformer block. Put them together: once with the norms before the sublayers, once after. Then tell me which one you would train, and why."*
#
# A summary of the Transformer usually lists attention, a feed-forward network and positions. What makes a deep stack of
# them trainable is missing from that list: the **residual connections** and the **layer norms**, and where they stand.
#
# | | attention | feed-forward |
# |---|---|---|
# | pre-norm (`norm_first=True`) | $x \leftarrow x + \operatorname{attn}(\operatorname{norm}_1(x))$ | $x \leftarrow x + \operatorname{ff}(\operatorname{norm}_2(x))$ |
# | post-norm (`norm_first=False`) | $x \leftarrow \operatorname{norm}_1(x + \operatorname{attn}(x))$ | $x \leftarrow \operatorname{norm}_2(x + \operatorname{ff}(x))$ |
#
# **Write** the `forward` of `TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True)`.
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E is `embed_dim` |
# | `mask` | `(L, L)` or None | boolean, **True = may attend**; every row has at least one True |
# | returns | `(B, L, E)` | the tensor alone |
#
# - The layers are built in the stub: `norm1`, `norm2`, `attention`, `ff1`, `ff2`. Their names are part of the contract,
#   because weights are loaded by name. `nn.MultiheadAttention` is allowed here: the exercise is how the layers are put
#   together.
# - **The boolean masks of `nn.MultiheadAttention` mean the opposite: there, True = may *not* attend.**
# - ff(x) = ff2(GELU(ff1(x))), with the exact GELU, $x\,\Phi(x)$, not its tanh approximation.
# - There is no dropout. The result agrees with `nn.TransformerEncoderLayer(activation="gelu", dropout=0, batch_first=True)` in both orders.
# - `x` is not changed; the output keeps its dtype; gradients flow to `x` and to every parameter.
#
# **By hand.** Let `out_proj` and `ff2` be all zeros, so that both sublayers return 0, and let x = [1, 3] be one token.
# Pre-norm returns [1, 3]: the block is the identity, and so is a stack of a hundred such blocks. Post-norm returns
# norm2(norm1([1, 3])) = [−1, 1] (mean 2, standard deviation 1): whatever comes in, something normalised comes out.

# %% [markdown] lang="zh"
# > *“这是一个 Transformer 层的各个部件。请把它们组装起来：归一化分别放在子层之前和子层之后，各写一种。然后告诉我你会训练哪一种，为什么。”*
#
# 介绍 Transformer 时通常只列出注意力、前馈网络和位置编码。而让深层堆叠得以训练的东西却不在其中：**残差连接**和**层归一化**，以及它们放在哪里。
#
# | | 注意力 | 前馈 |
# |---|---|---|
# | 前置归一化（`norm_first=True`） | $x \leftarrow x + \operatorname{attn}(\operatorname{norm}_1(x))$ | $x \leftarrow x + \operatorname{ff}(\operatorname{norm}_2(x))$ |
# | 后置归一化（`norm_first=False`） | $x \leftarrow \operatorname{norm}_1(x + \operatorname{attn}(x))$ | $x \leftarrow \operatorname{norm}_2(x + \operatorname{ff}(x))$ |
#
# **请实现** `TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True)` 的 `forward`。
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E 即 `embed_dim` |
# | `mask` | `(L, L)` 或 None | 布尔型，**True = 可以关注**；每一行至少有一个 True |
# | 返回值 | `(B, L, E)` | 只返回这个张量 |
#
# - 各层已在代码框架中建好：`norm1`、`norm2`、`attention`、`ff1`、`ff2`。权重按名字加载，所以名字也是约定的一部分。
#   这里允许使用 `nn.MultiheadAttention`：本题考的就是如何组装。
# - **`nn.MultiheadAttention` 的布尔掩码含义正相反：那里 True = *不可以*关注。**
# - ff(x) = ff2(GELU(ff1(x)))，GELU 用精确形式 $x\,\Phi(x)$，不用 tanh 近似。
# - 没有 dropout。两种顺序的结果都与 `nn.TransformerEncoderLayer(activation="gelu", dropout=0, batch_first=True)` 一致。
# - 不得修改 `x`；输出保持其 dtype；梯度流向 `x` 和每一个参数。
#
# **手算一例。** 设 `out_proj` 和 `ff2` 全为零，则两个子层都返回 0；设 x = [1, 3] 是一个词元。前置归一化返回 [1, 3]：这一层是恒等映射，
# 叠一百层也仍是恒等映射。后置归一化返回 norm2(norm1([1, 3])) = [−1, 1]（均值 2，标准差 1）：无论输入什么，出来的都是归一化后的结果。

# %% [markdown]
# ```
# pre-norm    x ─┬─ norm1 ─ attention ─ + ─┬─ norm2 ─ ff1 ─ GELU ─ ff2 ─ + ─ out
#                └──────────────────────┘  └────────────────────────────┘
# post-norm   x ─┬─ attention ─ + ─ norm1 ─┬─ ff1 ─ GELU ─ ff2 ─ + ─ norm2 ─ out
#                └──────────────┘          └─────────────────────┘
# ```
# Follow the lower line: in pre-norm x runs from the input to the output through additions alone, past every norm.

# %% [markdown] lang="zh"
# ```
# pre-norm    x ─┬─ norm1 ─ attention ─ + ─┬─ norm2 ─ ff1 ─ GELU ─ ff2 ─ + ─ out
#                └──────────────────────┘  └────────────────────────────┘
# post-norm   x ─┬─ attention ─ + ─ norm1 ─┬─ ff1 ─ GELU ─ ff2 ─ + ─ norm2 ─ out
#                └──────────────┘          └─────────────────────┘
# ```
# 看下面那条线：前置归一化（上图）中，x 从输入到输出只经过加法，绕过了每一个归一化层。

# %% tags=["demo"]
# The same causal mask twice: as this course writes it (filled = may attend), and as nn.MultiheadAttention wants it.
import torch
from grader import heatmap

causal = torch.ones(4, 4, dtype=torch.bool).tril()
heatmap(causal, title="ours") + heatmap(~causal, title="the library's")

# %% tags=["demo"]
# What stacked layers can do: two layers, trained for about a second to continue texts that repeat after 4 to 6 tokens.
# The first learns to look at the token before. With that, the second finds the place where the same token stood
# before, and looks at what came next there: see the last five rows. This is an induction head (Olsson et al., 2022).
from torch import nn

torch.manual_seed(2)
threads = torch.get_num_threads()
torch.set_num_threads(1)  # tensors as small as these are faster in one thread
words, places, head = nn.Embedding(12, 32), nn.Embedding(10, 32), nn.Linear(32, 12)
first, second = nn.MultiheadAttention(32, 1, batch_first=True), nn.MultiheadAttention(32, 1, batch_first=True)
optimizer = torch.optim.Adam(nn.ModuleList([words, places, head, first, second]).parameters(), lr=0.01)
for step in range(300):
    period = torch.randint(4, 7, (32, 1))
    texts = torch.rand(32, 12).argsort(dim=1).gather(1, torch.arange(11) % period)
    x = words(texts[:, :-1]) + places(torch.arange(10))
    out, looks_1 = first(x, x, x, attn_mask=torch.ones(10, 10, dtype=torch.bool).triu(1))
    x = x + out
    out, looks_2 = second(x, x, x, attn_mask=torch.ones(10, 10, dtype=torch.bool).triu(1))
    repeats = torch.arange(10) >= period  # from here on, the next token can be known
    loss = nn.functional.cross_entropy(head(x + out)[repeats], texts[:, 1:][repeats])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
torch.set_num_threads(threads)
n = int((period == 5).int().argmax())  # a text that repeats after 5 tokens; they have numbers from 0 to 11
names = [str(token) for token in texts[n, :10].tolist()]
heatmap(looks_1[n], names, names, title="first layer") + heatmap(looks_2[n], names, names, title="second layer")

# %% tags=["given"]
import torch
import torch.nn.functional as F
from torch import nn

# %% tags=["solution"]
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

    def forward(self, x, mask=None):
        """x: (B, L, E). mask: boolean (L, L), True = may attend; None hides nothing. Returns (B, L, E)."""
        ### BEGIN SOLUTION
        hidden = None if mask is None else ~mask
        if self.norm_first:
            n = self.norm1(x)
            x = x + self.attention(n, n, n, attn_mask=hidden, need_weights=False)[0]
            return x + self.ff2(F.gelu(self.ff1(self.norm2(x))))
        x = self.norm1(x + self.attention(x, x, x, attn_mask=hidden, need_weights=False)[0])
        return self.norm2(x + self.ff2(F.gelu(self.ff1(x))))
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("transformer_block")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("transformer_block")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(TransformerBlock)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Post-norm needs learning-rate warm-up and pre-norm can often do without. Where in the two pictures does the
#    gradient differ?
#    > On the lower line. In pre-norm it is a plain sum, so the gradient of the output reaches every block unchanged
#    > (what comes through the sublayers is added to it); in post-norm it passes through two norms in each block, which
#    > rescale it. At initialisation the gradient of the last feed-forward weights does not shrink with depth in
#    > post-norm; in pre-norm it shrinks like 1/√(number of blocks) (Xiong et al., 2020). I tried it with this
#    > exercise's block (E = 64, 4 heads, PyTorch's default weights, random tokens, cross-entropy over 100 classes): from
#    > 6 to 24 blocks its norm goes from 0.27 to 0.26 in post-norm and from 0.24 to 0.16 in pre-norm. Large gradients and
#    > a full learning rate in the first steps do not go together; the warm-up keeps these steps small.
# 2. A stack of pre-norm blocks ends with one more LayerNorm, outside the blocks. Why does a post-norm stack not need
#    it?
#    > Because a post-norm block ends with a norm: what leaves the stack is normalised. In pre-norm the output is a sum
#    > to which every sublayer has added something and which no norm has touched, so its size grows with depth. The last
#    > LayerNorm brings it to a fixed scale for the output matrix.
# 3. Why layer norm and not batch norm? Think of a batch of sentences of different lengths, and of decoding one token at
#    a time.
#    > Layer norm takes mean and variance over the features of one token, so a token's result depends on no other. Batch
#    > norm takes them over all tokens of the batch: padding is counted unless one masks it, a sentence's result depends
#    > on its neighbours in the batch, and in causal training future tokens enter the statistics. When decoding there
#    > may be a single token, so running averages from training are used, and these fit badly where the statistics vary
#    > a lot between batches, as they do for text (Shen et al., 2020).
# 4. How many parameters has a block with ff_dim = 4E? Which half of it is larger?
#    > 12E² + 13E: attention has 4E² + 4E, the feed-forward network 8E² + 5E, the two norms 4E. For E = 768 that is
#    > 7,087,872. The feed-forward network is the larger part, two thirds of the whole.
# 5. What does the feed-forward network do that attention cannot, given that attention mixes values linearly?
#    > It computes nonlinear functions of the features of a position. For given weights, attention's output is a
#    > weighted mean of linear images of the tokens, so it moves information but cannot, for example, switch a feature
#    > on only when two others are present. Geva et al. (2021) describe the network as a memory: rows of ff1 detect
#    > patterns, columns of ff2 say what is added then. Stacks of attention alone, without residuals and feed-forward
#    > networks, lose rank very fast with depth: all tokens become alike (Dong et al., 2021).

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 后置归一化需要学习率预热（warm-up），前置归一化往往可以不用。两张图中梯度的差别在哪里？
#    > 差别在下面那条线上。前置归一化中它只是相加，输出的梯度原样到达每一层（再加上经由各子层传来的部分）；
#    > 后置归一化中它每层要穿过两个归一化，会被重新缩放。
#    > 初始化时，最后一层前馈权重的梯度在后置归一化中不随深度减小，在前置归一化中按 1/√层数 减小（Xiong 等，2020）。
#    > 用本题的层实测（E = 64，4 个头，PyTorch 默认初始化，随机词元，100 类的交叉熵），层数从 6 增加到 24 时：
#    > 后置归一化的梯度范数从 0.27 变为 0.26，前置归一化的从 0.24 降到 0.16。
#    > 最初几步梯度大，学习率就不能大；预热正是让最初几步走得小一些。
# 2. 前置归一化的堆叠在最后还要再加一个 LayerNorm（在各层之外）。后置归一化为什么不需要？
#    > 因为后置归一化的每一层都以归一化结尾，整个堆叠的输出已经归一化了。
#    > 前置归一化的输出是一个和，每个子层都往里加，没有任何归一化作用于它，所以它随深度增大。
#    > 最后的 LayerNorm 把它恢复到固定的尺度，再交给输出矩阵。
# 3. 为什么用层归一化而不是批归一化？想想一批长短不一的句子，以及逐词元解码的情形。
#    > 层归一化的均值和方差取自单个词元的各个特征，所以一个词元的结果不依赖其他词元。
#    > 批归一化则取自批中的所有词元：不加掩码就会把填充也算进去，一个句子的结果会依赖同批的其他句子，
#    > 因果训练时未来的词元还会进入统计量。解码时可能只有一个词元，只能用训练时的滑动均值和方差；
#    > 而文本的统计量在批与批之间变化很大，用起来就不准（Shen 等，2020）。
# 4. ff_dim = 4E 时，一层有多少参数？哪一半更大？
#    > 12E² + 13E：注意力 4E² + 4E，前馈网络 8E² + 5E，两个归一化 4E。E = 768 时是 7,087,872 个。
#    > 前馈网络更大，占三分之二。
# 5. 注意力只是对值做线性混合，那么前馈网络做了哪些注意力做不到的事？
#    > 它对一个位置的特征做非线性变换。权重给定时，注意力的输出只是各词元线性变换后的加权平均：它能搬运信息，
#    > 但不能做到“只有当另外两个特征同时出现时才打开某个特征”。
#    > Geva 等（2021）把前馈网络看成一种记忆：ff1 的行检测模式，ff2 的列决定检测到之后加上什么。
#    > 只有注意力、没有残差和前馈网络的堆叠，秩会随深度迅速下降，所有词元变得几乎一样（Dong 等，2021）。

# %% [markdown] tags=["hint"]
# Write the two orders as four lines, two for each, straight from the table. The mask needs one operation before it reaches the library.

# %% [markdown] tags=["hint"] lang="zh"
# 照着表格把两种顺序写成四行，各两行。掩码在交给库之前还需要做一步处理。

# %% [markdown] tags=["hint"]
# `self.attention(q, k, v, attn_mask=...)` returns a pair: output and weights. In pre-norm, query, key and value are all
# the *normed* x, and the result is added to the x that was *not* normed. `F.gelu` is exact by default.

# %% [markdown] tags=["hint"] lang="zh"
# `self.attention(q, k, v, attn_mask=...)` 返回一对值：输出和权重。前置归一化中，查询、键、值都是*归一化后*的 x，结果加到*未归一化*的 x 上。
# `F.gelu` 默认就是精确形式。

# %% [markdown] tags=["hint"]
# Pre-norm: `n = norm1(x)`, then x becomes x plus the first element of `attention(n, n, n, attn_mask=~mask)` (None stays
# None), then return x plus `ff2(F.gelu(ff1(norm2(x))))`. Post-norm: the norms move outside of the sums.

# %% [markdown] tags=["hint"] lang="zh"
# 前置：`n = norm1(x)`；x 变为 x 加上 `attention(n, n, n, attn_mask=~mask)` 的第一个元素（None 仍为 None）；再返回 x 加上
# `ff2(F.gelu(ff1(norm2(x))))`。后置：把两个归一化移到求和之外。

# %% [markdown] tags=["discussion"]
# **Cost.** With ff_dim = 4E: 4E² + 4E parameters in the attention, 8E² + 5E in the feed-forward network and 4E in the
# norms, 12E² + 13E in all. Two thirds of a block are its feed-forward network.
#
# **Where the norms stand.** Vaswani et al. (2017) and BERT are post-norm; GPT-2 and most language models since are
# pre-norm. In a post-norm stack the gradients near the output are large at initialisation, which is what warm-up is
# for; in pre-norm they are well-behaved from the start (Xiong et al., 2020). The price: the residual stream (the sum
# that runs through the blocks) grows with depth, so that a final norm is needed and late blocks change it little.
#
# **Layer norm, not batch norm.** Advice on improving attention sometimes pairs residual connections with batch
# normalisation. The Transformer uses layer normalisation (Ba et al., 2016): each token by itself, so that nothing
# depends on the other sentences of the batch, on padding, or on running averages.
#
# **In real libraries** the order is an argument: `norm_first` of `nn.TransformerEncoderLayer`, whose default is False,
# post-norm. In `eval()` and without gradients that layer takes a fused fast path where its settings allow one.
#
# **Today.** Language models are nearly all pre-norm, with RMSNorm (Zhang & Sennrich, 2019) in the place of LayerNorm
# and SwiGLU (Shazeer, 2020) in that of GELU, and mostly without biases. Some norm the output of a sublayer before it is
# added: Gemma 2 (2024) in addition to the input, OLMo 2 (2024) in its place, x + norm(f(x)). *QK-norm* (Henry et al.,
# 2020; Dehghani et al., 2023) normalises queries and keys before their product, so that scores cannot grow without
# limit; it is used in OLMo 2, Gemma 3 and Qwen3. Gemma 2 uses *logit soft-capping* for the same purpose:
# c·tanh(score/c) with c = 50 in attention and 30 for the final logits.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** ff_dim = 4E 时：注意力有 4E² + 4E 个参数，前馈网络 8E² + 5E 个，归一化 4E 个，共 12E² + 13E。
# 一层的三分之二是前馈网络。
#
# **归一化放在哪里。** Vaswani 等（2017）和 BERT 是后置归一化；GPT-2 及其后的大多数语言模型是前置归一化。
# 后置归一化的堆叠在初始化时靠近输出处的梯度很大，这正是要预热的原因；前置归一化则从一开始就表现良好（Xiong 等，2020）。
# 代价是：残差流（贯穿各层的那个和）随深度增大，因此最后还需要一个归一化，而且靠后的层对它改变很小。
#
# **用层归一化，不用批归一化。** 有些改进建议把残差连接与批归一化放在一起讲。Transformer 用的是层归一化（Ba 等，2016）：
# 每个词元各自归一化，不依赖批中的其他句子、填充或滑动均值。
#
# **实际的库。** 顺序由参数决定：`nn.TransformerEncoderLayer` 的 `norm_first`，默认是 False，即后置归一化。
# 在 `eval()` 且不求梯度时，只要设置允许，这个层会走融合的快速路径。
#
# **如今。** 语言模型几乎都是前置归一化，并用 RMSNorm（Zhang 与 Sennrich，2019）代替 LayerNorm，
# 用 SwiGLU（Shazeer，2020）代替 GELU，大多去掉了偏置。
# 有些模型在相加之前对子层的输出做归一化：Gemma 2（2024）输入和输出都做，
# OLMo 2（2024）只对输出做，即 x + norm(f(x))。
# *QK-norm*（Henry 等，2020；Dehghani 等，2023）在相乘之前对查询和键做归一化，使得分不会无限增大，
# OLMo 2、Gemma 3 和 Qwen3 都在用。Gemma 2 用 *logit soft-capping*（软截断）达到同样的目的：c·tanh(得分/c)，
# 注意力中 c = 50，最后的 logits 中 c = 30。
