# %% [markdown]
# > *"Each token only needs its neighbours. Give me attention over a sliding window, and don't build the full matrix and mask it."*
#
# Sliding-window attention (Longformer, Beltagy et al., 2020; Mistral 7B, Jiang et al., 2023): query i sees the keys within
# `window` positions of it. Masking a full L×L matrix gives the right numbers and saves nothing. The point is never to make one.
#
# **Write** `local_attention(q, k, v, window, causal=False) -> output`.
#
# | | shape | |
# |---|---|---|
# | `q`, `k` | `(..., L, d)` | as many queries as keys; `...` is any number of leading axes, none included |
# | `v` | `(..., L, d_v)` | d_v may differ from d |
# | `window` | an integer ≥ 0 | `ValueError` when negative; it may be larger than L |
# | `output` | `(..., L, d_v)` | the output alone, no weights |
#
# - Query i sees key j exactly when `|i − j| <= window`: `2·window + 1` keys, itself among them. With `causal=True` also `j <= i`:
#   `window + 1` keys. At both ends of the sequence there are fewer, and only those count: nothing wraps around, nothing is
#   padded in.
# - Scores are q·k/√d, softmax over the keys seen.
# - **No tensor with L·L elements** (for a single head) is made on the way, not even a boolean mask. This is measured with
#   `L >= 4·d·(2·window + 1)`, so that a copy of every query's keys, L·(2·window + 1)·d elements, is fine.
#   It is watched inside your own process, as PyTorch makes the tensors: a check that helps you, and no proof against
#   somebody who hides them.
# - Outputs keep the inputs' dtype and device; inputs are not changed; gradients flow to q, k and v. Scores may be as large
#   as ±10,000.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used.
#
# **By hand.** L = 5, `window` = 1, all scores equal, values 1, 2, 3, 4, 5: every query takes the mean of what it sees, 1.5, 2, 3, 4, 4.5.
# With `causal=True` it is 1, 1.5, 2.5, 3.5, 4.5. If the padding at the
# ends counted as a key of score 0, the first would be (0 + 1 + 2)/3 = 1.

# %% [markdown] lang="zh"
# > *“每个词元只需要看它的邻居。写一个滑动窗口注意力，但不要先建整个矩阵再屏蔽。”*
#
# 滑动窗口注意力（Longformer，Beltagy 等，2020；Mistral 7B，Jiang 等，2023）：查询 i 只看距离不超过 `window` 的键。
# 先算完整的 L×L 矩阵再加掩码，数值是对的，却什么也没省。关键就在于根本不生成这个矩阵。
#
# **请实现** `local_attention(q, k, v, window, causal=False) -> output`。
#
# | | 形状 | |
# |---|---|---|
# | `q`、`k` | `(..., L, d)` | 查询与键一样多；`...` 是任意多个前导维度，也可以没有 |
# | `v` | `(..., L, d_v)` | d_v 可以与 d 不同 |
# | `window` | 整数，≥ 0 | 为负时抛出 `ValueError`；可以大于 L |
# | `output` | `(..., L, d_v)` | 只返回输出，不返回权重 |
#
# - 查询 i 能看到键 j，当且仅当 `|i − j| <= window`：共 `2·window + 1` 个键，包括它自己。`causal=True` 时还要求 `j <= i`：
#   共 `window + 1` 个键。序列两端的键更少，只算真实存在的：既不绕回另一端，也不把填充算进去。
# - 得分为 q·k/√d，softmax 只在看得到的键之间做。
# - 过程中**不得生成含 L·L 个元素的张量**（就单个头而言），布尔掩码也不行。测量时 `L >= 4·d·(2·window + 1)`，
#   因此为每个查询复制一份它的键（L·(2·window + 1)·d 个元素）没有问题。
#   这是在你自己的进程里、随 PyTorch 创建张量时观察的：它用来帮助你，并不能防住刻意隐藏的人。
# - 输出保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k、v。得分可能大到 ±10,000。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** L = 5，`window` = 1，所有得分相等，值为 1、2、3、4、5：每个查询取所见值的平均，即 1.5、2、3、4、4.5；
# `causal=True` 时为 1、1.5、2.5、3.5、4.5。若把两端的填充当成得分为 0 的键，第一个就成了 (0 + 1 + 2)/3 = 1。

