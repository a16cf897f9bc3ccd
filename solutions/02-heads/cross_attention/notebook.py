# %% [markdown]
# > *"A decoder reads what the encoder wrote. Write that layer. The two need not have the same length, nor the same width."*
#
# In cross-attention the queries come from one sequence, the keys and values from another: the *context*. This is how a
# decoder reads the source sentence (Vaswani et al., 2017, section 3.2.3), and how an image model reads the text
# prompt. The output has one row per query, and every row is made of values of the context alone. Most mistakes here
# are of one kind: something is taken from the wrong side.
#
# **Write** the module `CrossAttention(embed_dim, num_heads, context_dim=None)` with `forward(x, context, context_mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim; asks |
# | `context` | `(B, S, C)` | C = context_dim, or embed_dim when that is None; answers |
# | `context_mask` | `(B, S)` | boolean, **True = may be attended to**; for every query and head |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Layers, all with biases: `q_proj` = `nn.Linear(embed_dim, embed_dim)`, `k_proj` and `v_proj` = `nn.Linear(context_dim, embed_dim)`,
#   `out_proj` = `nn.Linear(embed_dim, embed_dim)`. The `state_dict` holds these and nothing else: the grader loads its own numbers by these names.
# - Heads as in multi-head attention: head $i$ takes the features $i\,d$ to $(i+1)\,d - 1$ of each projection, $d$ = embed_dim / num_heads, and
#   the scale is $1/\sqrt d$. `embed_dim` not divisible by `num_heads`: `ValueError`, when the module is built. No dropout.
# - A sequence whose context is hidden altogether gets zero context vectors, so that `out_proj`'s bias comes out for each of its
#   queries; gradients stay finite.
# - The output keeps the dtype (float64, float32, bfloat16) and device of the inputs; a softmax in float32 is fine. Inputs are not
#   changed. Gradients flow to `x`, `context` and every parameter. Scores may be as large as ±10,000. L and S, and E and C, may differ
#   or agree; batch 1, one head, one query and non-contiguous inputs work.
# - Write the attention yourself: `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like may not be used.
#
# **By hand.** embed_dim = context_dim = 1, one head, all weights 1, all biases 0. x = [[1]], context = [[0], [2]]: scores 0 and 2, weights 0.119 and 0.881,
# output 0.881·2 = 1.762. Mask [True, False] hides the 2: output 0. Nothing of x itself is in the output: it only decides on the weights.

# %% [markdown] lang="zh"
# > *“解码器要读编码器写下的内容。请写出这个层。两边的长度不必相同，宽度也不必相同。”*
#
# 交叉注意力的查询来自一个序列，键和值来自另一个序列，即*上下文*（context）。解码器就是这样读取源句的（Vaswani 等，2017，3.2.3 节），
# 图像生成模型也是这样读取文本提示的。每个查询得到一行输出，每行都只由上下文中的值混合而成。
# 这里的错误大多是同一种：从错的一边取了东西。
#
# **请实现**模块 `CrossAttention(embed_dim, num_heads, context_dim=None)`，其前向为 `forward(x, context, context_mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim；提问的一方 |
# | `context` | `(B, S, C)` | C = context_dim，为 None 时等于 embed_dim；作答的一方 |
# | `context_mask` | `(B, S)` | 布尔型，**True = 可以被关注**；对所有查询和头相同 |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 各层都带偏置：`q_proj` = `nn.Linear(embed_dim, embed_dim)`，`k_proj` 和 `v_proj` = `nn.Linear(context_dim, embed_dim)`，
#   `out_proj` = `nn.Linear(embed_dim, embed_dim)`。`state_dict` 中只有这些：评分时会按这些名字载入参数。
# - 分头与多头注意力相同：第 $i$ 个头取每个投影的第 $i\,d$ 到 $(i+1)\,d - 1$ 个特征，$d$ = embed_dim / num_heads，缩放系数为 $1/\sqrt d$。
#   `embed_dim` 不能被 `num_heads` 整除：构造时抛出 `ValueError`。没有 dropout。
# - 上下文全部被屏蔽的序列：上下文向量为零，因此每个查询的输出都是 `out_proj` 的偏置；梯度保持有限。
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备；用 float32 计算 softmax 没有问题。不得修改输入。梯度流向 `x`、`context` 和全部参数。
#   得分可能大到 ±10,000。L 与 S、E 与 C 可以不同，也可以相同；批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 注意力请自己实现：不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** embed_dim = context_dim = 1，单头，权重全为 1，偏置全为 0。x = [[1]]，context = [[0], [2]]：得分 0 和 2，权重 0.119 和 0.881，
# 输出 0.881·2 = 1.762。掩码 [True, False] 屏蔽了 2：输出 0。输出中没有 x 本身的内容：它只决定权重。

