# %% [markdown]
# > *"You have five minutes and a whiteboard: the Transformer. And how many parameters does the one that you drew have?"*
#
# A short answer names multi-head attention, the feed-forward network and position encoding. A good one also says what holds
# these together, what the masks are for, how the model is trained, and what it costs. The count is the interviewer's way
# of finding out whether you know what is in the boxes.
#
# ```
#   tokens ─► embedding (+ positions) ─► [ layer ] × num_layers ─► LayerNorm ─► output matrix ─► logits
#
#   layer (pre-norm):   x ─┬─► LayerNorm ─► attention ────► + ─┬─► LayerNorm ─► feed-forward ─► + ─►
#                          └───────────────────────────────┘  └───────────────────────────────┘
# ```
#
# **1. In words.** Explain the Transformer (Vaswani et al., 2017) to someone who knows RNNs: what it is made of, how
# encoder and decoder use attention, how it is trained and how it generates, and what it costs.
#
# **2. In code.** `transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True) -> int` counts the parameters of
# a decoder-only Transformer:
#
# - a token embedding, `vocab_size` × E (E = `embed_dim`); no learned positions;
# - in each of `num_layers` layers: the four E × E projections of attention (q, k, v and out), all with biases; a
#   feed-forward pair, E → `ff_dim` → E, both with biases; two LayerNorms, each with a gain and a bias of size E;
# - one more LayerNorm after the last layer;
# - an output matrix E → `vocab_size` without a bias. When `tied`, it *is* the embedding, and counts nothing more.
#
# The result is an `int`, exact. The number of heads plays no part.
#
# **By hand.** vocab_size = 10, E = 4, 2 layers, ff_dim = 8. Embedding 40. In a layer: attention 4·(16 + 4) = 80, feed-forward
# (32 + 8) + (32 + 4) = 76, norms 2·8 = 16, together 172. The last norm 8. In all 40 + 2·172 + 8 = 392; untied 432.

# %% [markdown] lang="zh"
# > *“给你五分钟和一块白板：讲讲 Transformer。另外，你画的这个模型有多少参数？”*
#
# 简短的回答会提到多头注意力、前馈网络和位置编码。好的回答还会说明：是什么把它们连在一起、掩码有什么用、模型怎样训练、开销有多大。
# 让你数参数，是面试官在看你是否真的知道那些方框里装着什么。
#
# ```
#   词元 ─► 嵌入（+ 位置）─► [ 层 ] × num_layers ─► LayerNorm ─► 输出矩阵 ─► logits
#
#   一层（前置归一化）：x ─┬─► LayerNorm ─► 注意力 ─► + ─┬─► LayerNorm ─► 前馈网络 ─► + ─►
#                         └──────────────────────────┘  └────────────────────────────┘
# ```
#
# **1. 文字题。** 向一个了解 RNN 的人解释 Transformer（Vaswani 等，2017）：由什么组成、编码器和解码器各自怎样使用注意力、
# 怎样训练、怎样生成、开销如何。
#
# **2. 编程题。** `transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True) -> int` 计算一个仅解码器（decoder-only）
# Transformer 的参数量：
#
# - 词嵌入，`vocab_size` × E（E = `embed_dim`）；没有可学习的位置嵌入；
# - `num_layers` 层，每层有：注意力的四个 E × E 投影（q、k、v、out），都带偏置；前馈网络的两个线性层 E → `ff_dim` → E，都带偏置；
#   两个 LayerNorm，各有大小为 E 的增益和偏置；
# - 最后一层之后还有一个 LayerNorm；
# - 输出矩阵 E → `vocab_size`，不带偏置。`tied` 为真时它*就是*词嵌入，不再另计。
#
# 结果是精确的 `int`，与头数无关。
#
# **手算一例。** vocab_size = 10，E = 4，2 层，ff_dim = 8。嵌入 40。每层：注意力 4·(16 + 4) = 80，前馈 (32 + 8) + (32 + 4) = 76，
# 归一化 2·8 = 16，合计 172。最后的 LayerNorm 为 8。总计 40 + 2·172 + 8 = 392；不共享时为 432。

# %% tags=["demo"]
# Where the parameters of GPT-2 small are (50,257 tokens, E = 768, 12 layers, ff_dim = 3,072): shares of the whole,
# without its learned positions.
from grader import heatmap

