# %% [markdown]
# > *"Now several heads at once. Write the whole module, with masks and dropout, so that I could train with it."*
#
# One attention gives one set of weights per query: it can look at one thing, or at a mixture of several. Multi-head attention
# (Vaswani et al., 2017, section 3.2.2) runs $h$ attentions side by side, each on its own slice of the features,
#
# $$\operatorname{head}_i = \operatorname{Attention}(Q_i, K_i, V_i), \qquad \text{output} = \operatorname{Concat}(\operatorname{head}_1, \dots, \operatorname{head}_h)\,W^O$$
#
# where $Q_i$ is the $i$-th slice of $QW^Q$, and so on. It takes no more multiply-adds than one head of full width;
# only the weights take $h$ times the memory. The hard part is to keep track of the axes: which one the heads are cut
# from, and which one they are put back on.
#
# **Write** the module `MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)` with
# `forward(query, key, value, mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`, `value` | `(B, S, E)` | S may differ from L; key and value may be different tensors |
# | `mask` | `(L, S)`, `(B, L, S)` or `(B, 1, S)` | boolean, **True = may attend**; the same for every head |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Four `nn.Linear(embed_dim, embed_dim)`: `q_proj`, `k_proj`, `v_proj`, `out_proj`, all with or all without `bias`.
#   The `state_dict` holds these and nothing else: the grader loads its own numbers by these names.
# - Head $i$ takes the features $i\,d$ to $(i+1)\,d - 1$ of each projection, where $d$ = embed_dim / num_heads is the size of
#   a head, and puts its result at the same place. The scale is $1/\sqrt d$.
# - `embed_dim` not divisible by `num_heads`: `ValueError`, when the module is built.
# - A mask with two axes is always `(L, S)`, whatever B, L and the number of heads are.
# - A query that may attend to nothing gets a zero context vector from every head, so that what comes out for it is
#   `out_proj`'s bias; gradients stay finite.
# - `dropout` is the probability of dropping an entry of the **weights**, after the softmax, in training mode only. It is
#   *inverted*: what is kept is divided by 1 − p, and in `eval()` nothing happens. Every entry of every head is drawn
#   separately, and rows are not normalised again. `nn.Dropout` does just that, and may be used.
# - Outputs keep the inputs' dtype (float64, float32, bfloat16) and device; a softmax in float32 is fine. Inputs are not
#   changed. Gradients flow to the three inputs and to every parameter. Scores may be as large as ±10,000. Batch 1, one head,
#   one query and non-contiguous inputs work.
# - Write the attention yourself: `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like may not be used.
#
# **By hand.** embed_dim = 4, two heads, all projections the identity. Query [2, 0, 0, 3]; keys, and values, [1, 0, 0, 0] and
# [0, 0, 0, 1]. Head 0 sees [2, 0] against [1, 0] and [0, 0]: scores 2 and 0, times 1/√2 they are 1.414 and 0, weights 0.804 and 0.196.
# Head 1 sees [0, 3] against [0, 0] and [0, 1]: 0 and 2.121, weights 0.107 and 0.893. Together: [0.804, 0, 0, 0.893].
# A single head has the scores 2 and 3, scaled 1 and 1.5, and the weights 0.378 and 0.622: it can only give a mixture of the two.