# %% tags=["demo"]
# Reading a translation: one row for each word of the decoder (query), one column for each of the source (key). Made-up weights.
from grader import heatmap

heatmap(
    [[0.8, 0.1, 0.05, 0.05], [0.1, 0.1, 0.7, 0.1], [0.05, 0.85, 0.05, 0.05]],
    rows=["the", "black", "cat"],
    columns=["le", "chat", "noir", "."],
    title="L = 3 queries, S = 4 keys",
)

# %% tags=["given"]
import torch
from torch import nn


# %% tags=["solution"]
class CrossAttention(nn.Module):
    """Queries from x, keys and values from a context of another length and width; num_heads heads.

    context_dim: the width of the context, embed_dim when None.
    Raises ValueError if num_heads does not divide embed_dim.
    """

    def __init__(self, embed_dim, num_heads, context_dim=None):
        ### BEGIN SOLUTION
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        context_dim = embed_dim if context_dim is None else context_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)
        ### END SOLUTION

    def forward(self, x, context, context_mask=None):
        """x (B, L, embed_dim); context (B, S, context_dim); context_mask (B, S), True = may be attended to.

        Returns (B, L, embed_dim).
        """
        ### BEGIN SOLUTION
        def split(features):
            return features.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

        q = split(self.q_proj(x))
        k = split(self.k_proj(context))
        v = split(self.v_proj(context))
        scores = q @ k.transpose(-2, -1) * self.head_dim ** -0.5
        if context_mask is not None:
            mask = context_mask[:, None, None, :]
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if context_mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("cross_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("cross_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(CrossAttention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. In a decoder, why does cross-attention need no causal mask, though self-attention does?
#    > Because a causal mask hides what is not known yet when a token is generated, and the context is known as a whole
#    > before the first token. In training the decoder gets the right output as its input, so self-attention could look
#    > up the very word it has to predict; the source sentence does not contain that word. Hiding parts of the source
#    > would only take information away. The padding of the context does have to be hidden.
# 2. What of this layer can be computed once and kept while a translation is generated token by token?
#    > The keys and values of the context, k_proj(context) and v_proj(context): they depend on the source alone. They
#    > are 2·S·E numbers per layer and do not grow with the output. The query, the weights and the output are new in
#    > every step, because they depend on the new token. So each step saves the 2·S·E² multiply-adds of these
#    > projections; what remains is 2·E² for q_proj and out_proj, and 2·S·E for scores and weighted sum.
# 3. With L = 1 and a context of image features, what does this layer remind you of?
#    > Of attention pooling: one query makes a single vector out of many, as a weighted average of image regions. It is
#    > the soft attention of image captioning, where the decoder's state asks in every step which part of the image to
#    > look at (Xu et al., 2015, there with an additive score). With a learned query that is the same for all images it
#    > replaces average pooling.
# 4. The padded *queries* of x: does this layer have to know them?
#    > No. Keys and values come from the context alone, so a padded query influences no row but its own. That row is
#    > computed for nothing, and whatever comes out of it has to be left out later: of the loss, of a mean over
#    > positions, and as a key in the next self-attention. Hiding whole query rows here would save no work, and would
#    > make rows without any key, which are NaN in a softmax that is not guarded.
# 5. A text-to-image model attends from 64×64 positions to 77 tokens. Which costs more there, self- or cross-attention?
#    > Self-attention, by far. There are 4,096 positions, so it has 4,096² = 16.8 million pairs in each head, against
#    > 4,096·77 = 315,392 for cross-attention: 53 times as many. With the projections for E = 320 and a text of width
#    > 768 it is 12.4 against 1.08 billion multiply-adds, a factor of 11.5. That is why self-attention is what has to
#    > be made cheaper; SDXL leaves attention out at the highest resolution (Podell et al., 2023).

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 在解码器里，自注意力需要因果掩码，交叉注意力为什么不需要？
#    > 因果掩码屏蔽的是生成某个词元时还不知道的内容，而上下文在生成第一个词元之前就已经完整。
#    > 训练时，解码器的输入就是正确的译文，自注意力可以直接看到要预测的那个词；源句里没有这个词。
#    > 屏蔽源句的一部分只会丢掉信息。不过，上下文中的填充必须屏蔽。
# 2. 逐个词元生成译文时，这个层的哪些结果可以只算一次并保留下来？
#    > 上下文的键和值，即 k_proj(context) 和 v_proj(context)：它们只取决于源句。
#    > 每层共 2·S·E 个数，不随输出变长而增长。
#    > 查询、权重和输出每一步都要重新计算，因为它们取决于新的词元。
#    > 因此每一步省去这两个投影的 2·S·E² 次乘加，只剩 q_proj 和 out_proj 的 2·E² 次，以及得分与加权求和的 2·S·E 次。
# 3. L = 1、上下文是图像特征时，这个层让你想到什么？
#    > 注意力池化：一个查询把许多向量变成一个，即图像各区域的加权平均。
#    > 这就是图像描述中的软注意力：解码器的状态在每一步询问该看图像的哪一部分（Xu 等，2015，用的是加性得分）。
#    > 如果查询是可学习的、对所有图像都相同，它就可以代替平均池化。
# 4. x 中填充位置上的*查询*，这个层需要知道吗？
#    > 不需要。键和值只来自上下文，填充位置的查询除了自己那一行，不影响任何一行。
#    > 那一行是白算的，它的结果之后必须排除：不计入损失，不计入各位置的平均，在下一个自注意力中也不能作为键。
#    > 在这里屏蔽整行查询并不省计算，反而会产生没有任何键的行，softmax 若没有处理就会得到 NaN。
# 5. 文生图模型用 64×64 个位置去关注 77 个词元。自注意力和交叉注意力，哪个更贵？
#    > 自注意力贵得多。共 4,096 个位置，自注意力每个头有 4,096² ≈ 1,680 万对，交叉注意力只有 4,096·77 = 315,392 对，相差 53 倍。
#    > 若 E = 320、文本宽度 768，连投影一起算，是 124 亿对 10.8 亿次乘加，相差 11.5 倍。
#    > 所以要降低成本，首先要优化自注意力；SDXL 在最高分辨率上干脆不用注意力（Podell 等，2023）。

# %% [markdown] tags=["hint"]
# Multi-head attention with two inputs. Ask of every line: does it belong to the one who asks (x) or to the one who answers (context)?

# %% [markdown] tags=["hint"] lang="zh"
# 就是有两个输入的多头注意力。每写一行都问一句：它属于提问的一方（x），还是作答的一方（context）？

# %% [markdown] tags=["hint"]
# Only `q_proj` sees x. Lengths come from the tensor at hand, L for queries and S for keys and values, never one for both; and only `k_proj` and
# `v_proj` have the input size `context_dim`. The mask is about keys, the last axis of the scores `(B, H, L, S)`.

# %% [markdown] tags=["hint"] lang="zh"
# 只有 `q_proj` 作用于 x。长度取自手头的张量：查询用 L，键和值用 S，不能共用一个；只有 `k_proj` 和 `v_proj` 的输入维度是 `context_dim`。
# 掩码针对的是键，即得分 `(B, H, L, S)` 的最后一个维度。

# %% [markdown] tags=["hint"]
# `q` is `(B, H, L, d)`, `k` and `v` are `(B, H, S, d)`. Fill the scores with −∞ where `~context_mask[:, None, None, :]`, softmax over the last axis, rows without any
# key to 0, `@ v`, then transpose, merge, `out_proj`.

# %% [markdown] tags=["hint"] lang="zh"
# `q` 为 `(B, H, L, d)`，`k` 和 `v` 为 `(B, H, S, d)`。在 `~context_mask[:, None, None, :]` 处把得分填成 −∞，沿最后一维做 softmax，没有可看的键的行置 0，
# `@ v`，再转置、合并、过 `out_proj`。

# %% [markdown] tags=["discussion"]
# **Cost.** Scores and weighted sum 2·L·S·E multiply-adds: linear in L for a context of fixed length. While decoding,
# keys and values of the context are computed once for the whole output, not once for every token.
#
# **Traps.** With L = S and equal widths every mix-up of x and context runs: try other sizes first. A mask `(B, S)`
# handed to the scores as it is meets their last two axes, (L, S), and takes sequences for queries: for B = L nothing
# is raised, for L = 1 the output silently gets B rows instead of one, and only for B = 1 is it right.
# `[:, None, :, None]` hides queries instead of keys. No causal mask is needed: the context is complete before the
# first token is generated. A published answer joins the features of query, key and value and takes a softmax over
# them: the result has no axis for the context's positions, so nothing is attended to.
#
# **In real libraries** `nn.MultiheadAttention` has `kdim` and `vdim` for a context of another width. Latent diffusion
# models read their prompt in just this way (Rombach et al., 2022, section 3.3).
#
# **Today.** Cross-attention is a common bridge between two kinds of data: Whisper's decoder reads audio with it
# (Radford et al., 2022), and Flamingo (Alayrac et al., 2022) adds it to a frozen language model, with a gate that
# starts at zero. A small set of learned queries that reads a long context is called a resampler (Flamingo) or Q-Former
# (BLIP-2, Li et al., 2023). The alternative is to put both into one sequence and use self-attention: LLaVA (Liu et
# al., 2023) puts image features among the words, and Stable Diffusion 3 (Esser et al., 2024) joins text and image in
# one attention.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 得分与加权求和共 2·L·S·E 次乘加：上下文长度固定时，与 L 成线性关系。
# 解码时，上下文的键和值对整个输出只需计算一次，而不是每个词元一次。
#
# **陷阱。** L = S 且宽度相同时，x 和 context 怎么弄混都不会报错：先用不同的大小试。
# 把 `(B, S)` 的掩码原样用于得分，会对上最后两维 (L, S)，把序列当成查询：B = L 时不会报错，L = 1 时输出会悄悄变成 B 行而不是一行，只有 B = 1 时才是对的。
# `[:, None, :, None]` 屏蔽的是查询而不是键。不需要因果掩码：在生成第一个词元之前，上下文已经完整。
# 网上流传的一份答案把查询、键、值的特征拼接起来做 softmax：结果里没有对应上下文位置的维度，也就什么都没有关注。
#
# **实际的库。** `nn.MultiheadAttention` 用 `kdim` 和 `vdim` 支持不同宽度的上下文。
# 潜在扩散模型正是这样读取提示词的（Rombach 等，2022，3.3 节）。
#
# **如今。** 交叉注意力是连接两种数据的一种常用方式：
# Whisper 的解码器用它读取音频（Radford 等，2022）；
# Flamingo（Alayrac 等，2022）把它加进冻结的语言模型，并配有一个初值为零的门控。
# 用少量可学习的查询去读很长的上下文，在 Flamingo 中叫 resampler，在 BLIP-2（Li 等，2023）中叫 Q-Former。
# 另一种做法是把两者放进同一个序列，只用自注意力：
# LLaVA（Liu 等，2023）把图像特征放在词元之间，Stable Diffusion 3（Esser 等，2024）让文本和图像共用一个注意力。