heatmap([[0.312, 0.229, 0.458, 0.0003]], rows=["GPT-2 small"], columns=["emb.", "att.", "feed", "norm"])

# %% [markdown]
# Your answer in words. When it is written, `self_review("transformer_in_brief")` shows a model answer and what it should hold.

# %% [markdown] lang="zh"
# 在下面写下你的文字回答。写完之后，`self_review("transformer_in_brief")` 会给出参考答案和评分要点。

# %% [markdown] tags=["answer"]
# **What it is.** A model for sequences that is made of attention and small networks, without recurrence or convolution. Every
# position looks at every other in one step, and all positions of a layer are computed at once.
#
# **A layer.** Multi-head self-attention moves information *between* positions; a feed-forward network (two linear maps with a
# nonlinearity between them, usually four times as wide inside) works on each position *by itself*. A residual connection goes
# around each of the two, and a LayerNorm stands after the sum (2017, post-norm) or, as in most models today, before
# the sublayer (pre-norm, which trains more stably). The same layer, with weights of its own, is stacked N times.
#
# **Positions.** Attention does not see order: permute the tokens, and the outputs are permuted. So positions are put in:
# sinusoids or learned vectors are added to the embeddings, or relative or rotary positions enter the scores.
#
# **Encoder and decoder.** The original model translates with both. The encoder's self-attention sees the whole source; the decoder's
# is causally masked; and in cross-attention the decoder's queries read the encoder's keys and values. BERT keeps the encoder
# only, GPT the decoder only (without cross-attention), T5 both.
#
# **Training and generation.** With the causal mask, the next token at *every* position is predicted in one parallel pass over the
# known sequence (teacher forcing, cross-entropy). Generation remains sequential, a token at a time; keys and values of
# earlier tokens are cached.
#
# **Cost.** For n tokens of size d a layer takes O(n²·d) operations for attention and O(n·d²) for projections and
# feed-forward. The second dominates until n is several times d. Scores kept for training take O(n²) memory per head,
# unless a fused kernel such as FlashAttention computes them again. "Efficient" means few *sequential* steps, O(1) per
# layer where an RNN needs O(n); it does not mean fewer operations on long inputs.

# %% [markdown] tags=["answer"] lang="zh"
# **是什么。** 一种由注意力和小型网络组成的序列模型，没有循环，也没有卷积。每个位置一步就能看到所有其他位置，同一层的所有位置同时计算。
#
# **一层。** 多头自注意力在位置*之间*传递信息；前馈网络（两个线性变换，中间一个非线性，内部通常是四倍宽）对每个位置*单独*处理。
# 两者外面各有一条残差连接；LayerNorm 放在相加之后（2017 年的后置归一化，post-norm），
# 或像今天多数模型那样放在子层之前（前置归一化，pre-norm，训练更稳定）。
# 同样结构、各有自己参数的层堆叠 N 次。
#
# **位置。** 注意力看不到顺序：打乱词元，输出只是跟着打乱。因此必须加入位置信息：把正弦或可学习的向量加到嵌入上，
# 或在得分中引入相对位置或旋转位置编码。
#
# **编码器与解码器。** 原始模型用两者做翻译。编码器的自注意力能看到整个源句；解码器的自注意力带因果掩码；交叉注意力用解码器的查询去读编码器的键和值。
# BERT 只保留编码器，GPT 只保留解码器（没有交叉注意力），T5 两者都有。
#
# **训练与生成。** 有了因果掩码，对已知序列并行计算一次，就能在*每个*位置上预测下一个词元（teacher forcing，交叉熵损失）。
# 生成仍是逐个词元的串行过程，之前词元的键和值会缓存下来。
#
# **开销。** 序列长 n、维度 d 时，每层注意力需 O(n²·d) 次运算，投影和前馈需 O(n·d²)；n 达到 d 的数倍之前，后者占主导。
# 训练时保存得分，每个头需要 O(n²) 显存，除非用 FlashAttention 这样的融合算子重计算。所谓“高效”指*串行*步数少（每层 O(1)，RNN 需要 O(n)），并不是说长序列上的运算更少。

