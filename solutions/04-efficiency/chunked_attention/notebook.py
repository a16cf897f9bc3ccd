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
# - Scores may be as large as ±10,000. Outputs keep the inputs' dtype and device; inputs are not changed; gradients
#   flow to q, k and v.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) is off limits.
#
# **By hand.** Scaled scores 1, 2, 3 and values 1, 2, 3, in chunks of two. First chunk: m = 2, l = e⁻¹ + 1 ≈ 1.368, acc = e⁻¹·1 + 2 ≈ 2.368.
# Second chunk: m = 3, so what is there is multiplied by e²⁻³ ≈ 0.368: l = 0.503 + 1 = 1.503, acc = 0.871 + 3 = 3.871. Output
# 3.871 / 1.503 ≈ 2.575, as for the softmax of all three. Averaging the two chunks' own results, 1.731 and 3, would give 2.366.

# %% [markdown] lang="zh"
# > *“在从不持有整个打分矩阵的前提下，精确计算 softmax 注意力。这正是 FlashAttention 的基础。把递推写出来。”*
#
# softmax 似乎必须一次拿到整行打分：求最大值要用，求和也要用。其实不必。为每个查询记住目前为止的最大打分（m）、指数之和（l）和值的加权和（acc）；
# 后面的一块键带来更大的打分时，把已有的乘以 exp(m_旧 − m_新)（在线 softmax：Milakov & Gimelshein，2018；Rabe & Staats，2021）。
#
# **请实现** `chunked_attention(q, k, v, chunk_size, causal=False) -> output`。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度，也可以没有；q、k、v 三者相同 |
# | `k`、`v` | `(..., S, d)`、`(..., S, d_v)` | S 可以与 L 不同，d_v 可以与 d 不同 |
# | `chunk_size` | 整数，≥ 1 | 每块的键数；不必整除 S，可以大于 S |
# | `output` | `(..., L, d_v)` | 只返回输出：权重从不完整存在 |
#
# - 结果*精确*等于 softmax 注意力：打分为 q·k/√d，softmax 在全部 S 个键上做。
# - `causal=True`：`j <= i + (S − L)` 时查询 i 能看到键 j，即右下角对齐。L > S 时前 L − S 个查询什么也看不到：输出为零，梯度有限（为零），
#   绝不能是 NaN。另外，查询可能看不到*某一块*中的任何键。
# - **任何张量都不得超过 max(L·chunk_size, L·d, L·d_v, S·d, S·d_v) 个元素**（就单个头而言），掩码也算。
# - 打分可能大到 ±10,000。输出保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k、v。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** 缩放后的打分为 1、2、3，值为 1、2、3，每块两个。第一块：m = 2，l = e⁻¹ + 1 ≈ 1.368，acc = e⁻¹·1 + 2 ≈ 2.368。
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
# 键一块一块经过时，每个查询任何时刻持有的东西：
#
# ```
# 键      [   块 1   ][   块 2   ][   块 3   ][ 4 ]
#                          ▲
#                          这一块的打分，L × chunk_size，用完即弃
#
# m    (L, 1)      目前最大的打分                初值 −∞
# l    (L, 1)      目前的 Σ exp(打分 − m)        初值 0
# acc  (L, d_v)    目前的 Σ exp(打分 − m) · v    初值 0
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
# 2. Two machines hold half of the keys each. What must they exchange in order to get the exact result?
# 3. Your forward pass saves memory. What does autograd keep for the backward pass, and what does FlashAttention do instead?
# 4. Which chunks can a causal version skip altogether? How much time does that save?
# 5. Why is FlashAttention faster, although it does no fewer multiplications?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对块做归纳，证明 acc / l 就是目前所见全部内容的 softmax 平均。
# 2. 两台机器各持有一半的键。要得到精确结果，它们必须交换什么？
# 3. 前向省了内存。autograd 为反向保留了什么？FlashAttention 又是怎么做的？
# 4. 因果版本可以整块跳过哪些块？能省多少时间？
# 5. FlashAttention 的乘法并没有变少，为什么更快？

# %% [markdown] tags=["hint"]
# Keep three things per query: a maximum, a sum, a weighted sum. Divide once, at the very end.

# %% [markdown] tags=["hint"] lang="zh"
# 为每个查询记住三样东西：最大值、和、加权和。只在最后除一次。

# %% [markdown] tags=["hint"]
# When the maximum grows from m to m', everything summed so far is too large by exp(m' − m): multiply *both* sums by exp(m − m').
# And what is exp(−∞ − (−∞)), when a query has seen nothing yet?

# %% [markdown] tags=["hint"] lang="zh"
# 最大值从 m 变为 m' 时，此前的和都大了 exp(m' − m) 倍：*两个*和都要乘以 exp(m − m')。另外，查询还什么都没看到时，exp(−∞ − (−∞)) 是什么？

# %% [markdown] tags=["hint"]
# Loop over `range(0, S, chunk_size)`, slice keys and values, mask the chunk with positions counted from `start`. With
# `new = maximum(m, scores.amax(-1))`: `l = l*exp(m - new) + exp(scores - new).sum(-1)`, `acc` likewise with `@ values`.
# Where `new` is −∞, subtract 0 instead; where `l` is 0 at the end, divide by 1.

# %% [markdown] tags=["hint"] lang="zh"
# 对 `range(0, S, chunk_size)` 循环，切出键和值，用从 `start` 数起的位置屏蔽这一块。令 `new = maximum(m, scores.amax(-1))`：
# `l = l*exp(m - new) + exp(scores - new).sum(-1)`，`acc` 同理，乘以 `values`。`new` 为 −∞ 处改为减 0；最后 `l` 为 0 处改为除以 1。

# %% [markdown] tags=["discussion"]
# **Cost.** As many multiplications as before; memory L·chunk_size in place of L·S. Under autograd that holds for the forward pass only:
# each chunk's scores are kept for the backward pass. FlashAttention (Dao et al., 2022) keeps m and l (or their log-sum-exp) and computes
# the scores again. It is faster because a chunk's scores never leave the chip's fast memory.
#
# **Traps.** Forgetting the correction on one of the two sums; starting m at 0, which underflows where all scores are very negative; taking
# only the chunk's maximum, which overflows when the next chunk is far below. A query that has seen nothing so far has m = −∞,
# and −∞ − (−∞) is NaN. The chunk's maximum needs no gradient: it cancels from the result, so it may be detached.
#
# **Merging.** Two partial results combine through their log-sum-exps: out = Σ softmax(lse)·out. This is how ring attention and
# split-key decoding ("Flash-Decoding") put their parts together.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 乘法次数不变；内存由 L·S 变为 L·chunk_size。在 autograd 下这只对前向成立：每一块的打分会为反向保留。FlashAttention
# （Dao 等，2022）只保存 m 和 l（或 log-sum-exp），反向时重新计算打分。它更快，是因为一块的打分从不离开芯片上的快速内存。
#
# **陷阱。** 两个和中漏掉一个没有修正；m 从 0 开始，所有打分都很负时会下溢；只用当前块的最大值，下一块低很多时会溢出。
# 还没看到任何键的查询 m = −∞，而 −∞ − (−∞) 是 NaN。块的最大值不需要梯度：它会从结果中约掉，因此可以 detach。
#
# **合并。** 两个部分结果可以用各自的 log-sum-exp 合并：out = Σ softmax(lse)·out。环形注意力（ring attention）和切分键的解码（“Flash-Decoding”）
# 就是这样拼接的。
