# %% [markdown]
# > *"Self-attention and cross-attention: what changes, and what stays the same? Where in a translation model is
# > which?"*
#
# The formula is the same in both, softmax(QKᵀ/√d)V, and so is the code. What changes is where Q on the one hand, K and
# V on the other, come from. From that follow the shape of the weights, which masks make sense, and what can be cached.
#
# **First, in words**, in the cell below (8 to 12 lines): define both, say what follows for the shape of the weights
# and for masks, and name where an encoder–decoder Transformer has each. Then two functions that hold the facts.
#
# **Write** `score_shape(batch, heads, query_len, context_len) -> tuple`: the shape of the scores (and weights), as a
# tuple of four ints in the course's layout. `context_len` is the number of keys.
#
# **Write** `attention_kind(query_source, key_source, causal=False) -> str`. Sources are names (strings); equal names
# mean the same sequence. Names are compared as they are, upper and lower case included.
#
# | sources | `causal` | answer |
# |---|---|---|
# | equal | False | `"self"` |
# | equal | True | `"causal-self"` |
# | different | False | `"cross"` |
# | different | True | `ValueError` |
#
# The last row: "key j is not later than query i" has no meaning between positions of two different sequences. A
# translation does not run word by word parallel to its source.
#
# **By hand.** Translating 7 words, with 5 written so far, 8 heads, batch 2: the decoder's self-attention has scores
# (2, 8, 5, 5), its cross-attention (2, 8, 5, 7), the encoder's self-attention (2, 8, 7, 7).

# %% [markdown] lang="zh"
# > *“自注意力与交叉注意力：什么变了，什么没变？翻译模型中哪里用哪一种？”*
#
# 两者的公式相同，都是 softmax(QKᵀ/√d)V，代码也相同。变的是来源：Q 从哪里来，K 和 V 又从哪里来。
# 由此决定了权重的形状、哪些掩码有意义、什么可以缓存。
#
# **先用文字回答**（写在下面的单元里，8 到 12 行）：给出两者的定义，说明由此得到的权重形状和掩码，
# 并指出编码器–解码器 Transformer 中哪里用哪一种。然后用两个函数写下这些事实。
#
# **请实现** `score_shape(batch, heads, query_len, context_len) -> tuple`：打分（以及权重）的形状，按本课程的布局，
# 四个整数的元组。
# `context_len` 是键的个数。
#
# **请实现** `attention_kind(query_source, key_source, causal=False) -> str`。来源是名字（字符串）；
# 名字相等就是同一个序列。
# 名字按原样比较，区分大小写。
#
# | 来源 | `causal` | 答案 |
# |---|---|---|
# | 相同 | False | `"self"` |
# | 相同 | True | `"causal-self"` |
# | 不同 | False | `"cross"` |
# | 不同 | True | `ValueError` |
#
# 最后一行：在两个不同序列的位置之间，“键 j 不晚于查询 i”没有意义。译文并不与原文逐词同步。
#
# **手算一例。** 翻译 7 个词，已写出 5 个，8 个头，批大小 2：解码器的自注意力打分为 (2, 8, 5, 5)，
# 交叉注意力为 (2, 8, 5, 7)，编码器的自注意力为 (2, 8, 7, 7)。

# %% [markdown] tags=["answer"]
# **Self-attention**: queries, keys and values are projections of one and the same sequence, so every position gathers
# from its own sequence, itself included. The scores are square, L×L.
#
# **Cross-attention**: queries are projected from one sequence (the one being computed, of length L), keys *and*
# values from another (the context, of length S). Each query gets a summary of the context; the output has the length
# of the queries. The scores are L×S, and the two sequences may have different sizes of vectors as well, since each
# has its own projection.
#
# **What stays the same**: the scale, the softmax over the keys, heads, the output projection. It is not another
# operation.
#
# **Masks.** Self-attention in a decoder is causal: position i may not see what comes later. In cross-attention there
# is no earlier and later between the two sequences; only the context's padding is masked, on the keys.
#
# **Where.** The encoder has self-attention over the source; the decoder has causal self-attention over the target, then
# cross-attention with queries from the decoder and keys and values from the encoder's output. Captioning, speech
# recognition and text-to-image models use cross-attention the same way. A GPT has none: its prompt is part of the one
# sequence.
#
# **Cost.** L² against L·S. In decoding, the context's keys and values are computed once and reused in every step; the
# self-attention cache grows by one position a step.

# %% [markdown] tags=["answer", "discussion"] lang="zh"
# **自注意力**：查询、键、值是同一个序列的投影，每个位置从自己所在的序列（包括自己）收集信息。打分是 L×L 的方阵。
#
# **交叉注意力**：查询由一个序列投影而来（正在计算的序列，长度 L），键*和*值由另一个序列投影而来（上下文，长度 S）。
# 每个查询得到上下文的一个摘要；输出的长度等于查询的长度。打分是 L×S；两个序列的向量维度也可以不同，因为各有自己的投影。
#
# **不变的**：缩放、沿键的 softmax、多头、输出投影。它不是另一种运算。
#
# **掩码。** 解码器中的自注意力是因果的：位置 i 不能看到后面的内容。交叉注意力的两个序列之间没有先后，
# 只需屏蔽上下文的填充，作用在键上。
#
# **用在哪里。** 编码器对源句做自注意力；解码器先对目标句做因果自注意力，再做交叉注意力，查询来自解码器，
# 键和值来自编码器的输出。
# 图像描述、语音识别、文生图模型也这样使用交叉注意力。GPT 没有交叉注意力：提示词就在同一个序列里。
#
# **代价。** L² 与 L·S。解码时，上下文的键和值只算一次，每一步重复使用；自注意力的缓存则每步增加一个位置。