# %% [markdown] tags=["rubric"]
# - Names the idea: attention in place of recurrence and convolution, so that all positions are computed in parallel.
# - Describes a layer: multi-head self-attention and a position-wise feed-forward network, each with a residual connection and LayerNorm.
# - Says why positions must be added (attention alone is permutation equivariant), and one way of doing so.
# - Tells apart encoder self-attention, causal decoder self-attention, and cross-attention, and who uses which.
# - Explains training (all positions at once, shifted targets, causal mask) as against generation (one token at a time).
# - Gives the cost: quadratic in the length for attention, quadratic in the width for the rest; "efficient" means parallel, not cheap.

# %% [markdown] tags=["rubric"] lang="zh"
# - 点明核心思想：用注意力代替循环和卷积，所有位置可以并行计算。
# - 描述一层的组成：多头自注意力与逐位置的前馈网络，各带残差连接和 LayerNorm。
# - 说明为什么必须加入位置信息（注意力本身是置换等变的），并举出一种做法。
# - 区分编码器自注意力、带因果掩码的解码器自注意力和交叉注意力，并说明分别用在哪里。
# - 说明训练（所有位置同时预测、目标右移、因果掩码）与生成（逐个词元）的区别。
# - 给出开销：注意力对长度是平方级，其余部分对宽度是平方级；“高效”指可并行，而不是运算少。

# %% tags=["solution"]
def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    """Number of parameters of a decoder-only Transformer without learned positions."""
    ### BEGIN SOLUTION
    embedding = vocab_size * embed_dim
    attention = 4 * (embed_dim * embed_dim + embed_dim)
    feed_forward = (embed_dim * ff_dim + ff_dim) + (ff_dim * embed_dim + embed_dim)
    norm = 2 * embed_dim
    layer = attention + feed_forward + 2 * norm
    output = 0 if tied else vocab_size * embed_dim
    return embedding + num_layers * layer + norm + output
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("transformer_in_brief")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("transformer_in_brief")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint, self_review

