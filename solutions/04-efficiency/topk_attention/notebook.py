# %% [markdown]
# > *"Most attention weights are nearly zero anyway. Keep the k best keys of every query and drop the rest. How?"*
#
# Sparse attention by selection (Explicit Sparse Transformer, Zhao et al., 2019): every query keeps the `top_k` keys with
# the largest scores, and the softmax runs over those alone. A version that one meets in tutorials multiplies the other
# scores by zero *before* the softmax. A score of zero is not nothing: e⁰ = 1. That version drops no key at all, and
# `int(S * 0.1)`, its number of keys, is 0 for a short sequence.
#
# **Write** `topk_attention(q, k, v, top_k, mask=None) -> (output, weights)`.
#
# | | shape | |
# |---|---|---|
# | `q`, `k`, `v` | `(..., L, d)`, `(..., S, d)`, `(..., S, d_v)` | `...` is any number of leading axes, none included |
# | `top_k` | an integer ≥ 1 | `ValueError` when it is smaller; it may be larger than S |
# | `mask` | broadcastable to `(..., L, S)` | boolean, **True = may attend** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | zero for every key that was dropped; each row sums to 1 |
#
# - Scores are q·k/√d. Each query keeps the `top_k` largest of the scores that *the mask allows it*, and has exactly
#   `min(top_k, number of allowed keys)` non-zero weights: where fewer keys are allowed, it keeps them all.
# - Where scores tie, which of the tied keys is kept is up to you; how many is not. In half precision rounding makes
#   further ties; there only the dtype, the number of non-zero weights, their sum, and output = weights · v are checked.
# - A query that may attend to nothing gets zero weights, a zero output and finite (zero) gradients: never NaN.
# - Outputs keep the inputs' dtype and device; inputs are not changed; gradients flow to q, k and v through what was kept.
#   Scores may be as large as ±10,000.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used;
#   `torch.topk` is allowed.
#
# **By hand.** Three scaled scores 1, 0 and 2, `top_k` = 2: the first and the third are kept, and the weights are
# e/(e + e²) ≈ 0.269, 0, and 0.731. With the middle score "dropped" by setting it to zero they would be 0.245, 0.090, 0.665:
# nothing was dropped. Now let the mask hide the third key: the best two *allowed* are the first and the second, 0.731 and 0.269.

# %% [markdown] lang="zh"
# > *“大多数注意力权重本来就接近零。每个查询只保留最好的 k 个键，其余丢掉。怎么做？”*
#
# 这是靠选择实现的稀疏注意力（Explicit Sparse Transformer，Zhao 等，2019）：每个查询只保留得分最大的 `top_k` 个键，softmax
# 只在它们之间做。有的教程是在 softmax *之前*把其余得分乘以零。但得分为零不等于没有：e⁰ = 1。这样写一个键也没有丢掉；
# 而且它用 `int(S * 0.1)` 算保留个数，序列一短就得 0。
#
# **请实现** `topk_attention(q, k, v, top_k, mask=None) -> (output, weights)`。
#
# | | 形状 | |
# |---|---|---|
# | `q`、`k`、`v` | `(..., L, d)`、`(..., S, d)`、`(..., S, d_v)` | `...` 是任意多个前导维度，也可以没有 |
# | `top_k` | 整数，≥ 1 | 小于 1 时抛出 `ValueError`；可以大于 S |
# | `mask` | 可广播到 `(..., L, S)` | 布尔型，**True = 可以关注** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | 被丢掉的键权重为零；每行之和为 1 |
#
# - 得分为 q·k/√d。每个查询在*掩码允许*的得分中保留最大的 `top_k` 个，恰好有 `min(top_k, 允许的键数)` 个非零权重：
#   允许的键不足时全部保留。
# - 得分并列时保留其中哪几个由你决定，但个数不能错。半精度的舍入会造成额外的并列，此时只检查 dtype、非零权重的个数、权重之和，以及
#   output = weights · v。
# - 不能关注任何键的查询：权重为零、输出为零、梯度有限（为零），绝不能是 NaN。
# - 输出保持输入的 dtype 和设备；不得修改输入；梯度经由保留下来的部分流向 q、k、v。得分可能大到 ±10,000。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）；`torch.topk` 可以用。
#
# **手算一例。** 缩放后的三个得分为 1、0、2，`top_k` = 2：保留第一和第三个，权重为 e/(e + e²) ≈ 0.269、0、0.731。
# 若用“置零”来“丢掉”中间的得分，权重是 0.245、0.090、0.665：什么也没有丢掉。再让掩码屏蔽第三个键：
# *允许的*键中最好的两个是第一和第二个，权重为 0.731 和 0.269。