# %% [markdown] tags=["rubric"]
# - Defines self-attention: queries, keys and values from one sequence.
# - Defines cross-attention: queries from one sequence, keys *and* values from another.
# - Says what follows for shapes: L×L against L×S, the output having the queries' length.
# - Says which masks make sense: causal in a decoder's self-attention; in cross-attention the context's padding only.
# - Places both in an encoder–decoder model (or another right use), and says that the operation itself is the same.

# %% [markdown] tags=["rubric"] lang="zh"
# - 给出自注意力的定义：查询、键、值来自同一个序列。
# - 给出交叉注意力的定义：查询来自一个序列，键*和*值来自另一个序列。
# - 说明形状：L×L 与 L×S，输出长度等于查询的长度。
# - 说明哪些掩码有意义：解码器自注意力用因果掩码；交叉注意力只屏蔽上下文的填充。
# - 指出两者在编码器–解码器模型中的位置（或其他正确的用法），并说明运算本身相同。

# %% tags=["demo"]
# The three attentions of a translation model, 5 words written of a translation of 7: which may attend to which (dark).
import torch
from grader import heatmap

heatmap(torch.ones(5, 5, dtype=torch.bool).tril(), title="decoder, causal-self")

# %% tags=["demo"]
heatmap(torch.ones(5, 7, dtype=torch.bool), title="decoder to encoder, cross")

# %% tags=["solution"]
def score_shape(batch, heads, query_len, context_len):
    """The shape of the scores, as a tuple of four ints."""
    ### BEGIN SOLUTION
    return batch, heads, query_len, context_len
    ### END SOLUTION


# %% tags=["solution"]
def attention_kind(query_source, key_source, causal=False):
    """ "self", "causal-self" or "cross", by the names of the sources. Causal cross-attention raises ValueError."""
    ### BEGIN SOLUTION
    if query_source == key_source:
        return "causal-self" if causal else "self"
    if causal:
        raise ValueError("positions of two sequences have no common order")
    return "cross"
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("self_vs_cross")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("self_vs_cross")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(score_shape, attention_kind)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Keys from the context and values from the decoder: would the shapes even fit? What would the output mean?
# 2. A decoder-only model translates too. Where is its "cross-attention"?
# 3. What can be cached in each of the three attentions while decoding, and how does it grow?
# 4. Perceiver uses cross-attention from a few learned queries to a very long input. What does that do to the cost?
# 5. In self-attention a position usually may see itself. What if it may not?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 键来自上下文而值来自解码器：形状对得上吗？输出会是什么含义？
# 2. 只有解码器的模型也能翻译。它的“交叉注意力”在哪里？
# 3. 解码时，三种注意力各有什么可以缓存？缓存如何增长？
# 4. Perceiver 用少量可学习的查询对很长的输入做交叉注意力。代价会怎样变化？
# 5. 自注意力中，一个位置通常可以看到自己。如果不允许呢？

# %% [markdown] tags=["hint"]
# One score for every query and key, in every head, for every sequence of the batch. And the kind: ask first whether the
# sources are the same.

# %% [markdown] tags=["hint"] lang="zh"
# 批中每个序列、每个头，每一对查询和键都有一个打分。至于种类：先问两个来源是否相同。

# %% [markdown] tags=["hint"]
# Rows are queries, columns are keys; batch and heads lead. Compare names with `==`, not with `is`: two equal strings
# need not be one object. `causal` splits the case of equal names in two, and is an error in the other.

# %% [markdown] tags=["hint"] lang="zh"
# 行是查询，列是键；批和头在最前面。名字用 `==` 比较，不要用 `is`：两个相等的字符串不一定是同一个对象。
# 名字相同时 `causal` 再分两种情况；名字不同时它是错误。

# %% [markdown] tags=["hint"]
# `(batch, heads, query_len, context_len)`. Equal names: "causal-self" if causal, else "self". Different names:
# ValueError if causal, else "cross".

# %% [markdown] tags=["hint"] lang="zh"
# `(batch, heads, query_len, context_len)`。名字相同：causal 为真则 "causal-self"，否则 "self"。名字不同：
# causal 为真则抛出
# ValueError，否则 "cross"。

# %% [markdown] tags=["discussion"]
# **One module for both.** `nn.MultiheadAttention` and most libraries have a single module with three arguments: `(x,
# x, x)` is self-attention, `(x, memory, memory)` is cross-attention. The names live in the call, not in the layer.
#
# **Traps.** Swapping query and context still runs when L = S, and with residual connections it even trains. Padding
# of the context has to be masked on the key axis; masking the queries' padding only saves work, since nobody reads
# those rows.
#
# **Causal cross-attention** exists where the two sequences do share a clock (streaming speech translation, aligned
# audio and video). Then somebody has to say how the clocks map; a triangular mask by index is not it.

# %% [markdown] tags=["discussion"] lang="zh"
# **一个模块，两种用法。** `nn.MultiheadAttention` 和多数库只有一个模块、三个参数：`(x, x, x)` 是自注意力，
# `(x, memory, memory)` 是交叉注意力。
# 名字取决于怎么调用，而不在层里。
#
# **陷阱。** L = S 时把查询和上下文弄反仍能运行，有残差连接时甚至能训练。上下文的填充要在键的维度上屏蔽；
# 屏蔽查询的填充只是节省计算，因为没人读那些行。
#
# **因果的交叉注意力**存在于两个序列共用时钟的场合（流式语音翻译、对齐的音频与视频）。那时必须说明时钟如何对应，
# 按下标画一个三角形掩码是不对的。