check(transformer_parameters)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. The rule of thumb for a layer is 12·E² parameters. Where does it come from, and what does it leave out?
#    > Four E × E matrices in attention make 4·E², two E × 4E matrices in the feed-forward network 8·E². It leaves out
#    > biases and norms, 13·E, which is 0.14% of it at E = 768, and everything outside the layers: the embedding, and an
#    > output matrix that is not tied. It also assumes ff_dim = 4E and as many key-value heads as query heads. With
#    > SwiGLU there are three matrices, often of width 8E/3, which is 8·E² again; GQA makes the k and v matrices
#    > smaller.
# 2. GPT-2 small is said to have 124 million parameters. Your function gives fewer: what is missing?
#    > The learned positions: 1,024 · 768 = 786,432. The function gives 123,653,376, and together that is 124,439,808.
#    > The output matrix is tied to the embedding; counted twice it would be 163 million.
# 3. How many multiply-adds per token does a forward pass take, when n is small? Why is it about the number of
#    parameters?
#    > About as many as there are parameters, because each entry of a matrix is multiplied once per token. For GPT-2
#    > small the layers' matrices have 12·12·768² = 84,934,656 entries and the output matrix 38,597,376, together
#    > 123,532,032 multiply-adds. Looking up an embedding costs none, but here the same table is the output matrix. As a
#    > multiply-add is two operations, a forward pass takes about 2N per token and training about 6N (Kaplan et al.,
#    > 2020).
# 4. From which length on does attention cost more than the feed-forward network?
#    > Scores and weighted sum take 2·n·E multiply-adds per token, the feed-forward network 8·E², so they cost more from
#    > n = 4·E on: 3,072 tokens for GPT-2 small. If the four projections count as attention, 4·E² + 2·n·E against 8·E²,
#    > it is n = 2·E = 1,536. A causal kernel that skips the hidden half doubles these lengths.
# 5. Why do large models often leave out biases, and do not tie the output matrix?
#    > Biases bring little, since the norms and the matrices can do most of what they do; PaLM (Chowdhery et al., 2022)
#    > left them out and reported more stable training. Tying saves vocab_size · E parameters: 31% of GPT-2 small, but
#    > in Llama 2 7B, which does not tie, 32,000 · 4,096 = 131 million, 2% of 6.7 billion. Reading tokens and predicting
#    > them are different jobs, so large models spend the 2%. Small models, and the Gemma family, still tie.
# 6. What would happen without the residual connections? Without the feed-forward network?
#    > Without residuals a deep stack hardly trains: gradients must pass through every sublayer, and attention averages
#    > tokens again and again until they are all alike (Dong et al., 2021, show that rank collapses doubly exponentially
#    > with depth). Without the feed-forward network the stack loses two thirds of each layer's parameters and nearly
#    > all of its nonlinearity: for given weights, attention is linear in the values.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 经验法则说每层约 12·E² 个参数。它是怎么来的？漏掉了什么？
#    > 注意力有四个 E × E 矩阵，共 4·E²；前馈网络有两个 E × 4E 矩阵，共 8·E²。
#    > 漏掉的是偏置和归一化，共 13·E（E = 768 时只占 0.14%），以及层之外的一切：嵌入，和不共享时的输出矩阵。
#    > 它还假定 ff_dim = 4E，并且键值头与查询头一样多。
#    > 用 SwiGLU 时有三个矩阵，宽度常取 8E/3，合计又是 8·E²；GQA 则让 k 和 v 的矩阵变小。
# 2. 都说 GPT-2 small 有 1.24 亿个参数，你的函数得到的要少一些：少了什么？
#    > 少了可学习的位置嵌入：1,024 · 768 = 786,432 个。函数给出 123,653,376，合起来是 124,439,808。
#    > 输出矩阵与嵌入共享；如果重复计算，就成了 1.63 亿。
# 3. n 较小时，前向计算每个词元需要多少次乘加？为什么大约等于参数量？
#    > 大约与参数一样多，因为矩阵的每个元素对每个词元乘一次。
#    > GPT-2 small 各层的矩阵共有 12·12·768² = 84,934,656 个元素，输出矩阵有 38,597,376 个，合计 123,532,032 次乘加。
#    > 查嵌入表不需要乘法，但这里同一张表还要当输出矩阵用。
#    > 一次乘加算两次运算，所以每个词元的前向计算约需 2N 次运算，训练约需 6N 次（Kaplan 等，2020）。
# 4. 序列长到多少，注意力的计算量会超过前馈网络？
#    > 算得分与加权求和每个词元需 2·n·E 次乘加，前馈网络需 8·E² 次，所以从 n = 4·E 起前者更贵：GPT-2 small 是 3,072 个词元。
#    > 如果把四个投影也算作注意力，就是 4·E² + 2·n·E 对 8·E²，n = 2·E = 1,536。
#    > 如果因果算子会跳过被屏蔽的一半，这些长度都要加倍。
# 5. 为什么大模型常常去掉偏置，也不共享输出矩阵？
#    > 偏置作用不大，归一化和矩阵能完成它的大部分工作；PaLM（Chowdhery 等，2022）去掉了偏置，并报告训练更稳定。
#    > 共享可以省下 vocab_size · E 个参数：在 GPT-2 small 中占 31%，
#    > 而在不共享的 Llama 2 7B 中是 32,000 · 4,096 = 1.31 亿，只占 67 亿的 2%。
#    > 读入词元和预测词元是两件不同的事，所以大模型愿意多花这 2%。小模型以及 Gemma 系列仍然共享。
# 6. 没有残差连接会怎样？没有前馈网络呢？
#    > 没有残差，深的堆叠很难训练：梯度必须穿过每一个子层，而注意力一次次对词元取平均，直到它们几乎一样；
#    > Dong 等（2021）证明秩随深度以双指数速度塌缩。
#    > 没有前馈网络，每层会失去三分之二的参数和几乎全部的非线性：权重给定时，注意力对值是线性的。

# %% [markdown] tags=["hint"]
# Go through the picture from left to right and write down one number for each box. Which of them are there once, and which
# `num_layers` times?

# %% [markdown] tags=["hint"] lang="zh"
# 沿着图从左到右，给每个方框写下一个数。哪些只有一份，哪些有 `num_layers` 份？

# %% [markdown] tags=["hint"]
# A linear layer from a to b has a·b weights and b biases: b is the size of what comes *out*. A LayerNorm has a gain
# and a bias. There are four projections in attention, not three.

# %% [markdown] tags=["hint"] lang="zh"
# 从 a 到 b 的线性层有 a·b 个权重和 b 个偏置，b 是*输出*的大小。LayerNorm 有增益和偏置。注意力中有四个投影，而不是三个。

