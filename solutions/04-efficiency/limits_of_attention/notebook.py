# %% [markdown]
# > *"What is attention good at, and where does it hurt? Give me numbers, please."*
#
# Two sentences are heard often: "attention is computationally efficient" and "attention reduces computation, because
# it leaves out what is unimportant". Neither is true as it stands. Soft attention computes a score for *every* pair
# before it knows which matter. What it does is parallelise well, and connect any two positions in one step. The price
# is quadratic in length.
#
# **First, in words**, in the cell below (10 to 15 lines): three strengths and three limits, each with its reason, and
# for the limits a remedy. When it is written, `self_review("limits_of_attention")` shows a model answer, and what yours
# should hold. Then the arithmetic.
#
# **Write** three functions that return Python ints.
#
# | function | |
# |---|---|
# | `attention_flops(batch, heads, query_len, key_len, head_dim)` | the two matrix products, QKᵀ and weights · V |
# | `score_bytes(batch, heads, query_len, key_len, dtype)` | the memory of the scores, `dtype` a `torch.dtype` |
# | `max_length(memory_bytes, batch, heads, dtype)` | the longest L = S whose scores fit into the memory |
#
# - A multiply-add counts as 2 operations. Softmax, scale and projections are not counted. Count all query_len · key_len
#   pairs: there is no causal mask.
# - `head_dim` is the size of one head; values have the same size as keys.
# - Scores that fill the memory exactly fit. If not even length 1 fits, the answer is 0. Memory is at most a few hundred
#   gigabytes, so that a square root in double precision is exact enough; `dtype` is float64, float32, bfloat16 or
#   float16.
#
# **By hand.** One sequence, 1 head of size 4, 3 queries, 5 keys: each product has 3·5·4 = 60 multiply-adds, so 2·2·60
# = 240 operations. The 15 scores take 60 bytes in float32 and 30 in bfloat16. In 100 bytes of float32 there is room
# for 25 scores: length 5. At 32,768 tokens and 32 heads in bfloat16, the scores of one sequence take 64 GiB.

# %% [markdown] lang="zh"
# > *“注意力擅长什么，又在哪里吃力？请给出数字。”*
#
# 常听到两句话：“注意力计算效率高”，以及“注意力忽略不重要的内容，因此减少了计算”。照字面说都不对。
# 软注意力要先为*每一对*位置算出得分，才知道哪些重要。它真正的长处是并行性好，并且任意两个位置一步可达。
# 代价是：开销与长度的平方成正比。
#
# **先用文字回答**（写在下面的单元里，10 到 15 行）：三个优势和三个局限，各说明原因，并为每个局限给出一种对策。
# 写完之后，`self_review("limits_of_attention")` 会给出参考答案和应当包含的要点。然后做计算。
#
# **请实现**三个函数，都返回 Python 整数。
#
# | 函数 | |
# |---|---|
# | `attention_flops(batch, heads, query_len, key_len, head_dim)` | 两次矩阵乘法：QKᵀ 和 权重 · V |
# | `score_bytes(batch, heads, query_len, key_len, dtype)` | 得分占用的显存，`dtype` 是 `torch.dtype` |
# | `max_length(memory_bytes, batch, heads, dtype)` | 得分能放进显存的最大长度 L = S |
#
# - 一次乘加算 2 次运算。不计 softmax、缩放和投影。query_len · key_len 个位置对全部计入：没有因果掩码。
# - `head_dim` 是单个头的维度；值与键的维度相同。
# - 恰好占满显存也算放得下。如果长度 1 都放不下，答案是 0。显存最多几百 GB，用双精度开平方已足够精确；
#   `dtype` 是 float64、float32、bfloat16 或 float16。
#
# **手算一例。** 1 个序列、1 个大小为 4 的头、3 个查询、5 个键：每次乘法有 3·5·4 = 60 次乘加，共 2·2·60 = 240 次运算。
# 15 个得分在 float32 中占 60 字节，在 bfloat16 中占 30 字节。100 字节能放 25 个 float32 得分：长度为 5。
# 32,768 个词元、32 个头、bfloat16 时，一个序列的得分就要 64 GiB。

