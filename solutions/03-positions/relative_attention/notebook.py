# %% [markdown]
# > *"Absolute positions bother me: the model learns that word 7 matters, not the word two steps back. Put the distance
# > into the scores."*
#
# Shaw, Uszkoreit and Vaswani (2018) learn one vector per distance and let the query be dotted with it as with a key:
#
# $$\text{score}_{ij} = \frac{q_i\cdot k_j + q_i\cdot r_{j-i}}{\sqrt d}$$
#
# Distances are clipped at a largest one, m: there are 2m + 1 vectors r, and everything further away shares the
# outermost.
#
# **Write** two functions.
#
# `relative_index(L, S, max_distance) -> (L, S)`, int64: the row of the table that query i uses for key j,
#
# $$\text{index}_{ij} = \operatorname{clip}(j - i,\,-m,\,m) + m \in \{0, …, 2m\}$$
#
# `relative_attention(q, k, v, rel_k, max_distance, mask=None) -> (output, weights)`:
#
# | | shape | |
# |---|---|---|
# | `q`, `k`, `v` | `(..., L, d)`, `(..., S, d)`, `(..., S, d_v)` | any number of leading axes, none included; L may differ from S |
# | `rel_k` | `(2m+1, d)` | the table; row m is distance 0, later rows are keys to the right |
# | `max_distance` | int m ≥ 0 | with m = 0 every pair shares the one row |
# | `mask` | broadcastable to `(..., L, S)` | boolean, **True = may attend** |
# | `output`, `weights` | `(..., L, d_v)`, `(..., L, S)` | softmax over the keys |
#
# - **Positions start at 0 on both sides**: query 0 and key 0 are at distance 0 even when L ≠ S. The last query
#   is not aligned with the last key, as it is in causal masks for decoding.
# - Both terms are divided by √d. The table is for the keys alone; there is no table for the values here.
# - A query that may attend to nothing gets zero weights, a zero output and finite (zero) gradients. Scores may be as
#   large as ±10,000.
# - Outputs keep the inputs' dtype and device; inputs are not changed; gradients flow to q, k, v and rel_k.
# - Write it yourself: PyTorch's ready-made attention may not be used.
#
# **By hand.** L = 3, S = 4, m = 1: j − i runs from −2 to 3, is clipped to −1 … 1 and shifted to 0 … 2. The index is
# [[1, 2, 2, 2], [0, 1, 2, 2], [0, 0, 1, 2]].

# %% [markdown] lang="zh"
# > *“我不喜欢绝对位置：模型学到的是‘第 7 个词重要’，而不是‘往前数第二个词重要’。请把距离放进得分里。”*
#
# Shaw、Uszkoreit 和 Vaswani（2018）为每个距离学习一个向量，查询与它做点积，就像与键做点积一样：
#
# $$\text{score}_{ij} = \frac{q_i\cdot k_j + q_i\cdot r_{j-i}}{\sqrt d}$$
#
# 距离在最大值 m 处截断：共有 2m + 1 个向量 r，更远的位置共用最外侧的那个。
#
# **请实现**两个函数。
#
# `relative_index(L, S, max_distance) -> (L, S)`，int64：查询 i 对键 j 使用表中的哪一行，
#
# $$\text{index}_{ij} = \operatorname{clip}(j - i,\,-m,\,m) + m \in \{0, …, 2m\}$$
#
# `relative_attention(q, k, v, rel_k, max_distance, mask=None) -> (output, weights)`：
#
# | | 形状 | |
# |---|---|---|
# | `q`、`k`、`v` | `(..., L, d)`、`(..., S, d)`、`(..., S, d_v)` | 任意多个前导维度，也可以没有；L 可以与 S 不同 |
# | `rel_k` | `(2m+1, d)` | 相对位置表；第 m 行是距离 0，更靠后的行对应右侧的键 |
# | `max_distance` | 整数 m ≥ 0 | m = 0 时所有位置对共用唯一的一行 |
# | `mask` | 可广播到 `(..., L, S)` | 布尔型，**True = 可以关注** |
# | `output`、`weights` | `(..., L, d_v)`、`(..., L, S)` | softmax 沿键的方向 |
#
# - **两侧的位置都从 0 开始**：即使 L ≠ S，查询 0 与键 0 的距离也是 0。这里不像解码用的因果掩码那样按右下角对齐。
# - 两项都除以 √d。这张表只用于键；这里没有用于值的表。
# - 不能关注任何键的查询：权重为零、输出为零、梯度有限（为零）。得分可能大到 ±10,000。
# - 输出保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k、v 和 rel_k。
# - 请自己实现：不能调用 PyTorch 现成的注意力。
#
# **手算一例。** L = 3，S = 4，m = 1：j − i 从 −2 到 3，截断到 −1 … 1，再平移到 0 … 2。下标矩阵是
# [[1, 2, 2, 2], [0, 1, 2, 2], [0, 0, 1, 2]]。