# %% [markdown] lang="zh"
# > *“现在要多个头同时工作。请写出完整的模块，带掩码和 dropout，要能直接拿来训练。”*
#
# 单个注意力对每个查询只给出一组权重：要么盯住一处，要么把几处混在一起。多头注意力（Vaswani 等，2017，3.2.2 节）让 $h$ 个注意力并行，
# 各自处理特征的一段，
#
# $$\operatorname{head}_i = \operatorname{Attention}(Q_i, K_i, V_i), \qquad \text{output} = \operatorname{Concat}(\operatorname{head}_1, \dots, \operatorname{head}_h)\,W^O$$
#
# 其中 $Q_i$ 是 $QW^Q$ 的第 $i$ 段，其余类推。乘加次数并不比一个全宽的头更多，只是权重占用的显存是 $h$ 倍。
# 难点在于维度的处理：头从哪个维度切出来，又拼回哪个维度。
#
# **请实现**模块 `MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)`，其前向为 `forward(query, key, value, mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`、`value` | `(B, S, E)` | S 可以与 L 不同；key 和 value 可以是不同的张量 |
# | `mask` | `(L, S)`、`(B, L, S)` 或 `(B, 1, S)` | 布尔型，**True = 可以关注**；各头共用 |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 四个 `nn.Linear(embed_dim, embed_dim)`：`q_proj`、`k_proj`、`v_proj`、`out_proj`，`bias` 同时决定四者有无偏置。
#   `state_dict` 中只有这些：评分时会按这些名字载入参数。
# - 第 $i$ 个头取每个投影的第 $i\,d$ 到 $(i+1)\,d - 1$ 个特征，$d$ = embed_dim / num_heads 为每个头的维度，结果放回同样的位置。缩放系数是 $1/\sqrt d$。
# - `embed_dim` 不能被 `num_heads` 整除：构造时抛出 `ValueError`。
# - 二维掩码一律是 `(L, S)`，与 B、L、头数取何值无关。
# - 不能关注任何键的查询：每个头的上下文向量都为零，因此它的输出就是 `out_proj` 的偏置；梯度保持有限。
# - `dropout` 是 softmax 之后**权重**的每个元素被丢弃的概率，只在训练模式下起作用。采用 inverted dropout：保留下来的除以 1 − p，`eval()` 时什么都不做。
#   每个头的每个元素独立抽样，丢弃后不再归一化。`nn.Dropout` 正是如此，可以使用。
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备；用 float32 计算 softmax 没有问题。不得修改输入。梯度流向三个输入和全部参数。
#   得分可能大到 ±10,000。批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 注意力请自己实现：不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** embed_dim = 4，两个头，所有投影都是恒等映射。查询 [2, 0, 0, 3]；键和值都是 [1, 0, 0, 0] 与 [0, 0, 0, 1]。
# 头 0 用 [2, 0] 对 [1, 0] 和 [0, 0]：得分 2 和 0，乘以 1/√2 得 1.414 和 0，权重 0.804 和 0.196。
# 头 1 用 [0, 3] 对 [0, 0] 和 [0, 1]：0 和 2.121，权重 0.107 和 0.893。拼起来：[0.804, 0, 0, 0.893]。
# 若只有一个头，得分是 2 和 3，缩放后 1 和 1.5，权重 0.378 和 0.622：只能得到两者的混合。

# %% tags=["demo"]
# Three tokens of four features, numbered 0 to 11: the first row is token 0. What does head 0 of two hold?
import torch

tokens = torch.arange(12).view(3, 4)
print("cut the features, then swap axes:", tokens.view(3, 2, 2).transpose(0, 1)[0].tolist(), "two features of every token")
print("one view to (heads, L, d):       ", tokens.view(2, 3, 2)[0].tolist(), "tokens torn apart")

# %% tags=["demo"]
# What heads are for. Position i is to name two tokens: the one before it, and the one three before it. A single head
# has one set of weights and must divide it between the two; of two heads, each learns one task. Rows 0 to 2 are
# not asked. (The heads stand on an axis of their own from the start here: no features are cut.)
from grader import heatmap
from torch import nn


