# %% [markdown]
# > *"Compute exact softmax attention without ever holding the whole score matrix. This is what FlashAttention rests on. Show me the recurrence."*
#
# A softmax seems to need all scores of a row at once: for its maximum, and for its sum. It does not. Keep, for every query, the largest
# score so far (m), the sum of exponentials so far (l), and the weighted sum of values so far (acc); when a later chunk of keys brings
# a larger score, multiply what is there by exp(m_old − m_new) (online softmax: Milakov & Gimelshein, 2018; Rabe & Staats, 2021).
#
# **Write** `chunked_attention(q, k, v, chunk_size, causal=False) -> output`.
#
# | | shape | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` is any number of leading axes, none included; the same for q, k and v |
# | `k`, `v` | `(..., S, d)`, `(..., S, d_v)` | S may differ from L, d_v from d |
# | `chunk_size` | an integer ≥ 1 | keys in a chunk; it need not divide S, and may be larger than S |
# | `output` | `(..., L, d_v)` | the output alone: the weights are never all there |
#
# - The result is *exactly* softmax attention: scores q·k/√d, softmax over all S keys.
# - `causal=True`: query i sees key j when `j <= i + (S − L)`, aligned at the bottom right. With L > S the first L − S queries see
#   nothing: their output is zero and their gradients are finite (zero), never NaN. And a query may see nothing of a whole *chunk*.
# - **No tensor has more than max(L·chunk_size, L·d, L·d_v, S·d, S·d_v) elements** (for a single head), masks included.
#   It is watched inside your own process, as PyTorch makes the tensors: a check that helps you, and no proof against
#   somebody who hides them.
# - Scores may be as large as ±10,000. Outputs keep the inputs' dtype and device; inputs are not changed; gradients
#   flow to q, k and v.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used.
#
# **By hand.** Scaled scores 1, 2, 3 and values 1, 2, 3, in chunks of two. First chunk: m = 2, l = e⁻¹ + 1 ≈ 1.368, acc = e⁻¹·1 + 2 ≈ 2.368.
# Second chunk: m = 3, so what is there is multiplied by e²⁻³ ≈ 0.368: l = 0.503 + 1 = 1.503, acc = 0.871 + 3 = 3.871. Output
# 3.871 / 1.503 ≈ 2.575, as for the softmax of all three. Averaging the two chunks' own results, 1.731 and 3, would give 2.366.

# %% [markdown] lang="zh"
# > *“精确计算 softmax 注意力，但任何时候都不保存完整的得分矩阵。FlashAttention 就是以此为基础的。请把递推写出来。”*
#
# softmax 似乎必须一次拿到整行得分：求最大值要用，求和也要用。其实不必。为每个查询记住目前为止的最大得分（m）、指数之和（l）和值的加权和（acc）；
# 后面的一块键带来更大的得分时，把已有的乘以 exp(m_旧 − m_新)（在线 softmax：Milakov & Gimelshein，2018；Rabe & Staats，2021）。
#
# **请实现** `chunked_attention(q, k, v, chunk_size, causal=False) -> output`。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度，也可以没有；q、k、v 三者相同 |
# | `k`、`v` | `(..., S, d)`、`(..., S, d_v)` | S 可以与 L 不同，d_v 可以与 d 不同 |
# | `chunk_size` | 整数，≥ 1 | 每块的键数；不必整除 S，可以大于 S |
# | `output` | `(..., L, d_v)` | 只返回输出：完整的权重从不存在 |
#
# - 结果*精确*等于 softmax 注意力：得分为 q·k/√d，softmax 在全部 S 个键上做。
# - `causal=True`：`j <= i + (S − L)` 时查询 i 能看到键 j，即右下角对齐。L > S 时前 L − S 个查询什么也看不到：输出为零，梯度有限（为零），
#   绝不能是 NaN。另外，查询可能看不到*某一块*中的任何键。
# - **任何张量都不得超过 max(L·chunk_size, L·d, L·d_v, S·d, S·d_v) 个元素**（就单个头而言），掩码也算。
#   这是在你自己的进程里、随 PyTorch 创建张量时观察的：它用来帮助你，并不能防住刻意隐藏的人。
# - 得分可能大到 ±10,000。输出保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k、v。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** 缩放后的得分为 1、2、3，值为 1、2、3，每块两个。第一块：m = 2，l = e⁻¹ + 1 ≈ 1.368，acc = e⁻¹·1 + 2 ≈ 2.368。
# 第二块：m = 3，因此已有的乘以 e²⁻³ ≈ 0.368：l = 0.503 + 1 = 1.503，acc = 0.871 + 3 = 3.871。输出 3.871 / 1.503 ≈ 2.575，
# 与三个一起做 softmax 相同。若把两块各自的结果 1.731 和 3 取平均，则得到 2.366。

