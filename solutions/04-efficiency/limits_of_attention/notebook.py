# %% [markdown]
# > *"What is attention good at, and where does it hurt? Give me numbers, please."*
#
# Two sentences are heard often: "attention is computationally efficient" and "attention reduces computation, because
# it leaves out what is unimportant". Neither is true as it stands. Soft attention computes a score for *every* pair
# before it knows which matter. What it does is parallelise well, and connect any two positions in one step. The price
# is quadratic in length.
#
# **First, in words**, in the cell below (10 to 15 lines): three strengths and three limits, each with its reason, and
# for the limits a remedy. Then the arithmetic.
#
# **Write** three functions that return Python ints.
#
# | function | |
# |---|---|
# | `attention_flops(batch, heads, query_len, key_len, head_dim)` | the two matrix products, QKᵀ and weights · V |
# | `score_bytes(batch, heads, query_len, key_len, dtype)` | the memory of the scores, `dtype` a `torch.dtype` |
# | `max_length(memory_bytes, batch, heads, dtype)` | the longest L = S whose scores fit into the memory |
#
# - A multiply-add counts as 2 operations. Softmax, scale and projections are not counted, nor is a causal half left
#   out.
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
# 软注意力要先为*每一对*位置算出打分，
# 才知道哪些重要。它真正的长处是并行性好，并且任意两个位置一步可达。代价是与长度的平方成正比。
#
# **先用文字回答**（写在下面的单元里，10 到 15 行）：三个优势和三个局限，各说明原因，并为每个局限给出一种对策。
# 然后做计算。
#
# **请实现**三个函数，都返回 Python 整数。
#
# | 函数 | |
# |---|---|
# | `attention_flops(batch, heads, query_len, key_len, head_dim)` | 两次矩阵乘法：QKᵀ 和 权重 · V |
# | `score_bytes(batch, heads, query_len, key_len, dtype)` | 打分占用的内存，`dtype` 是 `torch.dtype` |
# | `max_length(memory_bytes, batch, heads, dtype)` | 打分能放进内存的最大长度 L = S |
#
# - 一次乘加算 2 次运算。不计 softmax、缩放和投影，因果的一半也不扣除。
# - `head_dim` 是单个头的维度；值与键的维度相同。
# - 恰好占满内存算放得下。如果长度 1 都放不下，答案是 0。内存最多几百 GB，双精度的平方根已足够精确；
#   `dtype` 是 float64、float32、bfloat16 或 float16。
#
# **手算一例。** 1 个序列、1 个大小为 4 的头、3 个查询、5 个键：每次乘法有 3·5·4 = 60 次乘加，共 2·2·60 = 240 次运算。
# 15 个打分在 float32 中占 60 字节，在 bfloat16 中占 30 字节。100 字节能放 25 个 float32 打分：长度为 5。
# 32,768 个词元、32 个头、bfloat16 时，一个序列的打分就要 64 GiB。

# %% [markdown] tags=["answer"]
# **Strengths.**
#
# 1. *Short paths*: any two positions are connected in one layer, whatever their distance; an RNN needs as many steps
#    as they are apart, and its gradient has to survive all of them.
# 2. *Parallelism*: no position waits for another in training, and the work is two large matrix products, which
#    accelerators do well. That is efficiency per second on the right machine, not a small number of operations.
# 3. *Content decides*: which positions are mixed depends on the input, where a convolution's weights are fixed after
#    training. It works on sets, sequences, images and pairs of them (cross-attention) of any length.
#
# **Limits.**
#
# 1. *Quadratic cost*: 4·L²·d operations per head and L² scores; doubling the length makes both four times as large.
#    Remedies: tiling, which never stores the scores (FlashAttention: memory linear, operations still quadratic); local
#    or sparse patterns; linear attention; shorter sequences (patches, pooling).
# 2. *Decoding*: a cache of keys and values that grows with every token and is read for each new one, so that memory
#    bandwidth limits. Remedies: fewer key-value heads (GQA, MQA), quantised or latent caches, sliding windows.
# 3. *No order and few assumptions*: without positions it is a function of sets, and without locality built in it needs
#    more data than a CNN to learn what neighbours are. Remedies: position encodings, pre-training, hybrids with
#    convolutions.
# 4. *Weights are no explanation*: a large weight says what was mixed in one layer, not what decided the output (Jain
#    and Wallace, 2019). Softmax also has to put its weight somewhere, even if nothing fits (attention sinks).
#
# Claims to be careful with: attention does not by itself reduce computation, and it neither prevents nor causes
# overfitting by its mechanism.