# %% tags=["demo"]
# Which row of the table each pair uses, for m = 2: one number per diagonal, and the corners share the outermost.
from grader import heatmap

heatmap([[min(max(j - i, -2), 2) + 2 for j in range(8)] for i in range(6)], title="index for m = 2: query (row), key (column)")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def relative_index(L, S, max_distance):
    """(L, S), int64: clip(j - i, -max_distance, max_distance) + max_distance for query i and key j."""
    ### BEGIN SOLUTION
    distance = torch.arange(S) - torch.arange(L)[:, None]
    return distance.clamp(-max_distance, max_distance) + max_distance
    ### END SOLUTION


# %% tags=["solution"]
def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    """Attention of q (..., L, d) over k (..., S, d), v (..., S, d_v), with rel_k (2 * max_distance + 1, d).

    Scores are (q·k + q·rel_k[index]) / √d. mask: boolean, broadcastable to (..., L, S), True = may attend.
    Returns (output (..., L, d_v), weights (..., L, S)).
    """
    ### BEGIN SOLUTION
    index = relative_index(q.shape[-2], k.shape[-2], max_distance)
    relative = torch.einsum("...id,ijd->...ij", q, rel_k[index.to(q.device)])
    scores = (q @ k.transpose(-2, -1) + relative) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("relative_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("relative_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(relative_index, relative_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. `rel_k[index]` has L·S·d numbers. Compute the same scores with L·(2m+1) dot products and a `gather`.
#    > `table = q @ rel_k.T` has shape (..., L, 2m+1): the dot product of each query with each vector. Then
#    > `table.gather(-1, index.expand(*table.shape[:-1], S))` picks for query i and key j the entry index[i, j]. Both
#    > give the same scores up to rounding. For L = S = 1,024, d = 64 and m = 16 `rel_k[index]` has 1,024²·64 = 67
#    > million numbers, the table before the gather 1,024·33 = 34 thousand for each head and sequence.
# 2. Transformer-XL does it without a gather, by shifting a matrix. How?
#    > Give every distance its own vector, so nothing is clipped, and compute q·r for all queries and distances: an (L,
#    > L) matrix whose columns are distances from L − 1 down to 0. Row i needs its entries moved to the left by L − 1 −
#    > i. Put one column of zeros in front, read the numbers as (L + 1, L) and drop the first row: each row is then
#    > moved one step further than the row below it (Dai et al., 2019, appendix B). What lands above the diagonal is
#    > wrong, and the causal mask hides it.
# 3. Is this attention equivariant to shifting the sequence? And the version with absolute sinusoids on the input?
#    > Yes: the scores depend on content and on j − i alone. The same words standing 100 places later get the same
#    > weights and outputs, as long as they see the same words around them. With sinusoids on the input no: q_i·k_j
#    > then has four terms, content or position on either side, and those that mix the two depend on the absolute
#    > positions. Only p_i·p_j itself, without projections, depends on the distance alone.
# 4. T5 adds one learned number per distance bucket, ALiBi a fixed slope times the distance. What do they save, what do
#    they lose?
#    > They save the dot product with the query: one number per head and distance is added to the score. T5 has 32
#    > buckets per head, shared by all layers (Raffel et al., 2020); ALiBi learns nothing, its slopes are 1/2, 1/4, …,
#    > 1/256 for 8 heads (Press et al., 2022). They lose that the preference may depend on the content: here a query
#    > can ask for "the word before" only when it needs it. ALiBi also always prefers near keys; T5 can prefer a single
#    > small distance.
# 5. Decoding with a cache: the one new query is at position S − 1. What do you have to change in `relative_index`?
#    > The queries need an offset: position of query i is S − L + i, so the distance is j − i − (S − L). With L = 1
#    > that is j − (S − 1), from −(S − 1) to 0. For S = 7 and m = 2 the index is [0, 0, 0, 0, 0, 1, 2]; without the
#    > offset it would be [2, 3, 4, 4, 4, 4, 4], as if all keys lay in the future. The table and the rest stay as they
#    > are.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. `rel_k[index]` 有 L·S·d 个数。请改用 L·(2m+1) 个点积加一次 `gather` 得到同样的得分。
#    > `table = q @ rel_k.T` 的形状是 (..., L, 2m+1)，即每个查询与每个向量的点积。
#    > 然后 `table.gather(-1, index.expand(*table.shape[:-1], S))` 为查询 i 和键 j 取出第 index[i, j] 项。
#    > 除舍入误差外，两种算法结果相同。
#    > L = S = 1,024、d = 64、m = 16 时，`rel_k[index]` 有 1,024²·64 ≈ 6,700 万个数，
#    > 而 gather 之前的表，每个头、每个序列只有 1,024·33 ≈ 3.4 万个。
# 2. Transformer-XL 不用 gather，而是平移一个矩阵。怎么做？
#    > 每个距离都有自己的向量，不截断；先算出所有查询与所有距离的 q·r：一个 (L, L) 的矩阵，各列的距离从 L − 1 递减到 0。
#    > 第 i 行需要左移 L − 1 − i 格。
#    > 在最前面补一列零，把这些数按 (L + 1, L) 重新读取，再去掉第一行：
#    > 每一行就比它下面的一行多移了一格（Dai 等，2019，附录 B）。
#    > 对角线以上的内容是错的，但会被因果掩码屏蔽。
# 3. 这种注意力对整个序列的平移是等变的吗？在输入上加绝对正弦编码的版本呢？
#    > 是的：得分只取决于内容和 j − i。
#    > 同样的词整体后移 100 个位置，只要周围看到的词相同，权重和输出就相同。
#    > 在输入上加正弦编码则不是：q_i·k_j 展开有四项，两边各是内容或位置，内容与位置混合的两项取决于绝对位置。
#    > 只有不经过投影的 p_i·p_j 本身才只取决于距离。
# 4. T5 为每个距离桶加一个可学习的数，ALiBi 加一个固定斜率乘以距离。它们节省了什么，又失去了什么？
#    > 省去了与查询的点积：每个头、每个距离只给得分加一个数。
#    > T5 每个头有 32 个桶，各层共用（Raffel 等，2020）；
#    > ALiBi 不学任何参数，8 个头时斜率为 1/2、1/4、…、1/256（Press 等，2022）。
#    > 失去的是偏好不能随内容变化：在本题中，查询可以只在需要时才去找“前一个词”。
#    > ALiBi 还总是偏好近处的键；T5 则可以偏好某一个较小的距离。
# 5. 带缓存解码时，唯一的新查询位于 S − 1。`relative_index` 要怎么改？
#    > 查询要加一个偏移：查询 i 的位置是 S − L + i，距离是 j − i − (S − L)。
#    > L = 1 时就是 j − (S − 1)，从 −(S − 1) 到 0。
#    > S = 7、m = 2 时下标为 [0, 0, 0, 0, 0, 1, 2]；
#    > 如果不加偏移，就成了 [2, 3, 4, 4, 4, 4, 4]，好像所有的键都在未来。相对位置表和其余部分不变。

# %% [markdown] tags=["hint"]
# The index first: a matrix of differences by broadcasting a row of key positions against a column of query positions.
# Then every pair (i, j) has its own vector, and the query is dotted with it as with a key.

# %% [markdown] tags=["hint"] lang="zh"
# 先求下标：键位置的一行与查询位置的一列相减，广播得到差值矩阵。然后每一对 (i, j) 都有自己的向量，查询与它做点积，
# 就像与键做点积。

# %% [markdown] tags=["hint"]
# `rel_k[index]` is (L, S, d). The dot product over d of q (..., L, d) with it is
# `torch.einsum("...id,ijd->...ij", q, rel_k[index])`. Clip before you shift by m: negative indices would wrap around.

# %% [markdown] tags=["hint"] lang="zh"
# `rel_k[index]` 的形状是 (L, S, d)。q (..., L, d) 与它沿 d 的点积是
# `torch.einsum("...id,ijd->...ij", q, rel_k[index])`。
# 先截断再加 m：负的下标会从末尾倒着取。

# %% [markdown] tags=["hint"]
# `index = (torch.arange(S) - torch.arange(L)[:, None]).clamp(-m, m) + m`. Add the two terms, divide their sum by √d,
# and go on as in scaled dot-product attention: mask with −∞, softmax, zero the rows that may see nothing.

# %% [markdown] tags=["hint"] lang="zh"
# `index = (torch.arange(S) - torch.arange(L)[:, None]).clamp(-m, m) + m`。两项相加，和除以 √d，
# 之后与缩放点积注意力相同：用 −∞ 屏蔽，softmax，再把什么都看不到的行置零。

# %% [markdown] tags=["discussion"]
# **Cost.** Gathering the vectors takes L·S·d numbers (they are the same for all heads and sequences if the table is
# shared); dotting q with the 2m+1 vectors first takes L·(2m+1) for every head, and `gather` then picks scores. Both
# give the same result.
#
# **Traps.** An index that is not shifted does not fail: −1 is the last row. The table's rows are for j − i; i − j
# looks just as good in training, until somebody loads your weights elsewhere. If only q·k is divided by √d, the
# position term is √d times too large, and the content hardly counts.
#
# **In real libraries** Shaw et al. add a second table to the values. Music Transformer (Huang et al., 2018) brought
# the memory down from L²·d to L·d by skewing a matrix. T5 keeps a learned number per bucket of distances and head
# instead of a vector, ALiBi only a slope per head. Rotary embeddings (RoPE) turn q and k by angles that grow with
# their positions, so that their dot product depends on the content and on the distance, and on no absolute position.
# Adding sinusoids to the input is none of these: it is absolute.
#
# **Today.** RoPE (Su et al., 2021) is the standard in large language models (PaLM, Llama, Mistral, Qwen, DeepSeek). It
# has no table and adds nothing to the scores, so fused kernels work unchanged. To go beyond the length of training,
# positions are squeezed (position interpolation, Chen et al., 2023; YaRN, Peng et al., 2023) or the base is raised
# (500,000 in Llama 3, 2024). ALiBi is used in BLOOM and MPT. Learned biases live on in vision (Swin, Liu et al.,
# 2021). In PyTorch, `flex_attention` lets you write such a bias as a small function of the score and the positions.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 取出向量需要 L·S·d 个数（如果表是共用的，各头、各序列都相同）；
# 先让 q 与 2m+1 个向量做点积，每个头只需要 L·(2m+1) 个数，再用 `gather` 挑出得分。两者结果相同。
#
# **陷阱。** 没有平移的下标不会报错：−1 就是最后一行。
# 表的行对应 j − i；写成 i − j 训练时看不出差别，直到你的权重被别人的代码加载。
# 如果只把 q·k 除以 √d，位置项就大了 √d 倍，内容几乎不起作用。
#
# **实际的库。** Shaw 等还给值加了第二张表。
# Music Transformer（Huang 等，2018）通过错位重排矩阵，把显存从 L²·d 降到 L·d。
# T5 为每个头、每个距离桶存一个可学习的数而不是一个向量，ALiBi 每个头只有一个斜率。
# 旋转位置编码（RoPE）按位置旋转 q 和 k，使点积只取决于内容和距离，与绝对位置无关。
# 在输入上加正弦编码不属于这些方法：它是绝对位置编码。
#
# **如今。** RoPE（Su 等，2021）是大语言模型的标准做法（PaLM、Llama、Mistral、Qwen、DeepSeek）。
# 它没有表，也不给得分加任何东西，融合算子可以照常使用。
# 要超出训练长度，可以压缩位置（位置插值，Chen 等，2023；YaRN，Peng 等，2023），或增大底数（Llama 3 为 500,000，2024）。
# BLOOM 和 MPT 使用 ALiBi；可学习的偏置仍用于视觉模型（Swin，Liu 等，2021）。
# 在 PyTorch 中，`flex_attention` 可以把这样的偏置写成一个以得分和位置为参数的小函数。
