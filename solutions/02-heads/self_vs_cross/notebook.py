# %% [markdown]
# > *"Self-attention and cross-attention: what changes, and what stays the same? Where in a translation model is
# > which?"*
#
# The formula is the same in both, softmax(QKᵀ/√d)V, and so is the code. What changes is where Q on the one hand, K and
# V on the other, come from. From that follow the shape of the weights, which masks make sense, and what can be cached.
#
# **First, in words**, in the cell below (8 to 12 lines): define both, say what follows for the shape of the weights
# and for masks, and name where an encoder–decoder Transformer has each. Then two functions that hold the facts.
# When it is written, `self_review("self_vs_cross")` shows a model answer, and what yours should hold.
#
# **Write** `score_shape(batch, heads, query_len, context_len) -> tuple`: the shape of the scores (and weights), as a
# tuple of four ints in the course's layout. `context_len` is the number of keys.
#
# **Write** `attention_kind(query_source, key_source, causal=False) -> str`. Sources are names (strings); equal names
# mean the same sequence. Names are compared exactly: upper and lower case are different.
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
#
# **The same numbers, both ways.** One head of size 1, all projections 1, x = [[1], [2]], context = [[0], [2]].
# Self-attention: token 0 has the scores 1 and 2, the weights 0.269 and 0.731, the output 0.269·1 + 0.731·2 = 1.731.
# Cross-attention: the same query has the scores 0 and 2, the weights 0.119 and 0.881, the output 0.881·2 = 1.762. In
# the first, x is averaged with itself. In the second, nothing of x is in the output: it only decides on the weights.
#
# **Real sizes.** How many pairs of query and key are scored, in one head and for one sequence:
#
# | model | attention | L queries | S keys | pairs |
# |---|---|---|---|---|
# | ViT-B/16, image of 224×224: 14² patches and a class token | self | 197 | 197 | 38,809 |
# | Whisper's decoder, 100 tokens written | causal-self | 100 | 100 | 10,000 |
# | the same, reading 30 seconds of audio | cross | 100 | 1,500 | 150,000 |
# | Stable Diffusion v1, latent image of 64×64 | self | 4,096 | 4,096 | 16,777,216 |
# | the same, reading the prompt | cross | 4,096 | 77 | 315,392 |
# | Perceiver, 512 learned queries, image of 224×224 | cross | 512 | 50,176 | 25,690,112 |

# %% [markdown] lang="zh"
# > *“自注意力与交叉注意力：什么变了，什么没变？翻译模型中哪里用哪一种？”*
#
# 两者的公式相同，都是 softmax(QKᵀ/√d)V，代码也相同。变的是来源：Q 从哪里来，K 和 V 又从哪里来。
# 由此决定了权重的形状、哪些掩码有意义、什么可以缓存。
#
# **先用文字回答**（写在下面的单元里，8 到 12 行）：给出两者的定义，说明由此得到的权重形状和掩码，
# 并指出编码器–解码器 Transformer 中哪里用哪一种。然后用两个函数写下这些事实。
# 写完之后，`self_review("self_vs_cross")` 会给出参考答案和应当包含的要点。
#
# **请实现** `score_shape(batch, heads, query_len, context_len) -> tuple`：得分（以及权重）的形状，
# 按本课程的布局返回四个整数的元组。`context_len` 是键的个数。
#
# **请实现** `attention_kind(query_source, key_source, causal=False) -> str`。来源是名字（字符串）；
# 名字相等就是同一个序列。名字按原样比较，区分大小写。
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
# **手算一例。** 翻译 7 个词，已写出 5 个，8 个头，批大小 2：解码器的自注意力得分为 (2, 8, 5, 5)，
# 交叉注意力为 (2, 8, 5, 7)，编码器的自注意力为 (2, 8, 7, 7)。
#
# **同样的数，两种算法。** 一个大小为 1 的头，投影全为 1，x = [[1], [2]]，context = [[0], [2]]。
# 自注意力：词元 0 的得分为 1 和 2，权重 0.269 和 0.731，输出 0.269·1 + 0.731·2 = 1.731。
# 交叉注意力：同一个查询的得分为 0 和 2，权重 0.119 和 0.881，输出 0.881·2 = 1.762。
# 前者是 x 对自己求平均；后者的输出中没有 x 的内容，x 只决定权重。
#
# **实际的规模。** 一个头、一个序列要计算多少对查询和键：
#
# | 模型 | 注意力 | L 个查询 | S 个键 | 对数 |
# |---|---|---|---|---|
# | ViT-B/16，224×224 的图像：14² 个图块加一个类别词元 | 自注意力 | 197 | 197 | 38,809 |
# | Whisper 的解码器，已写出 100 个词元 | 因果自注意力 | 100 | 100 | 10,000 |
# | 同上，读取 30 秒音频 | 交叉注意力 | 100 | 1,500 | 150,000 |
# | Stable Diffusion v1，64×64 的潜在图像 | 自注意力 | 4,096 | 4,096 | 16,777,216 |
# | 同上，读取提示词 | 交叉注意力 | 4,096 | 77 | 315,392 |
# | Perceiver，512 个可学习的查询，224×224 的图像 | 交叉注意力 | 512 | 50,176 | 25,690,112 |

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
# self-attention cache grows by one position per step.