# %% [markdown] tags=["hint"]
# A layer: 4·(E·E + E) for attention, (E·F + F) + (F·E + E) for the feed-forward pair, 2·2·E for two norms. Around the layers:
# V·E for the embedding, 2·E for the last norm, and V·E again unless tied.

# %% [markdown] tags=["hint"] lang="zh"
# 一层：注意力 4·(E·E + E)，前馈 (E·F + F) + (F·E + E)，两个 LayerNorm 共 2·2·E。层之外：嵌入 V·E，最后的 LayerNorm 2·E，不共享时再加 V·E。

# %% [markdown] tags=["discussion"]
# **What a common summary says, and what holds.** "Based on self-attention, captures long-range dependencies,
# computationally efficient; multi-head attention, feed-forward network, position encoding" leaves out residual
# connections and LayerNorm, without which deep stacks hardly train, and the masks, without which a decoder would see
# what it is to predict. "Efficient" holds for sequential steps only: attention takes O(n²·d) operations, more than an
# RNN's O(n·d²) once n > d (Vaswani et al., 2017, table 1).
#
# **Numbers.** With F = 4·E a layer has 4·E² + 8·E² = 12·E² weights, two thirds of them in the feed-forward pair. GPT-2
# small gives 123,653,376 here; its 1,024 learned positions add 786,432, which makes 124,439,808. A forward pass
# multiplies every weight but the embedding's table once per token (and the tied output matrix once), hence about as
# many multiply-adds as parameters. Scores and weighted sum take 2·n·E multiply-adds per token, the feed-forward pair
# 8·E²: they are equal at n = 4·E.
#
# **Training against generation.** In training the model always reads the true earlier tokens (teacher forcing), in
# generation its own, mistakes included. This difference is called *exposure bias* (Ranzato et al., 2016).
#
# **Today.** The common form is a decoder only, with RMSNorm before each sublayer, SwiGLU, rotary positions (RoPE),
# fewer key-value heads (GQA) and mostly no biases, as in Llama 3 (Grattafiori et al., 2024); many models add *QK-norm*
# (OLMo 2, 2024; Qwen3, 2025). Many large models replace the feed-forward network by a *mixture of experts*, of which
# each token uses a few. The parameters then no longer tell the cost: DeepSeek-V3 (DeepSeek-AI, 2024) has 671 billion,
# of which 37 billion work on a token.

# %% [markdown] tags=["discussion"] lang="zh"
# **常见的概括怎么说，事实如何。** “基于自注意力，能捕捉长距离依赖，计算效率高；由多头注意力、前馈网络和位置编码组成”，
# 这句话漏掉了残差连接和 LayerNorm（没有它们，深层堆叠很难训练），
# 也漏掉了掩码（没有它，解码器就能看到要预测的内容）。
# “效率高”只对串行步数成立：注意力需要 O(n²·d) 次运算，n > d 时多于 RNN 的 O(n·d²)（Vaswani 等，2017，表 1）。
#
# **数值。** F = 4·E 时每层有 4·E² + 8·E² = 12·E² 个权重，其中三分之二在前馈网络。GPT-2 small 在这里得到 123,653,376；
# 再加上 1,024 个可学习位置的 786,432，就是 124,439,808。
# 前向计算时，除嵌入表以外的每个权重对每个词元乘一次（共享的输出矩阵也乘一次），所以乘加次数约等于参数量。
# 算得分与加权求和每个词元需 2·n·E 次乘加，前馈需 8·E² 次：n = 4·E 时两者相等。
#
# **训练与生成的差别。** 训练时模型读到的总是正确的前文（teacher forcing），生成时读到的是自己的输出，包括其中的错误。
# 这种差别叫作*暴露偏差*（exposure bias，Ranzato 等，2016）。
#
# **如今。** 通行的结构是仅解码器，每个子层之前用 RMSNorm，前馈用 SwiGLU，位置用旋转位置编码（RoPE），键值头较少（GQA），
# 大多没有偏置，例如 Llama 3（Grattafiori 等，2024）；许多模型还加上 *QK-norm*（OLMo 2，2024；Qwen3，2025）。
# 许多大模型把前馈网络换成*混合专家*（mixture of experts），每个词元只用其中几个。
# 这时从参数量就看不出计算量了：DeepSeek-V3（DeepSeek-AI，2024）有 6710 亿个参数，每个词元只用到其中的 370 亿。