# %% tags=["demo"]
# Who sees whom with window = 2. Only the filled diagonals carry anything: 2·window + 1 numbers a row, however long the sequence.
import torch
from grader import heatmap

distance = torch.arange(10) - torch.arange(10).unsqueeze(1)
(
    heatmap(distance.abs() <= 2, title="window = 2")
    + heatmap((distance.abs() <= 2) & (distance <= 0), title="window = 2, causal")
)

# %% tags=["given"]
import torch
import torch.nn.functional as F

# %% tags=["solution"]
def local_attention(q, k, v, window, causal=False):
    """Attention of q (..., L, d) over the keys k (..., L, d) within `window` positions; v is (..., L, d_v).

    causal: also hide the keys after the query.
    Returns the output (..., L, d_v). Raises ValueError if window < 0.
    """
    ### BEGIN SOLUTION
    if window < 0:
        raise ValueError("window must not be negative")
    L = q.shape[-2]
    i = torch.arange(L, device=q.device).unsqueeze(-1)
    j = i + torch.arange(-window, window + 1, device=q.device)
    seen = (j >= 0) & (j < L)
    if causal:
        seen = seen & (j <= i)
    j = j.clamp(0, L - 1)
    scores = torch.einsum("...ld,...lwd->...lw", q, k[..., j, :]) * q.shape[-1] ** -0.5
    weights = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
    return torch.einsum("...lw,...lwd->...ld", weights, v[..., j, :])
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("local_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("local_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(local_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. With a window of w on each side and n layers, how far can information travel? And with causal windows?
#    > n·w positions in each direction: layer 1 brings what is at most w away, layer 2 what those positions had
#    > collected, and so on. So a position can depend on up to 2·n·w + 1 inputs. With causal windows it is n·w positions
#    > back and none forward. This is an upper limit: what comes from far away was mixed again in every layer.
# 2. Your version copies each key 2w + 1 times. How would blocks of queries avoid that? What do they compute in vain?
#    > Cut the sequence into blocks of w queries and multiply each with three blocks of keys, its own and both
#    > neighbours. Every key is then read by three blocks, and each step is a matrix product. A block computes w·3w
#    > scores and needs w·(2w + 1), so about a third is computed in vain and masked. Longformer's PyTorch version takes
#    > overlapping chunks of 2w queries and 2w keys, a step of w apart, so that about half is in vain (Beltagy et al.,
#    > 2020). With causal windows, w queries against 2w keys: half in vain as well.
# 3. When decoding with a causal window, how large must the key-value cache be? How would you store it?
#    > w + 1 keys and values in each layer, the current token among them, however long the text is. Store it as a *ring
#    > buffer*: position p goes to slot p mod (w + 1) and overwrites what has left the window. The order of the slots
#    > does not matter to the softmax, as long as each key carries its own position (RoPE is applied before storing).
#    > For Mistral 7B (32 layers, 8 key-value heads of 128, bfloat16) a token takes 2·32·8·128·2 bytes = 128 KiB: 512
#    > MiB for a window of 4,096, in place of 4 GiB for 32,768 tokens.
# 4. Models with windows often keep a few tokens visible to all positions. What breaks without them?
#    > Two things. In an encoder, a token such as [CLS] that has to summarise the text would see only its neighbours;
#    > Longformer and BigBird therefore let some tokens see, and be seen by, all positions. In a language model that was
#    > trained with full attention, the first tokens are *attention sinks*: heads with nothing to look for put their
#    > weight there. When a window drops these keys, the weight goes elsewhere and the model fails: with a cache of
#    > 1,024 tokens Llama-2-13B goes to a perplexity of 5,158, and with the first four tokens kept to 5.40 (Xiao et al.,
#    > 2023).
# 5. When is a fused kernel for the full matrix faster than your window, and why?
#    > Whenever moving data costs more than the products that are saved. This version copies the keys of each query: for
#    > L = 4,096, w = 128 and d = 64 in float32 that is 4,096·257·64·4 bytes = 257 MiB, for keys of 1 MiB, and the same
#    > for values. On one CPU core (PyTorch 2.13) it took several times as long as `F.scaled_dot_product_attention` over
#    > the full matrix, although it computes 16 times fewer products. The best of both is a fused kernel that skips the
#    > blocks outside the window.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 每侧窗口为 w，共 n 层，信息最远能传多远？因果窗口呢？
#    > 每个方向 n·w 个位置：第一层带来距离 w 以内的信息，第二层带来那些位置已经收集到的信息，以此类推。
#    > 所以一个位置最多可以依赖 2·n·w + 1 个输入。因果窗口则是往前 n·w 个位置，往后没有。
#    > 这只是上限：远处的信息每过一层都会再被混合一次。
# 2. 你的写法把每个键复制了 2w + 1 份。把查询分块如何避免？又有哪些是白算的？
#    > 把序列切成每块 w 个查询，每块与三块键相乘：自己那一块和左右相邻的两块。
#    > 这样每个键只被三个块读取，每一步都是矩阵乘法。每块要算 w·3w 个得分，需要的是 w·(2w + 1) 个，
#    > 所以大约三分之一是白算的，要屏蔽掉。Longformer 的 PyTorch 实现用的是相互重叠的块，每块 2w 个查询和 2w 个键，
#    > 相邻两块错开 w，因此大约一半是白算的（Beltagy 等，2020）。因果窗口时用 w 个查询对 2w 个键，同样白算一半。
# 3. 用因果窗口解码时，键值缓存需要多大？你会怎么存？
#    > 每层 w + 1 个键和值，包括当前词元，与文本长度无关。用*环形缓冲区*（ring buffer）存：
#    > 位置 p 写入第 p mod (w + 1) 个槽，覆盖已经离开窗口的内容。
#    > 槽的次序对 softmax 没有影响，只要每个键自己带着位置信息（存入之前已做过旋转位置编码，RoPE）。
#    > 以 Mistral 7B 为例（32 层，8 个 128 维的键值头，bfloat16），每个词元占 2·32·8·128·2 字节 = 128 KiB：
#    > 窗口 4,096 时共 512 MiB，而不用窗口、32,768 个词元时要 4 GiB。
# 4. 使用窗口的模型常常保留几个对所有位置可见的全局词元。没有它们会出什么问题？
#    > 有两个问题。在编码器里，[CLS] 这样要概括全文的词元就只能看到自己的邻居；
#    > 所以 Longformer 和 BigBird 让少数词元能看到所有位置，也被所有位置看到。
#    > 在按完整注意力训练的语言模型里，开头的几个词元是 *attention sink*：没有合适目标的头会把权重放在它们上面。
#    > 窗口把这些键丢掉后，权重只好落到别处，模型就崩溃了：
#    > 缓存 1,024 个词元时，Llama-2-13B 的困惑度升到 5,158；保留最前面的四个词元则为 5.40（Xiao 等，2023）。
# 5. 什么时候完整矩阵的融合算子反而比你的窗口快？为什么？
#    > 只要搬运数据的开销超过省下的乘法。这种写法为每个查询复制它的键：
#    > L = 4,096、w = 128、d = 64、float32 时，副本有 4,096·257·64·4 字节 = 257 MiB，而键本身只有 1 MiB；值也一样。
#    > 在单个 CPU 核上（PyTorch 2.13），它所用的时间是 `F.scaled_dot_product_attention` 算完整矩阵的好几倍，
#    > 尽管乘法只有十六分之一。两全其美的办法是会跳过窗口之外各块的融合算子。

# %% [markdown] tags=["hint"]
# Think of scores of shape (..., L, 2·window + 1): one row a query, one column an *offset*, not a key.

# %% [markdown] tags=["hint"] lang="zh"
# 设想形状为 (..., L, 2·window + 1) 的得分：一行一个查询，一列是一个*偏移*，而不是一个键。

# %% [markdown] tags=["hint"]
# `j = i + offset` says which key a column stands for. Some of those j do not exist: clamp them for the look-up, and
# remember which they were: their scores become −∞.

# %% [markdown] tags=["hint"] lang="zh"
# `j = i + offset` 说明每一列对应哪个键。有些 j 并不存在：查找时先把它们截断到合法范围，同时记住是哪些，把它们的得分变成 −∞。

# %% [markdown] tags=["hint"]
# With `j` of shape (L, 2·window + 1), `k[..., j.clamp(0, L - 1), :]` is (..., L, 2·window + 1, d). Dot each q with its own row of
# keys (`einsum`), scale, fill with −∞ where `j < 0`, `j >= L`, or (causal) `j > i`, softmax, and mix the values likewise.

# %% [markdown] tags=["hint"] lang="zh"
# `j` 的形状为 (L, 2·window + 1)，`k[..., j.clamp(0, L - 1), :]` 的形状为 (..., L, 2·window + 1, d)。
# 用 `einsum` 让每个 q 与自己那一行键做点积并缩放；在 `j < 0`、`j >= L` 或（因果时）`j > i` 处填 −∞，做 softmax，再用同样的方式混合值。

# %% [markdown] tags=["discussion"]
# **Cost.** L·(2w + 1)·(d + d_v) multiply-adds in place of L²·(d + d_v). This version gathers the keys of each query,
# L·(2w + 1)·d numbers. Blocks of w queries against 3w keys need no gather, and about a third of their products is in
# vain (LongT5, Guo et al., 2022, computes its local attention like this); Longformer's PyTorch version takes
# overlapping chunks of 2w queries and 2w keys, and about half is in vain. `unfold(-2, 2w + 1, 1)` on padded keys makes
# the windows as a view, though a matrix product may still copy it.
#
# **Traps.** Padding with zeros and forgetting to mask adds keys of score 0 at the ends, which is invisible in the
# middle. `torch.roll` and negative indices wrap around. A "window of size w" may mean w on each side, w in all, or, as
# in Mistral's causal 4,096, the number of tokens with the current one included: ask.
#
# **Reach.** After n layers information has travelled up to n·w positions (in each direction if not causal); Mistral 7B,
# with 32 layers and W = 4,096, states about 131k tokens (Jiang et al., 2023).
#
# **Today.** Windows are used in some layers, not in all: Gemma 2 (2024) alternates windows of 4,096 with full
# attention, Gemma 3 (2025) has five layers with windows of 1,024 for each full one, and gpt-oss (OpenAI, 2025)
# alternates windows of 128 with full attention. The cache of a local layer is a ring buffer. Against the loss of
# *attention sinks* (Xiao et al., 2023) one keeps the first tokens, or, as gpt-oss does, gives every head a learned
# extra term in the softmax's denominator. The kernels are fused and skip the blocks outside the window: `window_size`
# in the flash-attn library, or FlexAttention in PyTorch (Dong et al., 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** L·(2w + 1)·(d + d_v) 次乘加，取代 L²·(d + d_v) 次。这个版本为每个查询收集它的键，共 L·(2w + 1)·d 个数。
# 把 w 个查询作为一块、与 3w 个键相乘则无需收集，但大约三分之一的乘积是白算的，
# LongT5 的局部注意力就是这样算的（Guo 等，2022）；
# Longformer 的 PyTorch 实现用相互重叠的块，每块 2w 个查询和 2w 个键，大约一半白算。
# 对填充后的键用 `unfold(-2, 2w + 1, 1)` 能以视图得到这些窗口，不过矩阵乘法仍可能把它复制出来。
#
# **陷阱。** 用零填充却忘了屏蔽，会在两端多出得分为 0 的键，而在序列中间看不出来。`torch.roll` 和负下标会绕回另一端。
# “大小为 w 的窗口”可能指每侧 w 个、总共 w 个，或者像 Mistral 的因果窗口 4,096 那样指包括当前词元在内的个数：要问清楚。
#
# **能看多远。** 经过 n 层，信息最远传播 n·w 个位置（非因果时两个方向都是）；
# Mistral 7B 有 32 层、W = 4,096，称理论上约 131k 个词元（Jiang 等，2023）。
#
# **如今。** 窗口只用在一部分层里：Gemma 2（2024）的窗口层（4,096）与完整注意力层交替；
# Gemma 3（2025）每五个窗口层（1,024）配一个完整注意力层；gpt-oss（OpenAI，2025）的窗口层（128）与完整注意力层交替。
# 局部层的缓存用环形缓冲区。为了不丢掉 *attention sink*（Xiao 等，2023），可以一直保留最前面的几个词元，
# 或者像 gpt-oss 那样，给每个头在 softmax 的分母里加一个可学习的项。
# 算子都是融合的，会跳过窗口之外的块：flash-attn 库的 `window_size`，或 PyTorch 的 FlexAttention（Dong 等，2024）。