# %% [markdown] tags=["answer"] lang="zh"
# **自注意力**：查询、键、值是同一个序列的投影，每个位置从自己所在的序列（包括自己）收集信息。得分是 L×L 的方阵。
#
# **交叉注意力**：查询由一个序列投影而来（正在计算的序列，长度 L），键*和*值由另一个序列投影而来（上下文，长度 S）。
# 每个查询得到对上下文的一个汇总；输出的长度等于查询的长度。得分是 L×S；两个序列的向量维度也可以不同，因为各有自己的投影。
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
# **开销。** L² 与 L·S。解码时，上下文的键和值只算一次，每一步重复使用；自注意力的缓存则每步增加一个位置。

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
# A translation model, 5 words written so far, a source of 7 words: which query (row) may attend to which key (filled).
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
from grader import check, hint, self_review

check(score_shape, attention_kind)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Keys from the context and values from the decoder: would the shapes even fit? What would the output mean?
#    > Only if both have the same length: weights (L, S) times values (L, d) needs S = L. And then the output would
#    > mean nothing: the weights say which source word matters, but what is added up are target words that happen to
#    > have the same number. Key and value number j have to belong to the same thing. They may be different vectors of
#    > it: DETR (Carion et al., 2020) adds positions to queries and keys and not to the values.
# 2. A decoder-only model translates too. Where is its "cross-attention"?
#    > Inside its self-attention. Source and target stand in one sequence of S+L tokens, so the scores are
#    > (S+L)×(S+L), and the block in which target tokens ask source tokens, L×S, does the work of cross-attention.
#    > The differences: one set of projections for both, one softmax that source and target share, and source tokens
#    > that see only what is before them, unless a prefix mask lets the prompt see all of itself.
# 3. What can be cached in each of the three attentions while decoding, and how does it grow?
#    > In the encoder nothing has to be kept but its output: it runs once. In the decoder's self-attention keys and
#    > values are kept for every token written, 2·E numbers per layer and token, so this cache grows with each step:
#    > with 6 layers, E = 512 and 16 bits that is 2·6·512·2 bytes = 12 KiB per token. In cross-attention keys and
#    > values of the S source tokens are computed once, and their cache stays as it is.
# 4. Perceiver uses cross-attention from a few learned queries to a very long input. What does that do to the cost?
#    > It makes it linear in the length of the input: N·M pairs instead of M². For an image of 224×224 = 50,176 pixels
#    > and 512 queries these are 25.7 million pairs instead of 2.5 billion, 98 times fewer (Jaegle et al., 2021). The
#    > layers in between are self-attention among the N queries, N² pairs, whatever M is. The price: everything has to
#    > pass through N vectors.
# 5. In self-attention a position usually may see itself. What if it may not?
#    > Then its own content reaches the output only through the residual connection, and under a causal mask the first
#    > position sees nothing at all: its row is 0/0, and needs a rule. It is done where seeing itself would be too
#    > easy: in Reformer (Kitaev et al., 2020), where queries and keys are the same vectors, and in XLNet's query
#    > stream (Yang et al., 2019), which has to predict a word without seeing it.
# 6. Do the padded positions of the *queries* need a mask, as those of the keys do?
#    > No. A padded key changes the output of every query that may see it, so it has to be hidden. A padded query
#    > changes only its own row, and that row is left out of the loss and of any mean. Hiding it saves nothing, because
#    > a dense product computes it all the same, and gives a row that sees nothing, hence NaN in a plain softmax. What
#    > does save work is not to have padding: several sequences packed into one, with a mask that keeps them apart.
# 7. The scores have the shape (2, 8, 7, 7). Is this self-attention?
#    > That cannot be told from the shape. Seven words asking a source that happens to have seven words give the same
#    > shape. Only where q and k come from decides. For the same reason a test with L = S does not notice that x and
#    > the context were exchanged: choose them different.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 键来自上下文而值来自解码器：形状对得上吗？输出会是什么含义？
#    > 只有两者长度相同时才对得上：权重 (L, S) 乘以值 (L, d)，要求 S = L。
#    > 即便如此，输出也没有意义：权重说的是哪个源词重要，加起来的却是序号碰巧相同的目标词。
#    > 第 j 个键和第 j 个值必须属于同一个对象；但可以是它的不同向量：
#    > DETR（Carion 等，2020）把位置编码加到查询和键上，不加到值上。
# 2. 只有解码器的模型也能翻译。它的“交叉注意力”在哪里？
#    > 在自注意力里面。原文和译文排在一个 S + L 长的序列中，得分是 (S + L)×(S + L)；
#    > 其中译文词元查询原文词元的那一块 L×S，起的就是交叉注意力的作用。
#    > 不同之处：两者共用一套投影，原文和译文在同一个 softmax 中竞争，
#    > 原文的词元只能看到自己之前的内容（除非用前缀掩码让提示词内部互相可见）。
# 3. 解码时，三种注意力各有什么可以缓存？缓存如何增长？
#    > 编码器只运行一次，除了输出什么都不用保留。
#    > 解码器的自注意力要保留每个已生成词元的键和值，每层每个词元 2·E 个数，缓存逐步增长：
#    > 6 层、E = 512、16 位精度时，每个词元 2·6·512·2 字节 = 12 KiB。
#    > 交叉注意力中，S 个源词元的键和值只算一次，缓存大小不变。
# 4. Perceiver 用少量可学习的查询对很长的输入做交叉注意力。开销会怎样变化？
#    > 开销与输入长度成线性关系：N·M 对，而不是 M² 对。
#    > 图像有 224×224 = 50,176 个像素、查询有 512 个时，是 2,570 万对而不是 25 亿对，减少到 1/98（Jaegle 等，2021）。
#    > 其间各层是 N 个查询之间的自注意力，只有 N² 对，与 M 无关。
#    > 代价是所有信息都必须经过 N 个向量。
# 5. 自注意力中，一个位置通常可以看到自己。如果不允许呢？
#    > 这时它自己的内容只能经由残差连接到达输出；在因果掩码下，第一个位置什么也看不到，那一行是 0/0，必须另行规定。
#    > 只有当“看到自己”会让任务变得太容易时才这样做：
#    > Reformer（Kitaev 等，2020）中查询和键是同一组向量；
#    > XLNet 的查询流（Yang 等，2019）要在看不到某个词的情况下预测它。
# 6. *查询*的填充位置也需要像键那样屏蔽吗？
#    > 不需要。填充的键会改变每个能看到它的查询的输出，所以必须屏蔽。
#    > 填充的查询只影响自己那一行，而那一行不计入损失，也不计入平均。
#    > 屏蔽它并不省计算，因为稠密的矩阵乘法照样会算；反而会出现什么都看不到的一行，普通的 softmax 会给出 NaN。
#    > 真正省计算的办法是没有填充：把几个序列拼成一个，再用掩码把它们隔开。
# 7. 得分的形状是 (2, 8, 7, 7)。这是自注意力吗？
#    > 从形状看不出来。七个词去查询碰巧也有七个词的原文，形状完全相同。
#    > 只有 q 和 k 的来源才能决定。
#    > 同样的道理，用 L = S 测试时，把 x 和上下文对调也发现不了：两者要取不同的长度。