def trained(heads):
    """The weights of each head (heads, 8, 8), averaged over texts, and the share of right answers, after 150 steps."""
    torch.manual_seed(0)
    words, places, head = nn.Embedding(10, 16), nn.Embedding(8, 16), nn.Linear(16, 20)
    q, k, v = (nn.Parameter(torch.randn(heads, 16, 16 // heads) / 4) for _ in range(3))
    optimizer = torch.optim.Adam([q, k, v, *nn.ModuleList([words, places, head]).parameters()], lr=0.02)
    for _ in range(150):
        texts = torch.randint(10, (32, 8))
        x = (words(texts) + places(torch.arange(8))).unsqueeze(1)
        scores = (x @ q) @ (x @ k).mT / (16 / heads) ** 0.5
        weights = torch.softmax(scores.masked_fill(torch.ones(8, 8).triu(1) > 0, float("-inf")), dim=-1)
        answers = head((weights @ (x @ v)).transpose(1, 2).flatten(2))[:, 3:].unflatten(-1, (2, 10))
        right = torch.stack([texts[:, 2:-1], texts[:, :-3]], dim=-1)
        loss = nn.functional.cross_entropy(answers.flatten(0, 2), right.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.mean(dim=0), (answers.argmax(dim=-1) == right).float().mean().item()


threads = torch.get_num_threads()
torch.set_num_threads(1)  # tensors as small as these are faster in one thread
(alone, alone_right), (two, two_right) = trained(1), trained(2)
torch.set_num_threads(threads)
(
    heatmap(alone[0], title=f"one head: {alone_right:.0%} right")
    + heatmap(two[0], title=f"two heads: {two_right:.0%} right")
    + heatmap(two[1], title="the second of the two")
)

# %% tags=["given"]
import torch
from torch import nn


# %% tags=["solution"]
class MultiHeadAttention(nn.Module):
    """Attention in num_heads heads of embed_dim / num_heads features each, between q_proj, k_proj, v_proj and out_proj.

    dropout: probability of dropping a weight in training. bias: of all four projections.
    Raises ValueError if num_heads does not divide embed_dim.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        ### BEGIN SOLUTION
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
        ### END SOLUTION

    def forward(self, query, key, value, mask=None):
        """query (B, L, E), key and value (B, S, E); mask (L, S), (B, L, S) or (B, 1, S), True = may attend.

        Returns (B, L, E).
        """
        ### BEGIN SOLUTION
        def split(x):
            return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

        q = split(self.q_proj(query))
        k = split(self.k_proj(key))
        v = split(self.v_proj(value))
        scores = q @ k.transpose(-2, -1) * self.head_dim ** -0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.unsqueeze(1)
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        context = self.dropout(weights) @ v
        return self.out_proj(context.transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("multi_head_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("multi_head_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(MultiHeadAttention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. How many parameters are there, and how does that depend on the number of heads? And how many multiply-adds?
#    > 4·E² + 4·E with biases, whatever the number of heads is: 1,050,624 for E = 512. The projections take 2·(L +
#    > S)·E² multiply-adds, scores and weighted sum 2·L·S·E: for E = L = S = 512 that is 537 million and 268 million.
#    > Neither depends on H, since H heads of E/H features make E again. What grows with H are the weights: H·L·S
#    > numbers, and as many exponentials in the softmax.
# 2. A `(B, L, S)` mask broadcast against `(B, H, L, S)` scores: for which batch sizes is the error silent?
#    > Without an axis for the heads it is read as `(1, B, L, S)`, so its batch axis meets the heads. For B = H nothing
#    > is raised, and head h uses the mask of sequence h in every sequence: this is the dangerous case. For B = 1 it is
#    > even right. With one head the masked scores become `(B, B, L, S)`, and only `out_proj` fails. All other sizes
#    > fail at once. `mask.unsqueeze(1)` is the cure, and B ≠ H in the test.
# 3. What would be lost without `out_proj`? Could it be folded into something else?
#    > Head i could only write to its own d features of the output; `out_proj` lets every head write to all E. Write it
#    > as H blocks of d rows: the output is the sum of head_i · W_i, so each head has its own output matrix. It can be
#    > folded into the values, W^V_i · W_i, but that is an E×E matrix per head: H·E² numbers instead of 2·E², and E
#    > numbers per head and token to cache instead of d. So it is kept.
# 4. Why is `k_proj`'s bias useless? (What does a number added to a whole row of scores do to its softmax?)
#    > With the bias b a score becomes q·k + q·b, and q·b is the same for all keys of that query. The softmax does not
#    > change when one number is added to a whole row, so b has no effect, and its gradient is zero up to rounding.
#    > `q_proj`'s bias is not useless: b·k differs from key to key. Whisper's code gives the keys no bias. With rotary
#    > encoding the argument fails, because b is rotated by the position of its key.
# 5. After training, many heads can be removed at little cost (Michel et al., 2019). Why train them then?
#    > Because nobody knows beforehand which ones will be needed. Voita et al. (2019) removed 38 of 48 encoder heads of
#    > a translation model and lost 0.15 BLEU; the heads that were left had clear roles, such as looking at a neighbour
#    > or following the syntax. Heads cost no parameters, and a plausible reason for training many is that each starts
#    > at random, so that some start well. Not all can go: Michel et al. found that the attention from decoder to
#    > encoder needs its heads most.
# 6. At decoding time the keys and values of every head are cached. How do multi-query and grouped-query attention
#    shrink that?
#    > The queries keep their H heads, but keys and values have fewer: one for all (multi-query, Shazeer, 2019), or one
#    > for each group (grouped-query, Ainslie et al., 2023). With G of them the cache shrinks by the factor H/G. Llama
#    > 2 70B has 80 layers, 64 query heads, 8 key-value heads and d = 128: 2·80·8·128·2 bytes = 320 KiB per token in 16
#    > bits, and with 64 key-value heads it would be 2.5 MiB. With long contexts and large batches, a decoding step
#    > spends much of its time reading that cache.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 一共有多少参数？它与头数有什么关系？乘加次数呢？
#    > 带偏置时是 4·E² + 4·E 个，与头数无关：E = 512 时为 1,050,624 个。
#    > 投影需要 2·(L + S)·E² 次乘加，得分与加权求和 2·L·S·E 次；E = L = S = 512 时分别是 5.37 亿和 2.68 亿次。
#    > 两者都与 H 无关，因为 H 个头各有 E/H 个特征，合起来还是 E。
#    > 随 H 增长的是权重：H·L·S 个数，softmax 中也要算同样多次指数。
# 2. 把 `(B, L, S)` 的掩码直接广播到 `(B, H, L, S)` 的得分上：批大小是多少时不会报错？
#    > 没有补“头”维度时，它被当作 `(1, B, L, S)`，批维度对上了头维度。
#    > B = H 时不会报错，但无论哪个序列，第 h 个头用的都是第 h 个序列的掩码，这是最危险的情况；B = 1 时结果反而是对的。
#    > 只有一个头时，屏蔽后的得分会变成 `(B, B, L, S)`，到 `out_proj` 才报错；其他大小当场报错。
#    > 解决办法是 `mask.unsqueeze(1)`，测试时取 B ≠ H。
# 3. 没有 `out_proj` 会损失什么？它能并入别的矩阵吗？
#    > 第 i 个头就只能写到输出中属于自己的 d 个特征；有了 `out_proj`，每个头都能写到全部 E 个特征。
#    > 把它按行切成 H 块，每块 d 行：输出就是 head_i · W_i 之和，相当于每个头有自己的输出矩阵。
#    > 它可以并入值的投影，即 W^V_i · W_i，但这样每个头都是一个 E×E 的矩阵：
#    > 参数从 2·E² 变成 H·E²，每个头每个词元要缓存的数也从 d 变成 E。所以还是分开保留。
# 4. 为什么 `k_proj` 的偏置没有用？（给一整行得分加上同一个数，softmax 会怎样？）
#    > 加上偏置 b 后，得分变成 q·k + q·b，而 q·b 对这个查询的所有键都相同。
#    > 一整行加上同一个数，softmax 不变，所以 b 不起作用，它的梯度除舍入误差外为零。
#    > `q_proj` 的偏置则有用：b·k 因键而异。Whisper 就只去掉了键的偏置。
#    > 使用旋转位置编码（RoPE）时这个结论不成立，因为 b 会按键的位置旋转。
# 5. 训练好之后，许多头可以去掉而损失很小（Michel 等，2019）。那为什么还要训练它们？
#    > 因为事先不知道哪些头会用得上。
#    > Voita 等（2019）去掉了一个翻译模型编码器 48 个头中的 38 个，只损失 0.15 BLEU；
#    > 留下的头分工明确，例如看相邻的词，或者跟踪句法关系。
#    > 头不增加参数；一个合理的解释是，每个头从随机的起点出发，头多了总有一些起点好。
#    > 但不是所有的头都能去掉：Michel 等发现，解码器对编码器的注意力最依赖多头。
# 6. 解码时要缓存每个头的键和值。多查询注意力（MQA）和分组查询注意力（GQA）如何缩小这个缓存？
#    > 查询仍有 H 个头，键和值的头则更少：所有头共用一个（MQA，Shazeer，2019），或每组共用一个（GQA，Ainslie 等，2023）。
#    > 键值头为 G 个时，缓存缩小到原来的 G/H。
#    > Llama 2 70B 有 80 层、64 个查询头、8 个键值头，d = 128：
#    > 16 位精度下每个词元占 2·80·8·128·2 字节 = 320 KiB；若有 64 个键值头，则是 2.5 MiB。
#    > 上下文长、批量大时，解码的每一步有很多时间花在读这个缓存上。

# %% [markdown] tags=["hint"]
# A head is a slice of the *features*. Get the head axis next to the batch axis, and attention over the last two axes is
# what you wrote before, unchanged.

# %% [markdown] tags=["hint"] lang="zh"
# 一个头就是*特征*的一段。把“头”这个维度挪到批维度旁边，剩下的就是你之前写过的、作用于最后两个维度的注意力，一字不改。

# %% [markdown] tags=["hint"]
# `(B, L, E)` → `(B, L, H, d)` → `(B, H, L, d)`: the first step is a `view`, the second a `transpose`, and afterwards both are
# undone in the opposite order. A mask with a batch axis needs an axis for the heads, a mask without one does not.

# %% [markdown] tags=["hint"] lang="zh"
# `(B, L, E)` → `(B, L, H, d)` → `(B, H, L, d)`：第一步是 `view`，第二步是 `transpose`，最后按相反的顺序还原。
# 带批维度的掩码需要补一个“头”维度，不带批维度的则不用。

# %% [markdown] tags=["hint"]
# Scores `q @ k.transpose(-2, -1) / d ** 0.5` are `(B, H, L, S)`. A 3-D mask becomes `mask.unsqueeze(1)`; fill with −∞ where it is
# False, softmax over the last axis, rows that see nothing to 0, then dropout, then `@ v`. Back: `transpose(1, 2)`, and
# `reshape(B, L, E)` before `out_proj`.

# %% [markdown] tags=["hint"] lang="zh"
# 得分 `q @ k.transpose(-2, -1) / d ** 0.5` 的形状是 `(B, H, L, S)`。三维掩码先 `mask.unsqueeze(1)`；在 False 处填 −∞，沿最后一维做 softmax，
# 什么都看不到的行置 0，然后 dropout，再 `@ v`。还原：`transpose(1, 2)`，`reshape(B, L, E)`，最后过 `out_proj`。

# %% [markdown] tags=["discussion"]
# **Cost.** 4·E² + 4·E parameters for any number of heads. The projections take 2·(L + S)·E² multiply-adds, scores and
# weighted sum 2·L·S·E, again for any number of heads; only the weights, H·L·S numbers, grow with it.
#
# **Traps.** `view(B, H, L, d)` has the right shape and the wrong content: it cuts the memory in H pieces along the
# tokens. Without the `transpose`, `(B, L, H, d)` attends over the heads of one token; both run without an error. A
# common published answer to this question multiplies `(B, L, H, d)` by its transpose on axes 1 and 2, which fails or
# mixes heads, and leaves out the scale and the output projection; another joins the projections of q, k and v and
# takes a softmax over the *features*. Others build the attention, dropout included, anew in `forward`: such a module
# is always in training mode, whatever `eval()` says.
#
# **Dropout on the weights.** Rows no longer sum to 1; only their expectation does. The paper (section 5.4) speaks of
# dropout in two other places only: on the output of each sub-layer, and on the sums of embeddings and positions.
# Dropout on the weights comes from the authors' code, tensor2tensor, where `attention_dropout` is a setting of its own
# (0.0 in `transformer_base_v1`, 0.1 in `transformer_base_v2`). `nn.MultiheadAttention(dropout=…)` means the weights
# too; in training the weights that it returns are those after dropout.
#
# **In real libraries** `nn.MultiheadAttention` keeps the three input projections in one matrix, `in_proj_weight` (3E,
# E), unless `kdim` or `vdim` differ from E. Its boolean masks mean the opposite (True = hidden). A row that is hidden
# altogether is NaN there with `need_weights=True`, the default; with `need_weights=False` it is `out_proj`'s bias, but
# NaN again in `eval()` without gradients, where self-attention takes another code path (tried with PyTorch 2.13 on a
# CPU, `batch_first=True`).
#
# **Today.** New language models mostly have fewer key-value heads than query heads: grouped-query attention (Ainslie
# et al., 2023) in Llama 2 70B, Llama 3 and Mistral 7B, or multi-head latent attention (DeepSeek-V2, 2024), which
# caches one short vector per token and makes keys and values of it. The head size is mostly 64 to 128. Dropout on the
# weights was usual in GPT (Radford et al., 2018) and BERT; models that see their data about once are often trained
# without dropout (PaLM, Chowdhery et al., 2022).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 参数 4·E² + 4·E 个，与头数无关。投影需 2·(L + S)·E² 次乘加，得分与加权求和 2·L·S·E 次，同样与头数无关；
# 只有权重（H·L·S 个数）随头数增长。
#
# **陷阱。** `view(B, H, L, d)` 形状正确而内容错误：它沿词元方向把内存切成 H 段。
# 少了 `transpose`，`(B, L, H, d)` 就是在同一个词元的各头之间做注意力；两者都不会报错。
# 网上常见的一份答案把 `(B, L, H, d)` 与其第 1、2 维的转置相乘，结果要么报错、要么把头混在一起，还漏掉了缩放和输出投影；
# 另一份把 q、k、v 的投影拼接后沿*特征*做 softmax。
# 还有的在 `forward` 里临时新建注意力（连同 dropout）：这样的模块永远处于训练模式，`eval()` 管不到它。
#
# **权重上的 dropout。** 各行之和不再为 1，只有期望为 1。
# 论文（5.4 节）只提到另外两处 dropout：每个子层的输出，以及词嵌入与位置编码之和。
# 权重上的 dropout 来自作者的代码 tensor2tensor，其中 `attention_dropout` 是单独的设置
# （`transformer_base_v1` 中为 0.0，`transformer_base_v2` 中为 0.1）。
# `nn.MultiheadAttention(dropout=…)` 指的也是权重；训练时它返回的权重是 dropout 之后的。
#
# **实际的库。** `nn.MultiheadAttention` 把三个输入投影存放在一个矩阵 `in_proj_weight`（3E, E）中，
# 除非 `kdim` 或 `vdim` 与 E 不同；那里布尔掩码的含义相反（True = 屏蔽）。
# 整行被屏蔽时，默认的 `need_weights=True` 会得到 NaN；`need_weights=False` 得到的是 `out_proj` 的偏置，
# 但在 `eval()` 且不求梯度时，自注意力走另一条代码路径，又得到 NaN（PyTorch 2.13，CPU，`batch_first=True` 实测）。
#
# **如今。** 新的语言模型的键值头大多少于查询头：
# Llama 2 70B、Llama 3、Mistral 7B 用分组查询注意力（GQA，Ainslie 等，2023）；
# DeepSeek-V2（2024）的多头潜在注意力（MLA）每个词元只缓存一个短向量，再由它得到键和值。
# 每个头的维度大多为 64 到 128。
# GPT（Radford 等，2018）和 BERT 在权重上使用 dropout；
# 而数据大约只过一遍的大模型，训练时往往不用 dropout（PaLM，Chowdhery 等，2022）。