# %% [markdown] tags=["answer"]
# **Strengths.**
#
# 1. *Short paths*: any two positions are connected in one layer, whatever their distance; an RNN needs as many steps as
#    they are apart, and its gradient has to survive all of them.
# 2. *Parallelism*: no position waits for another in training, and the work is two large matrix products, which
#    accelerators do well. That is efficiency per second on the right machine, not a small number of operations.
# 3. *Content decides*: which positions are mixed depends on the input, where a convolution's weights are fixed after
#    training. It works on sets, sequences, images and pairs of them (cross-attention), of any length.
#
# **Limits.**
#
# 1. *Quadratic cost*: 4·L²·d operations per head and L² scores; doubling the length makes both four times as large.
#    Remedies: tiling, which never stores the scores (FlashAttention: memory linear, operations still quadratic); local
#    or sparse patterns; linear attention; shorter sequences (patches, pooling).
# 2. *Decoding*: a cache of keys and values that grows with every token and is read for each new one, so that memory
#    bandwidth limits. Remedies: fewer key-value heads (GQA, MQA), quantised or latent caches, sliding windows.
# 3. *No order, and a weak inductive bias*: without positions it is a function of sets, and without locality built in it
#    needs more data than a CNN to learn what neighbours are. Remedies: position encodings, pre-training, hybrids with
#    convolutions.
# 4. *Weights are not by themselves an explanation*: a large weight says what was mixed in one layer, not what decided
#    the output (Jain and Wallace, 2019; in reply Wiegreffe and Pinter, 2019). Remedy: test it, by changing the input.
#    Softmax also has to put its weight somewhere, even if no key fits (attention sinks, Xiao et al., 2023).
#
# Claims to be careful with: attention does not by itself reduce computation, and it neither prevents nor causes
# overfitting by its mechanism.

# %% [markdown] tags=["answer"] lang="zh"
# **优势。**
#
# 1. *路径短*：任意两个位置在一层内相连，与距离无关；RNN 要走的步数等于距离，梯度也要一步步传回。
# 2. *并行*：训练时没有位置需要等待别的位置，工作量集中在两次大的矩阵乘法上，正是加速器擅长的。
#    这是在合适机器上的单位时间效率，不是运算次数少。
# 3. *由内容决定*：混合哪些位置取决于输入，而卷积的权重训练后就固定了。
#    适用于任意长度的集合、序列、图像以及它们之间的配对（交叉注意力）。
#
# **局限。**
#
# 1. *平方级开销*：每个头 4·L²·d 次运算和 L² 个得分；长度加倍，两者都变成四倍。
#    对策：分块计算、不存得分（FlashAttention：显存线性，运算仍是平方）；局部或稀疏模式；线性注意力；
#    缩短序列（图块、池化）。
# 2. *解码*：键值缓存随每个词元增长，每生成一个词元都要读一遍，受显存带宽限制。
#    对策：减少键值头（GQA、MQA），量化或低秩的缓存，滑动窗口。
# 3. *没有顺序，归纳偏置弱*：不加位置就只是集合上的函数；没有内置局部性，要比 CNN 更多的数据才能学会“相邻”。
#    对策：位置编码、预训练、与卷积混合。
# 4. *权重本身不是解释*：权重大只说明这一层混合了什么，不说明是什么决定了输出；
#    见 Jain 和 Wallace（2019），以及 Wiegreffe 和 Pinter（2019）的回应。对策：改动输入来检验。
#    softmax 还必须把权重放到某处，即使没有合适的键（attention sink，Xiao 等，2023）。
#
# 需要谨慎的说法：注意力本身并不减少计算；它的机制本身既不防止也不导致过拟合。

# %% [markdown] tags=["rubric"]
# - Strength: any two positions are connected in one step (long-range dependencies), with a comparison or a reason.
# - Strength: parallel over positions in training; does not confuse this with a small number of operations.
# - Strength: weights depend on the content, or flexible in length and kind of input, with a reason.
# - Limit: computation and memory quadratic in length, with the numbers or the reason (a score for every pair).
# - Limit: a further one with its reason (key-value cache in decoding, no order by itself, need for data, weights
#   alone are no explanation).
# - Remedies that fit the limits named, saying what each saves (for instance: FlashAttention saves memory, not
#   operations).