# %% tags=["demo"]
# Dense weights, and the three largest of every row. What is dropped, 4 to 27% of a row here, is shared out again.
import torch
from grader import heatmap

dense = torch.softmax(2 * torch.randn(6, 10, generator=torch.Generator().manual_seed(1)), dim=-1)
largest = torch.where(dense >= dense.topk(3, dim=-1).values[:, -1:], dense, 0.0)
heatmap(dense, title="all keys") + heatmap(largest, title="three largest, before renormalising")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def topk_attention(q, k, v, top_k, mask=None):
    """Attention of q (..., L, d) over the top_k best allowed keys k (..., S, d) of each query; v is (..., S, d_v).

    mask: boolean, broadcastable to (..., L, S), True = may attend; None hides nothing.
    Returns (output (..., L, d_v), weights (..., L, S)). Raises ValueError if top_k < 1.
    """
    ### BEGIN SOLUTION
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    weights = torch.softmax(scores.masked_fill(~kept, float("-inf")), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("topk_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("topk_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(topk_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Take the softmax over all keys, zero all but the k largest weights, divide by their sum: is that the same? Why?
#    > Yes, apart from rounding. The softmax keeps the order of the scores, so the same keys are chosen (apart from
#    > ties), and the denominator Σ exp(s_j) over all keys is common to all kept weights, so it cancels in the division.
#    > What is left is exp(s_i) over the sum of the kept exponentials. Rounding can matter: in half precision small
#    > weights become equal, or zero, while the scores still differ, so choose by the scores.
# 2. You still computed every score. What did you save, then, and what would you need in order to save the rest?
#    > At most the product with v: L·k·d_v multiply-adds in place of L·S·d_v, and only if the chosen rows of v are
#    > gathered. With d = d_v the scores are half of the work, so this can save at most half. To save the rest, one has
#    > to choose keys without computing every full score: from hashes (Reformer), from clusters (Routing Transformer),
#    > from summaries of blocks (NSA, Yuan et al., 2025), or with a much cheaper score (the "lightning indexer" of
#    > DeepSeek-V3.2, 2025).
# 3. Why not keep `scores >= kth_largest`? Give inputs for which it keeps too many keys.
#    > Because it keeps every key that ties with the k-th. Scores 1, 1, 1 with k = 2: all three are kept. Equal keys do
#    > it, such as a token that occurs twice without positions, and so does rounding: with 2,000 random keys, d = 64 and
#    > k = 32, about 40% of the rows have such a tie in bfloat16, 7% in float16 and none in float32. The indices that
#    > `topk` returns are always exactly k.
# 4. A key that is never selected: what gradient does it get? What does that mean for training from scratch?
#    > None: its weight is exactly zero and stays so under small changes, so neither the key's nor the value's row gets
#    > a gradient. The projections still learn from other tokens, but nothing says that the key left out would have been
#    > the better choice. From scratch an early bad choice can thus confirm itself. Hence one trains dense first and
#    > selects later, or gives the selection a training signal of its own: DeepSeek-V3.2 trains its indexer to imitate
#    > the dense attention weights, NSA takes its choice from a compressed branch that is trained with the model.
# 5. Keep the k largest, or the smallest set whose weights sum to 0.95: what are the pros and cons on a GPU?
#    > A fixed k gives fixed shapes: memory and time are known, every row has the same work, and a gather and a dense
#    > product do it. But it is too many for a row with one clear winner, and too few for a flat row: of 1,000 equal
#    > weights 0.95 needs 950. The set with 0.95 adapts and bounds the weight that is lost at 0.05. But it needs
#    > normalised weights and a sort, and its size differs from row to row, so the work is uneven and memory must be
#    > reserved for the worst case. Twilight (Lin et al., 2025) does this for decoding.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 先对所有键做 softmax，只留最大的 k 个权重，再除以它们的和：结果一样吗？为什么？
#    > 除舍入外一样。softmax 保持得分的次序，所以选中的是同样的键（并列除外）；
#    > 全部键的分母 Σ exp(s_j) 是所有保留权重共有的，做除法时约掉了。
#    > 剩下的就是 exp(s_i) 除以保留下来的指数之和。舍入有时会有影响：
#    > 半精度下小权重会变得相等或变成零，而得分仍不相同，所以应当按得分来选。
# 2. 所有得分还是算了一遍。那么省下了什么？要把剩下的也省掉，还需要什么？
#    > 最多省下与 v 的乘积：L·k·d_v 次乘加，而不是 L·S·d_v 次，而且前提是只收集被选中的 v 的行。
#    > d = d_v 时，算得分占一半的工作量，所以至多省一半。要把剩下的也省掉，就必须不算全部完整的得分也能选键：
#    > 用哈希（Reformer），用聚类（Routing Transformer），用每一块的摘要（NSA，Yuan 等，2025），
#    > 或用便宜得多的得分（DeepSeek-V3.2 的 lightning indexer，2025）。
# 3. 为什么不用 `scores >= 第 k 大的得分` 来选？举一个会保留过多键的输入。
#    > 因为它会保留所有与第 k 个并列的键。得分为 1、1、1，k = 2：三个都保留了。
#    > 键相同就会并列，例如没有位置信息时同一个词元出现两次；舍入也会造成并列：
#    > 2,000 个随机键、d = 64、k = 32 时，bfloat16 中约 40% 的行有这样的并列，float16 中约 7%，float32 中没有。
#    > 而 `topk` 返回的下标总是恰好 k 个。
# 4. 一个从未被选中的键得到什么梯度？这对从头训练意味着什么？
#    > 没有梯度：它的权重恰好为零，稍加扰动仍为零，所以这个键和对应的值都得不到梯度。
#    > 投影矩阵仍能从其他词元那里学到东西，但没有任何信号说明落选的键本来会更好。
#    > 所以从头训练时，早期的错误选择会自我强化。常见的做法是先做稠密训练、之后再选择，或者给选择单独的训练信号：
#    > DeepSeek-V3.2 让 indexer 去模仿稠密注意力的权重，NSA 则根据随模型一起训练的压缩分支来选择。
# 5. 保留最大的 k 个，或保留权重之和达到 0.95 的最小集合：在 GPU 上各有什么优缺点？
#    > 固定的 k 意味着固定的形状：显存和时间都事先知道，每行的工作量相同，一次收集加一次稠密乘法就够了。
#    > 但对只有一个明显胜者的行，它留得太多；对平坦的行又太少：1,000 个相等的权重要达到 0.95，需要 950 个。
#    > 按 0.95 取的集合会自动适应，丢掉的权重不超过 0.05。
#    > 但它需要归一化的权重和一次排序，每行大小不同，负载不均，还要按最坏情况预留显存。
#    > Twilight（Lin 等，2025）在解码时采用这种做法。

# %% [markdown] tags=["hint"]
# Dropping a key is the same as masking it. So the order is: scores, mask, *choose*, mask what was not chosen, softmax.

# %% [markdown] tags=["hint"] lang="zh"
# 丢掉一个键就等于屏蔽它。所以顺序是：算得分、屏蔽、*选择*、屏蔽没选中的、softmax。

# %% [markdown] tags=["hint"]
# `scores.topk(n, dim=-1)` returns values and indices, and fails when n is larger than S. `scatter` writes something at
# those indices of a tensor of zeros. A masked score of −∞ may be among the "best" where too few keys are allowed:
# what weight does the softmax give it?

# %% [markdown] tags=["hint"] lang="zh"
# `scores.topk(n, dim=-1)` 返回值和下标，n 大于 S 时会报错。`scatter` 可以在全零张量的这些下标处写入。允许的键不足时，被屏蔽的 −∞
# 也可能进入“最好”之列：softmax 会给它多大的权重？

# %% [markdown] tags=["hint"]
# Build `kept`, a boolean tensor of zeros with True scattered at the indices of the `min(top_k, S)` largest masked scores.
# Fill the scores with −∞ where `~kept`, take the softmax over the last axis, and set the rows without an allowed key to 0.

# %% [markdown] tags=["hint"] lang="zh"
# 构造布尔张量 `kept`：全零，再用 scatter 在（已屏蔽的）得分中最大的 `min(top_k, S)` 个下标处写入 True。在 `~kept` 处把得分填成 −∞，
# 沿最后一个维度做 softmax，最后把没有任何允许键的行置 0。

# %% [markdown] tags=["discussion"]
# **Cost.** This version computes all L·S scores, so it saves neither their time nor their memory. Only if the selected
# rows of v are gathered does the product with v become smaller (L·k·d_v multiply-adds instead of L·S·d_v). To save more
# time one must select without computing every score: by hashing (Reformer, Kitaev et al., 2020) or by clustering
# (Routing Transformer, Roy et al., 2021). With queries taken in chunks every score is still computed, but only a
# chunk's scores exist at a time, which saves memory (Gupta et al., 2021).
#
# **Traps.** Setting dropped scores to zero drops nothing, since e⁰ = 1; it even raises keys whose scores were negative.
# Comparing with the k-th largest value keeps every tied key, and ties are common in bfloat16. Selecting before masking
# spends the budget on keys that may not be seen. A dense softmax, the k largest weights, and a division by their sum is
# correct: the softmax keeps order, and the common denominator cancels.
#
# **Gradient.** Selection is piecewise constant: a key that was not kept gets no gradient from that query. On models
# that were trained dense, selection works well without new training, because most weight was on few keys to begin with
# (Gupta et al., 2021).
#
# **Today.** What saves time is to select before the scores are computed, in whole blocks that a GPU reads at once, and to
# train the model with it. *NSA* (native sparse attention, Yuan et al., 2025) scores summaries of blocks, reads the best
# blocks in full, and adds a window; it is trained from the start like this. In *DSA* (DeepSeek sparse attention,
# DeepSeek-V3.2, 2025) a small "lightning indexer" scores every earlier token cheaply, and attention reads the best
# 2,048; the indexer first learns from dense attention. Without training, for decoding only: H2O (Zhang et al., 2023)
# keeps the keys in the cache that have had most weight, Quest (Tang et al., 2024) reads the pages of the cache that can
# hold the largest scores.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 这个版本算出了全部 L·S 个得分，它们的时间和显存都没有省。
# 只有在仅收集被选中的 v 的行时，与 v 的乘积才变小：L·k·d_v 次乘加，而不是 L·S·d_v 次。
# 要省更多时间，就必须不算全部得分也能选择：用哈希（Reformer，Kitaev 等，2020），
# 或用聚类（Routing Transformer，Roy 等，2021）。
# 把查询分块仍要算每一个得分，但同一时刻只存在一块的得分，省下的是显存（Gupta 等，2021）。
#
# **陷阱。** 把要丢掉的得分置零等于没丢，因为 e⁰ = 1，原来得分为负的键反而被抬高。
# 与第 k 大的值比较会保留所有并列的键，而并列在 bfloat16 中很常见。先选后屏蔽会把名额浪费在不可见的键上。
# 先做稠密 softmax、取最大的 k 个权重、再除以它们的和是正确的：softmax 保持次序，公共的分母会约掉。
#
# **梯度。** 选择是分段常数：没被保留的键从该查询得不到梯度。
# 对按稠密方式训练好的模型，不重新训练效果也很好，因为权重本来就集中在少数键上（Gupta 等，2021）。
#
# **如今。** 真正划算的是在算出得分之前就做选择，按 GPU 能一次读取的整块来选，并且让模型带着它训练。
# *NSA*（原生稀疏注意力，Yuan 等，2025）先给每一块的摘要算得分，再完整读取最好的几块，另加一个窗口；从头就这样训练。
# *DeepSeek 稀疏注意力*（DSA，DeepSeek-V3.2，2025）用一个小的 lightning indexer 以很低的代价给之前的每个词元算得分，
# 只关注其中最好的 2,048 个；indexer 先向稠密注意力学习。也有不训练、只用于解码的方法：
# H2O（Zhang 等，2023）在缓存中保留累计权重最大的键，Quest（Tang 等，2024）只读取缓存中可能含有最大得分的那些页。