# %% [markdown] tags=["hint"]
# One score for every query and key, in every head, for every sequence of the batch. And the kind: ask first whether the
# sources are the same.

# %% [markdown] tags=["hint"] lang="zh"
# 批中每个序列、每个头，每一对查询和键都有一个得分。至于种类：先问两个来源是否相同。

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
# `(batch, heads, query_len, context_len)`。名字相同：causal 为真则 "causal-self"，否则 "self"。
# 名字不同：causal 为真则抛出 ValueError，否则 "cross"。

# %% [markdown] tags=["discussion"]
# **One module for both.** `nn.MultiheadAttention` and most libraries have a single module with three arguments:
# `(x, x, x)` is self-attention, `(x, memory, memory)` is cross-attention. The names live in the call, not in the
# layer.
#
# **Traps.** With L = S, exchanging query and context raises no error, and the shapes fit the residual connection as
# well. Padding of the context has to be hidden on the key axis. The padding of the queries needs no mask: those rows
# influence no other row of this layer, and the loss leaves them out. Hiding them saves no work in a dense product; it
# only makes rows that see nothing.
#
# **Causal cross-attention** exists where the two sequences do have a common time axis: in simultaneous translation the decoder
# may read only the words that were spoken so far (wait-k, Ma et al., 2019). Then it has to be
# said which position of one belongs to which of the other; a triangular mask by index is not enough.
#
# **Today.** Most large language models are decoder-only, with self-attention alone; the prompt is the context.
# Encoder–decoder models with cross-attention are T5 (Raffel et al., 2020), BART (Lewis et al., 2020) and Whisper
# (Radford et al., 2022). Between the two stands the *prefix LM*, one sequence whose first part sees all of itself
# (UniLM, Dong et al., 2019; T5's paper compares all three). For images and language both ways are in use:
# cross-attention layers (Flamingo, Alayrac et al., 2022), and image features inside the sequence (LLaVA, Liu et al.,
# 2023).