# %% [markdown] tags=["rubric"] lang="zh"
# - 优势：任意两个位置一步相连（长距离依赖），并有比较或理由。
# - 优势：训练时各位置可并行；没有把它与运算次数少混为一谈。
# - 优势：权重由内容决定，或对长度和输入类型灵活，并说明理由。
# - 局限：运算量和显存与长度的平方成正比，给出数字或理由（每一对都有得分）。
# - 局限：再举一个并说明理由（解码时的键值缓存、本身没有顺序、需要大量数据、权重本身不是解释）。
# - 对策与所说的局限对应，并说明各节省什么（例如 FlashAttention 节省显存，不减少运算）。

# %% tags=["demo"]
# Memory of the scores of one sequence with 32 heads in bfloat16, against its length.
for length in (1024, 4096, 16384, 65536, 262144):
    print(f"{length:7,} tokens: {32 * length**2 * 2 / 2**30:10,.2f} GiB")

# %% tags=["given"]
import math

import torch

# %% tags=["solution"]
def attention_flops(batch, heads, query_len, key_len, head_dim):
    """Operations of the two matrix products of attention, a multiply-add being two, as an int."""
    ### BEGIN SOLUTION
    return 2 * 2 * batch * heads * query_len * key_len * head_dim
    ### END SOLUTION


# %% tags=["solution"]
def score_bytes(batch, heads, query_len, key_len, dtype):
    """Bytes that the scores take in a torch.dtype, as an int."""
    ### BEGIN SOLUTION
    return batch * heads * query_len * key_len * dtype.itemsize
    ### END SOLUTION