# %% [markdown]
# What is held at any time, for each query, while chunks of keys pass by:
#
# ```
# keys     [ chunk 1 ][ chunk 2 ][ chunk 3 ][ 4 ]
#                          ▲
#                          scores of this chunk, L × chunk_size, gone afterwards
#
# m    (L, 1)      largest score so far            starts at −∞
# l    (L, 1)      Σ exp(score − m) so far         starts at 0
# acc  (L, d_v)    Σ exp(score − m) · v so far     starts at 0
# ```

# %% [markdown] lang="zh"
# 键一块一块地经过时，每个查询在任何时刻只保存这些：
#
# ```
# 键      [   块 1   ][   块 2   ][   块 3   ][ 4 ]
#                          ▲
#                          这一块的得分，L × chunk_size，用完即弃
#
# m    (L, 1)      目前最大的得分                初值 −∞
# l    (L, 1)      目前的 Σ exp(得分 − m)        初值 0
# acc  (L, d_v)    目前的 Σ exp(得分 − m) · v    初值 0
# ```

# %% tags=["given"]
import torch

# %% tags=["solution"]
def chunked_attention(q, k, v, chunk_size, causal=False):
    """Exact attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v), chunk_size keys at a time.

    causal: query i sees key j when j <= i + (S - L).
    Returns the output (..., L, d_v).
    """
    ### BEGIN SOLUTION
    L, S = q.shape[-2], k.shape[-2]
    q = q * q.shape[-1] ** -0.5
    last = torch.arange(L, device=q.device).unsqueeze(-1) + (S - L)
    top = q.new_full((*q.shape[:-1], 1), float("-inf"))
    total = q.new_zeros(*q.shape[:-1], 1)
    output = q.new_zeros(*q.shape[:-1], v.shape[-1])
    for start in range(0, S, chunk_size):
        keys, values = k[..., start : start + chunk_size, :], v[..., start : start + chunk_size, :]
        scores = q @ keys.transpose(-2, -1)
        if causal:
            place = torch.arange(start, start + keys.shape[-2], device=q.device)
            scores = scores.masked_fill(place > last, float("-inf"))
        new_top = torch.maximum(top, scores.detach().amax(dim=-1, keepdim=True))
        shift = new_top.masked_fill(new_top == float("-inf"), 0.0)
        correction, part = torch.exp(top - shift), torch.exp(scores - shift)
        total = total * correction + part.sum(dim=-1, keepdim=True)
        output = output * correction + part @ values
        top = new_top
    return output / total.masked_fill(total == 0, 1.0)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("chunked_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("chunked_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(chunked_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Prove by induction over chunks that acc / l is the softmax average of everything seen so far.
#    > Claim: over all keys j seen so far, m = max s_j, l = Σ exp(s_j − m) and acc = Σ exp(s_j − m)·v_j. Before the
#    > first chunk the sums are empty: l = 0, acc = 0, m = −∞. In a step, m' is the larger of m and the chunk's maximum;
#    > multiplying l and acc by exp(m − m') turns every old term exp(s_j − m) into exp(s_j − m'), and the chunk's own
#    > terms are added, so the claim holds again. Hence acc / l = Σ exp(s_j)·v_j / Σ exp(s_j), since exp(−m) cancels.
# 2. Two machines hold half of the keys each. What must they exchange in order to get the exact result?
#    > For each query and head the maximum m, the sum l and the weighted sum acc: d_v + 2 numbers, 130 for d_v = 128,
#    > however many keys there are. (Or the finished output and its log-sum-exp: d_v + 1.) Both machines need the
#    > queries. To merge, take m = max(m₁, m₂), multiply each side's sums by exp(m_i − m), add, and divide at the end.
#    > No keys, values or scores have to travel.
# 3. Your forward pass saves memory. What does autograd keep for the backward pass, and what does FlashAttention do
#    instead?
#    > Autograd keeps the exponentials of every chunk, because the product with v needs them: together L·S numbers, as
#    > many as without chunks. (For L = S = 1,024, d = 64 and chunks of 64, all saved tensors together hold 1.27·L·S
#    > numbers.) FlashAttention is one operation with a backward pass of its own: it keeps q, k, v, the output and one
#    > log-sum-exp per row, and its backward pass computes each tile of weights again. To have this here, write the loop
#    > as a `torch.autograd.Function` with such a backward pass.
# 4. Which chunks can a causal version skip altogether? How much time does that save?
#    > For query i, every chunk that starts after the last key it sees, start > i + (S − L). But this code takes all
#    > queries at once, and the last of them sees every key, so it can skip none. Cut the queries into blocks as well:
#    > of n × n blocks (L = S) only the n(n + 1)/2 on and below the diagonal are needed. For n = 8 that is 36 of 64, 44%
#    > less work; for large n it is nearly half.
# 5. Why is FlashAttention faster, although it does no fewer multiplications?
#    > Because plain attention on a GPU is limited by memory traffic, not by arithmetic. It writes the scores to GPU
#    > memory, reads them for the softmax, writes the weights, and reads them for the product with v. With 4,096 tokens,
#    > 16 heads of 64 and bfloat16 these are four passes over 512 MiB, 2 GiB, while q, k, v and the output have only 8
#    > MiB each. FlashAttention keeps every tile of scores on the chip from the product to the sum (Dao et al., 2022).

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对块做归纳，证明 acc / l 就是目前所见全部内容的 softmax 平均。
#    > 命题：对目前见过的所有键 j，有 m = max s_j，l = Σ exp(s_j − m)，acc = Σ exp(s_j − m)·v_j。
#    > 第一块之前是空和：l = 0，acc = 0，m = −∞。归纳步：m' 取 m 与这一块最大值中较大的；
#    > l 和 acc 乘以 exp(m − m')，每个旧的项 exp(s_j − m) 就变成 exp(s_j − m')，再加上这一块自己的项，命题仍然成立。
#    > 所以 acc / l = Σ exp(s_j)·v_j / Σ exp(s_j)，因为 exp(−m) 在分子分母中约掉了。
# 2. 两台机器各持有一半的键。要得到精确结果，它们必须交换什么？
#    > 对每个查询、每个头交换最大值 m、指数之和 l 和加权和 acc：共 d_v + 2 个数，d_v = 128 时是 130 个，与键的个数无关。
#    > （或者交换算好的输出及其 log-sum-exp：d_v + 1 个数。）查询则两台机器都要有。
#    > 合并时取 m = max(m₁, m₂)，两边的和各乘以 exp(m_i − m) 再相加，最后做一次除法。键、值和得分都不需要传输。
# 3. 前向计算省了显存。autograd 为反向传播保留了什么？FlashAttention 又是怎么做的？
#    > autograd 会保留每一块的指数，因为对乘以 v 的那一步求导要用：加起来是 L·S 个数，和不分块时一样多。
#    > （L = S = 1,024、d = 64、每块 64 个键时，保存的所有张量合计有 1.27·L·S 个数。）
#    > FlashAttention 是一个自带反向传播的整体操作：只保存 q、k、v、输出和每行一个 log-sum-exp，再逐块重计算权重。
#    > 要在这里做到这一点，就把这个循环写成 `torch.autograd.Function`，在它的 `backward` 里逐块重计算。
# 4. 因果版本可以整块跳过哪些块？能省多少时间？
#    > 对查询 i 来说，凡是从它能看到的最后一个键之后才开始的块都可以跳过，即 start > i + (S − L)。
#    > 但这段代码一次处理所有查询，而最后一个查询能看到所有键，所以一块也跳不过去。要把查询也分块：
#    > L = S 时，n × n 个块里只需要对角线上和对角线以下的 n(n + 1)/2 个。
#    > n = 8 时是 64 块中的 36 块，省 44%；n 很大时接近省一半。
# 5. FlashAttention 的乘法并没有变少，为什么更快？
#    > 因为普通注意力在 GPU 上受限于显存读写，而不是运算。它要把得分写进显存，读出来做 softmax，写回权重，再读出来乘以 v。
#    > 4,096 个词元、16 个 64 维的头、bfloat16 时，这就是把 512 MiB 读写四遍，共 2 GiB，而 q、k、v 和输出各只有 8 MiB。
#    > FlashAttention 从算得分到加权求和，每一小块得分都留在片上（Dao 等，2022）。

# %% [markdown] tags=["hint"]
# Keep three things per query: a maximum, a sum, a weighted sum. Divide once, at the very end.

# %% [markdown] tags=["hint"] lang="zh"
# 为每个查询记住三样东西：最大值、和、加权和。只在最后除一次。

# %% [markdown] tags=["hint"]
# When the maximum grows from m to m', everything summed so far is too large by exp(m' − m): multiply *both* sums by exp(m − m').
# And what is exp(−∞ − (−∞)), when a query has seen nothing yet?

# %% [markdown] tags=["hint"] lang="zh"
# 最大值从 m 变为 m' 时，此前的和都是应有值的 exp(m' − m) 倍：*两个*和都要乘以 exp(m − m')。另外，查询还什么都没看到时，exp(−∞ − (−∞)) 是什么？

# %% [markdown] tags=["hint"]
# Loop over `range(0, S, chunk_size)`, slice keys and values, mask the chunk with positions counted from `start`. With
# `new = maximum(m, scores.amax(-1))`: `l = l*exp(m - new) + exp(scores - new).sum(-1)`, `acc` likewise with `@ values`.
# Where `new` is −∞, subtract 0 instead; where `l` is 0 at the end, divide by 1.

# %% [markdown] tags=["hint"] lang="zh"
# 对 `range(0, S, chunk_size)` 循环，切出键和值，用从 `start` 数起的位置屏蔽这一块。令 `new = maximum(m, scores.amax(-1))`：
# `l = l*exp(m - new) + exp(scores - new).sum(-1)`，`acc` 同理，乘以 `values`。`new` 为 −∞ 处改为减 0；最后 `l` 为 0 处改为除以 1。

# %% [markdown] tags=["discussion"]
# **Cost.** As many multiplications as before, besides L·d_v for each rescaling; memory L·chunk_size in place of L·S.
# Under autograd that holds for the forward pass only: each chunk's exponentials are kept for the backward pass.
# FlashAttention (Dao et al., 2022) keeps m and l (or their log-sum-exp) and computes the scores again. It is faster
# because a chunk's scores never leave the chip's fast memory.
#
# **Traps.** Forgetting the correction on one of the two sums; starting m at 0, so that every exponential is rounded to
# zero where all scores are far below zero; taking only the chunk's maximum, so that the correction overflows when the
# next chunk is far below. A query that has seen nothing so far has m = −∞, and −∞ − (−∞) is NaN. The maximum needs no
# gradient: it cancels from the result, so it may be detached.
#
# **Merging.** Partial results that are already divided combine through their log-sum-exps: each gets the weight that
# the softmax over these log-sum-exps gives it, out = Σ softmax(lse)_i · out_i. "Flash-Decoding" (Dao et al., 2023) does
# this when one query reads a long cache in parts. Ring attention (Liu et al., 2023) passes chunks of keys and values
# from machine to machine, and every machine updates its sums with each chunk, as you do here.
#
# **Today.** Nobody writes this loop in Python for production: `F.scaled_dot_product_attention` calls a fused kernel
# where the inputs allow one. FlashAttention-2 (Dao, 2023) divides the work over the GPU better, FlashAttention-3 (Shah
# et al., 2024) uses the asynchronous units and FP8 of Hopper GPUs, and FlexAttention (Dong et al., 2024) compiles such
# a kernel from a few lines that say what to do with a score. Sequences too long for one GPU are divided among several
# (*context parallelism*), with ring attention or by gathering keys and values, as for Llama 3 (Grattafiori et al.,
# 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 除了每次重新缩放多 L·d_v 次乘法，乘法次数不变；显存由 L·S 变为 L·chunk_size。在 autograd 下这只对前向成立：
# 每一块的指数会为反向传播保留。FlashAttention（Dao 等，2022）只保存 m 和 l（或 log-sum-exp），反向时重计算得分。
# 它更快，是因为一块的得分从不离开片上的快速存储。
#
# **陷阱。** 两个和中漏掉一个没有修正；m 从 0 开始，当所有得分都是绝对值很大的负数时，指数会全部下溢为零；
# 只用当前块的最大值，下一块低很多时修正因子会溢出。还没看到任何键的查询 m = −∞，而 −∞ − (−∞) 是 NaN。
# 最大值不需要梯度：它会从结果中约掉，因此可以 detach。
#
# **合并。** 已经做过除法的部分结果可以用各自的 log-sum-exp 合并：对这些 log-sum-exp 做 softmax，就得到各部分的权重，
# 即 out = Σ softmax(lse)_i · out_i。“Flash-Decoding”（Dao 等，2023）在一个查询分段读取很长的缓存时就是这样做的。
# 环形注意力（ring attention，Liu 等，2023）让键和值的块在机器之间依次传递，
# 每台机器每收到一块就更新自己的和，与本题的做法相同。
#
# **如今。** 实际系统里没有人用 Python 写这个循环：只要输入满足条件，`F.scaled_dot_product_attention` 就会调用融合算子。
# FlashAttention-2（Dao，2023）改进了 GPU 上的任务划分，
# FlashAttention-3（Shah 等，2024）利用了 Hopper GPU 的异步单元和 FP8，
# FlexAttention（Dong 等，2024）则可以由几行描述“如何处理得分”的代码编译出这样的算子。
# 一块 GPU 放不下的长序列会分到多块 GPU 上（*上下文并行*，context parallelism）：用环形注意力，
# 或像 Llama 3 那样先收集键和值（Grattafiori 等，2024）。