# %% [markdown] tags=["discussion"] lang="zh"
# **一个模块，两种用法。** `nn.MultiheadAttention` 和多数库只有一个模块、三个参数：
# `(x, x, x)` 是自注意力，`(x, memory, memory)` 是交叉注意力。叫什么取决于怎么调用，与层本身无关。
#
# **陷阱。** L = S 时把查询和上下文弄反不会报错，形状也与残差连接相符。上下文的填充要在键的维度上屏蔽。
# 查询的填充不需要掩码：那些行不影响这一层的其他行，损失也不计入它们。
# 屏蔽它们在稠密的矩阵乘法中并不省计算，只会产生什么都看不到的行。
#
# **因果的交叉注意力**存在于两个序列有共同时间轴的场合：
# 同声传译中，解码器只能读到已经说出的词（wait-k，Ma 等，2019）。
# 这时必须说明两条时间轴上的位置如何对应，只按下标画一个三角形掩码是不够的。
#
# **如今。** 多数大语言模型只有解码器，只用自注意力，提示词就是上下文。
# 带交叉注意力的编码器–解码器模型有 T5（Raffel 等，2020）、BART（Lewis 等，2020）和 Whisper（Radford 等，2022）。
# 介于两者之间的是*前缀语言模型*（prefix LM）：一个序列，前一部分内部互相可见（UniLM，Dong 等，2019；T5 的论文比较了这三种）。
# 图像与语言结合时，两种做法都在用：
# 交叉注意力层（Flamingo，Alayrac 等，2022），或把图像特征放进序列（LLaVA，Liu 等，2023）。