# %% [markdown] tags=["answer", "discussion"] lang="zh"
# **优势。**
#
# 1. *路径短*：任意两个位置在一层内相连，与距离无关；RNN 要走的步数等于距离，梯度也要一步步传回。
# 2. *并行*：训练时没有位置需要等待别的位置，工作量集中在两次大的矩阵乘法上，正是加速器擅长的。
#    这是在合适机器上的单位时间效率，不是运算次数少。
# 3. *由内容决定*：混合哪些位置取决于输入，而卷积的权重训练后就固定了。适用于任意长度的集合、序列、
#    图像以及它们之间的配对（交叉注意力）。
#
# **局限。**
#
# 1. *平方代价*：每个头 4·L²·d 次运算和 L² 个打分；长度加倍，两者都变成四倍。
#    对策：分块计算、不存打分（FlashAttention：内存线性，运算仍是平方）；局部或稀疏模式；线性注意力；缩短序列（分块、
#    池化）。
# 2. *解码*：键值缓存随每个词元增长，每生成一个词元都要读一遍，受内存带宽限制。
#    对策：减少键值头（GQA、MQA），量化或低秩的缓存，滑动窗口。
# 3. *没有顺序，先验少*：不加位置就只是集合上的函数；没有内置局部性，要比 CNN 更多的数据才能学会“相邻”。
#    对策：位置编码、预训练、与卷积混合。
# 4. *权重不是解释*：权重大只说明这一层混合了什么，不说明是什么决定了输出（Jain 和 Wallace，2019）。
#    softmax 还必须把权重放到某处，即使没有合适的键（attention sink）。
#
# 需要谨慎的说法：注意力本身并不减少计算；它的机制本身既不防止也不导致过拟合。

# %% [markdown] tags=["rubric"]
# - Strength: any two positions are connected in one step (long-range dependencies), with a comparison or a reason.
# - Strength: parallel over positions in training; does not confuse this with a small number of operations.
# - Strength: weights depend on the content, or flexible in length and kind of input, with a reason.
# - Limit: computation and memory quadratic in length, with the numbers or the reason (a score for every pair).
# - Limit: a further one with its reason (key-value cache in decoding, no order by itself, need for data, weights are
#   no explanation).
# - Remedies that fit the limits named, saying what each saves (for instance: FlashAttention saves memory, not
#   operations).

# %% [markdown] tags=["rubric"] lang="zh"
# - 优势：任意两个位置一步相连（长距离依赖），并有比较或理由。
# - 优势：训练时各位置可并行；没有把它与运算次数少混为一谈。
# - 优势：权重由内容决定，或对长度和输入类型灵活，并说明理由。
# - 局限：计算和内存与长度的平方成正比，给出数字或理由（每一对都有打分）。
# - 局限：再举一个并说明理由（解码时的键值缓存、本身没有顺序、需要大量数据、权重不是解释）。
# - 对策与所说的局限对应，并说明各节省什么（例如 FlashAttention 节省内存，不减少运算）。

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
from grader import check, hint

check(attention_flops, score_bytes, max_length)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. At which length do the scores cost more operations than the four projections of a layer with embed_dim 4096?
# 2. FlashAttention does as many operations, or more, and is faster. Why?
# 3. One decoding step at position 100,000: how many operations, how many bytes read? Which of the two is the limit?
# 4. Windows of 4,096 in every layer, 32 layers: how far back can information travel?
# 5. Does a causal mask halve the cost? In which implementation?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. embed_dim 为 4096 的一层，长度到多少时打分的运算量会超过四个投影？
# 2. FlashAttention 的运算次数相同甚至更多，却更快。为什么？
# 3. 在位置 100,000 解码一步：多少次运算，读多少字节？瓶颈是哪一个？
# 4. 每层窗口 4,096，共 32 层：信息最远能传多远？
# 5. 因果掩码能让代价减半吗？在哪种实现里？

# %% [markdown] tags=["hint"]
# For the operations ask: how many numbers has the result of each product, and how many multiply-adds does one of them
# take? For the memory: how many scores are there, and how large is one?

# %% [markdown] tags=["hint"] lang="zh"
# 运算次数：每次乘法的结果有多少个数，每个数需要多少次乘加？内存：一共有多少个打分，每个多大？

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
# 4·L²·E: they are equal at L = 2E. Below that, "quadratic attention" is the smaller part of the bill.
#
# **Memory is the harder wall.** Operations only take time; scores that do not fit end the run. FlashAttention (Dao et
# al., 2022) keeps a tile of them in fast memory, recomputes them in the backward pass, and so needs memory linear in
# L. `max_length` is the limit of the textbook implementation.
#
# **A trap in the arithmetic.** `int(math.sqrt(n))` is right below 2⁵², and wrong now and then above; `math.isqrt` is
# exact for any int.

# %% [markdown] tags=["discussion"] lang="zh"
# **解读数字。** 设 E = heads · head_dim，一层的投影需要 8·L·E² 次运算，注意力需要 4·L²·E 次：L = 2E 时相等。
# 更短的序列里，
# “平方的注意力”只是账单中较小的一项。
#
# **内存是更硬的墙。** 运算多只是费时间，打分放不下则无法运行。FlashAttention（Dao 等，2022）
# 只在快速存储里保留一小块打分，
# 反向传播时重新计算，因此内存与 L 成线性。`max_length` 是教科书实现的极限。
#
# **计算中的陷阱。** `int(math.sqrt(n))` 在 2⁵² 以下是对的，再大就偶尔出错；`math.isqrt` 对任意整数都精确。