# %% tags=["solution"]
def max_length(memory_bytes, batch, heads, dtype):
    """The longest L = S whose scores fit into memory_bytes, as an int."""
    ### BEGIN SOLUTION
    return math.isqrt(memory_bytes // score_bytes(batch, heads, 1, 1, dtype))
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("limits_of_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("limits_of_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint, self_review

check(attention_flops, score_bytes, max_length)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. At which length do the two products over L × L cost more operations than the four projections of a layer with
#    embed_dim 4096?
#    > Beyond L = 2E = 8,192 tokens. The four projections take 4 · 2·L·E² = 8·L·E² operations, QKᵀ and weights · V
#    > together 4·L²·E; they are equal at L = 2E. Against the whole layer, with a feed-forward network of width 4E, it
#    > is 24·L·E² and L = 6E = 24,576. So at a few thousand tokens most of the work is not attention.
# 2. FlashAttention does as many operations, or more, and is faster. Why?
#    > Because plain attention spends its time on moving the L × S matrix to GPU memory and back, not on arithmetic.
#    > FlashAttention computes it tile by tile in the fast memory of the chip and never stores it. Dao et al. (2022)
#    > report for GPT-2 medium's attention on an A100, forward and backward: 75.2 GFLOPs in place of 66.6, but 4.4 GB of
#    > traffic in place of 40.3, and 7.3 ms in place of 41.7.
# 3. One decoding step at position 100,000: how many operations, how many bytes read? Which of the two is the limit?
#    > The bytes. Take one layer with 32 heads of 128 in bfloat16: the new query needs 4 · 32 · 100,000 · 128 = 1.64 ·
#    > 10⁹ operations, and it reads keys and values of 2 · 32 · 100,000 · 128 · 2 bytes = 1.64 · 10⁹ bytes. That is one
#    > operation per byte. An H100 (SXM) can do about 295 in the time of one byte (989 · 10¹² bfloat16 operations and
#    > 3.35 · 10¹² bytes per second). A larger batch does not help, since every sequence has its own cache; sharing keys
#    > and values among query heads does (GQA: with 8 key-value heads a quarter of the bytes).
# 4. Windows of 4,096 in every layer, 32 layers: how far back can information travel?
#    > At most 32 · 4,096 = 131,072 positions, if a window reaches 4,096 positions back, because every layer hands on
#    > what it has collected to the next. This is a limit in theory (Jiang et al., 2023, give about 131k for Mistral
#    > 7B). What comes from far away was mixed once in each layer and is hard to get back exactly.
# 5. Does a causal mask halve the cost? In which implementation?
#    > Only where hidden blocks are skipped. A query sees (L + 1)/2 keys on average, so a kernel that leaves out the
#    > blocks above the diagonal does about half of the work: FlashAttention does, when it is told that the mask is
#    > causal (`is_causal=True` in PyTorch). An implementation that computes all L × L scores and then fills half of
#    > them with −∞ saves nothing, neither time nor memory. Nor does a kernel that is handed the causal mask as an
#    > ordinary tensor, since it cannot know what is in it.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. embed_dim 为 4096 的一层，长度到多少时，L × L 的两次矩阵乘法的运算量会超过四个投影？
#    > 超过 L = 2E = 8,192 个词元时。四个投影需要 4 · 2·L·E² = 8·L·E² 次运算，QKᵀ 与 权重 · V 合计 4·L²·E 次；L = 2E 时相等。
#    > 如果与整层相比（前馈网络宽 4E），则是 24·L·E² 次，L = 6E = 24,576。所以长度只有几千时，大部分运算并不在注意力上。
# 2. FlashAttention 的运算次数相同甚至更多，却更快。为什么？
#    > 因为普通注意力的时间花在 L × S 矩阵与显存之间的读写上，而不是运算上。
#    > FlashAttention 在片上的快速存储里逐块计算，从不保存这个矩阵。
#    > Dao 等（2022）在 A100 上测 GPT-2 medium 的注意力（前向加反向）：运算量 75.2 GFLOPs，普通实现为 66.6；
#    > 但显存读写为 4.4 GB 对 40.3 GB，时间为 7.3 ms 对 41.7 ms。
# 3. 在位置 100,000 解码一步：多少次运算，读多少字节？瓶颈是哪一个？
#    > 瓶颈是读取的字节数。以一层、32 个 128 维的头、bfloat16 为例：
#    > 新查询需要 4 · 32 · 100,000 · 128 = 1.64 · 10⁹ 次运算，
#    > 要读的键和值有 2 · 32 · 100,000 · 128 · 2 字节 = 1.64 · 10⁹ 字节，即每读一个字节只做一次运算。
#    > 而 H100（SXM）每秒可做 989 · 10¹² 次 bfloat16 运算，读 3.35 · 10¹² 字节，
#    > 即读一个字节的时间大约可以做 295 次运算。
#    > 增大批也没有用，因为每个序列都有自己的缓存；让多个查询头共享键和值才有用（GQA：8 个键值头时只读四分之一）。
# 4. 每层窗口 4,096，共 32 层：信息最远能传多远？
#    > 如果窗口能往回看 4,096 个位置，最多是 32 · 4,096 = 131,072 个位置，因为每一层都把收集到的信息传给下一层。
#    > 这只是理论上限（Jiang 等，2023 对 Mistral 7B 给出约 131k）。
#    > 远处的信息每过一层就被混合一次，很难原样取回。
# 5. 因果掩码能让计算量减半吗？在哪种实现里？
#    > 只有真正跳过被屏蔽的块时才能。每个查询平均只看到 (L + 1)/2 个键，所以跳过对角线以上各块的算子大约只做一半的工作：
#    > 告诉它掩码是因果的（PyTorch 里用 `is_causal=True`），FlashAttention 就会这样做。
#    > 如果先算出全部 L × L 个得分，再把一半填成 −∞，时间和显存都没有省。
#    > 把因果掩码当作普通张量传给算子也一样，因为算子不知道里面是什么。

# %% [markdown] tags=["hint"]
# For the operations ask: how many numbers has the result of each product, and how many multiply-adds does one of them
# take? For the memory: how many scores are there, and how large is one?

# %% [markdown] tags=["hint"] lang="zh"
# 运算次数：每次乘法的结果有多少个数，每个数需要多少次乘加？显存：一共有多少个得分，每个多大？

# %% [markdown] tags=["hint"]
# QKᵀ has L·S entries of d multiply-adds; weights · V has L·d entries of S: the same number. A torch.dtype knows its
# `itemsize`. For the length, turn bytes = batch · heads · L² · itemsize around.

# %% [markdown] tags=["hint"] lang="zh"
# QKᵀ 有 L·S 个元素，每个 d 次乘加；权重 · V 有 L·d 个元素，每个 S 次：总数相同。torch.dtype 有 `itemsize` 属性。
# 求长度时，把 字节数 = batch · heads · L² · itemsize 反过来解。

# %% [markdown] tags=["hint"]
# `4 * batch * heads * L * S * d`; `batch * heads * L * S * dtype.itemsize`;
# `math.isqrt(memory_bytes // (batch * heads * dtype.itemsize))`. Rounded down, not to the nearest.

# %% [markdown] tags=["hint"] lang="zh"
# `4 * batch * heads * L * S * d`；`batch * heads * L * S * dtype.itemsize`；
# `math.isqrt(memory_bytes // (batch * heads * dtype.itemsize))`。向下取整，不是四舍五入。

# %% [markdown] tags=["discussion"]
# **Reading the numbers.** With E = heads · head_dim, a layer's projections take 8·L·E² operations and its attention
# 4·L²·E: they are equal at L = 2E. Below that, the quadratic part is the smaller one.
#
# **Memory is the harder limit.** Operations only take time; scores that do not fit end the run. FlashAttention (Dao et
# al., 2022) keeps a tile of them in fast memory, recomputes them in the backward pass, and so needs memory linear in L.
# `max_length` is the limit of the textbook implementation.
#
# **A trap in the arithmetic.** `int(math.sqrt(n))` is right below 2⁵², and wrong now and then above (first at 2⁵² +
# 2²⁷); `math.isqrt` is exact for any int.
#
# **Are weights an explanation?** Jain and Wallace (2019) found, for text classifiers with attention over an RNN, that
# very different weights can give the same output, and that weights agree little with gradient-based measures of
# importance. Wiegreffe and Pinter (2019) answered that it depends on what one calls an explanation, and gave tests. The
# careful statement: weights show what one layer mixed; what the output depends on has to be tested, for instance by
# changing the input.
#
# **Today.** With fused kernels the scores are no longer stored, and the limits are the operations on very long inputs
# and, in generation, the key-value cache. The cache is made smaller by sharing keys and values among heads (GQA,
# Ainslie et al., 2023), by storing one low-rank vector in their place (MLA, DeepSeek-V2, 2024), or by windows in most
# layers (Gemma 3, 2025: five local layers for each global one). The operations are cut by learned sparse attention
# (NSA, Yuan et al., 2025; DeepSeek-V3.2, 2025) or by linear attention in most of the layers (MiniMax-01, 2025; Kimi
# Linear, 2025). The weak *inductive bias* is met with more data, as with the Vision Transformer (Dosovitskiy et al.,
# 2021).

# %% [markdown] tags=["discussion"] lang="zh"
# **解读数字。** 设 E = heads · head_dim，一层的投影需要 8·L·E² 次运算，注意力需要 4·L²·E 次：L = 2E 时相等。
# 序列更短时，平方的那部分反而是较小的一项。
#
# **显存是更硬的限制。** 运算多只是费时间，得分放不下则无法运行。
# FlashAttention（Dao 等，2022）只在快速存储里保留一小块得分，反向传播时重计算，因此显存与 L 成线性。
# `max_length` 是教科书实现的极限。
#
# **计算中的陷阱。** `int(math.sqrt(n))` 在 2⁵² 以下是对的，再大就偶尔出错（最早出错在 2⁵² + 2²⁷）；
# `math.isqrt` 对任意整数都精确。
#
# **权重是解释吗？** Jain 和 Wallace（2019）在 RNN 加注意力的文本分类器上发现：差别很大的权重可以得到相同的输出，
# 而且权重与基于梯度的重要性指标不大一致。
# Wiegreffe 和 Pinter（2019）回应说，这取决于怎样定义“解释”，并给出了检验方法。
# 稳妥的说法是：权重只说明某一层混合了什么；输出到底取决于什么，要靠检验，例如改动输入看看。
#
# **如今。** 有了融合算子，得分不再需要保存，瓶颈变成了超长输入的运算量，以及生成时的键值缓存。
# 减小缓存的办法：多个头共享键和值（GQA，Ainslie 等，2023），只存一个低秩向量来代替它们（MLA，DeepSeek-V2，2024），
# 或让大多数层只用窗口（Gemma 3，2025：每五个局部层配一个全局层）。
# 减少运算的办法：可学习的稀疏注意力（NSA，Yuan 等，2025；DeepSeek-V3.2，2025），
# 或让大部分层改用线性注意力（MiniMax-01，2025；Kimi Linear，2025）。
# 至于*归纳偏置*（inductive bias）弱，则靠更多的数据来弥补，例如 Vision Transformer（Dosovitskiy 等，2021）。
