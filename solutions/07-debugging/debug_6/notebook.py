# %% [markdown]
# > *"Our sparse attention reads the two best keys. With four keys in all it answers, more or less. With a thousand, what
# > comes out looks like the average of everything. What happens in between?"*
#
# The function below runs, and each row of its weights sums to 1. **Mend** `topk_attention`, and **name** the bug: set `bug` to
# one of the twelve slugs listed there. The name counts once the function is mended.
#
# What the function should do:
#
# | | shape | |
# |---|---|---|
# | `q`, `k`, `v` | `(..., L, d)`, `(..., S, d)`, `(..., S, d_v)` | `...` is any number of leading axes, none included |
# | `top_k` | an integer ≥ 1 | `ValueError` when it is smaller; it may be larger than S |
# | `mask` | broadcastable to `(..., L, S)` | boolean, **True = may attend** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | zero for every key that was dropped; each row sums to 1 |
#
# - It returns `(output, weights)`. Scores are q·k/√d. Each query keeps the `top_k` largest of the scores that *the mask allows
#   it*, and has exactly `min(top_k, number of allowed keys)` non-zero weights. The softmax runs over the kept keys alone.
# - Where scores tie, which of the tied keys is kept is up to you; how many is not.
# - A query that may attend to nothing gets zero weights, a zero output and finite (zero) gradients: never NaN.
# - Outputs keep the inputs' dtype and device, float64 and bfloat16 included; inputs are not changed; gradients flow to q, k
#   and v through what was kept. Scores may be as large as ±10,000.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) is off limits;
#   `torch.topk` is not.
#
# **By hand.** Scaled scores 1, 0, 2 and −3, `top_k` = 2: the weights should be 0.269, 0, 0.731 and 0.

# %% [markdown] lang="zh"
# > *“我们的稀疏注意力只读最好的两个键。总共四个键时结果还过得去；总共一千个键时，输出却像所有键的平均。中间发生了什么？”*
#
# 下面的函数能运行，每行权重之和也是 1。请**修好** `topk_attention`，并**指出**错误的名称：
# 把 `bug` 设为单元里列出的十二个标识之一。函数修好之后，名称才计分。
#
# 函数应当做到：
#
# | | 形状 | |
# |---|---|---|
# | `q`、`k`、`v` | `(..., L, d)`、`(..., S, d)`、`(..., S, d_v)` | `...` 是任意多个前导维度，也可以没有 |
# | `top_k` | 整数，≥ 1 | 小于 1 时抛出 `ValueError`；可以大于 S |
# | `mask` | 可广播到 `(..., L, S)` | 布尔型，**True = 可以关注** |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | 被丢掉的键权重为零；每行之和为 1 |
#
# - 返回 `(output, weights)`。注意力分数为 q·k/√d。每个查询在*掩码允许*的得分中保留最大的 `top_k` 个，
#   恰好有 `min(top_k, 允许的键数)` 个非零权重。softmax 只在保留的键之间做。
# - 得分并列时保留其中哪几个由你决定，但个数不能错。
# - 不能关注任何键的查询：权重为零、输出为零、梯度有限（为零），绝不能是 NaN。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；不得修改输入；梯度经由保留下来的部分流向 q、k、v。注意力分数可能大到 ±10,000。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）；`torch.topk` 可以用。
#
# **手算一例。** 缩放后的得分为 1、0、2、−3，`top_k` = 2：权重应为 0.269、0、0.731、0。

# %% tags=["given"]
import torch

# %% tags=["broken"]
def topk_attention(q, k, v, top_k, mask=None):
    """Attention of q (..., L, d) over the top_k best allowed keys k (..., S, d) of each query; v is (..., S, d_v).

    mask: boolean, broadcastable to (..., L, S), True = may attend; None hides nothing.
    Returns (output (..., L, d_v), weights (..., L, S)). Raises ValueError if top_k < 1.
    """
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    sparse = scores.masked_fill(~kept, 0.0)  # drop everything else
    weights = torch.softmax(sparse, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


bug = ""
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
def topk_attention(q, k, v, top_k, mask=None):
    """Attention of q (..., L, d) over the top_k best allowed keys k (..., S, d) of each query; v is (..., S, d_v).

    mask: boolean, broadcastable to (..., L, S), True = may attend; None hides nothing.
    Returns (output (..., L, d_v), weights (..., L, S)). Raises ValueError if top_k < 1.
    """
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


bug = "zeros-not-minus-inf"
### END SOLUTION

# %% tags=["demo"]
# Random queries, keys and values; two keys are read. How far is the output from the plain average of all values?
from grader import heatmap

torch.manual_seed(0)
q, outputs = torch.randn(16, 16), {}
for S in (4, 16, 64, 256, 1024):
    v = torch.randn(S, 4)
    outputs[f"{S} keys"], _ = topk_attention(q, torch.randn(S, 16), v, top_k=2)
    print(f"{S:4} keys: {(outputs[f'{S} keys'] - v.mean(dim=0)).norm(dim=-1).mean():.2f} from the average of all")
heatmap(torch.cat([output[:1] for output in outputs.values()]), rows=list(outputs), title="the output of query 0, top_k = 2")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_6")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_6")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_6")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_6")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_6")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. With S keys, all with scores near 0, how much weight do the dropped ones get from the broken version?
#    > (S − k)/S, as if nothing had been dropped. If all scores are near 0, then every key, kept or dropped, enters the
#    > softmax with e⁰ = 1. With S = 1,000 and k = 10 the dropped ones get 990/1000 = 99 %. With random normal queries
#    > and keys (d = 64) the kept scores are larger, and the dropped ones still get about 87 % (measured, mean of 200
#    > draws).
# 2. Which keys gain from the bug, those with positive or those with negative scores?
#    > Dropped keys with negative scores: theirs is raised to 0, so they get more weight than they would in dense
#    > attention relative to the others; a dropped key with a positive score is lowered to 0 but keeps weight all the
#    > same. The largest gain is that of keys that the mask hides. Their score of −∞ is replaced by 0 as well, so with
#    > a causal mask the future becomes visible.
# 3. Would dropping *after* the softmax be right? What else must one do then?
#    > Yes, if one divides by what is left. Setting the weights of the dropped keys to zero leaves rows that sum to
#    > less than 1; dividing each row by its sum gives exactly the softmax over the kept keys, because the common
#    > denominator cancels. A row that may attend to nothing needs care, since its sum is 0 and 0/0 is NaN. It is more
#    > work than −∞ before the softmax, and the result is the same.
# 4. The number of kept keys is often given as a share, `int(S * 0.1)`. What happens for S = 9?
#    > int(0.9) is 0, so no key is kept. With −∞ before the softmax, all scores of a row are −∞ and the output is NaN;
#    > the function here raises a `ValueError` instead, which is better. Use `max(1, math.ceil(S * share))`, and test
#    > with short sequences, where this appears first.
# 5. Which invariant would you test in continuous integration?
#    > That each row has exactly `min(top_k, allowed)` weights that are not zero, and that each row sums to 1. A
#    > stronger one looks at behaviour: change the value, or the key, of a dropped position by a little, and the output
#    > must not change at all. I run it with a mask too, where hidden positions must have weight 0. The sum alone is
#    > not enough, the broken version passes that.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 有 S 个键、得分都接近 0 时，在有错的版本里被“丢掉”的键一共得到多少权重？
#    > (S − k)/S，和根本没丢一样。得分都接近 0 时，无论保留与否，每个键在 softmax 里都是 e⁰ = 1。S = 1000、k = 10 时，被丢掉的键得到 990/1000 = 99 %。
#    > 查询和键为随机正态数（d = 64）时，保留的得分更高，但被丢掉的键仍得到约 87 %（实测，200 次的平均）。
# 2. 哪些键因这个错误而受益：得分为正的还是为负的？
#    > 得分为负的、被丢掉的键：它们的得分被抬高到 0，与其他键相比，权重比稠密注意力中还大；得分为正的被丢掉的键降到 0，但仍有权重。受益最大的是被掩码屏蔽的键：它们的 −∞ 也被换成了 0，于是在因果掩码下也能看到未来。
# 3. 在 softmax *之后*再丢掉对吗？那样还必须做什么？
#    > 对，但要除以剩余之和。把被丢掉的键的权重置零之后，每行之和小于 1；再让每行除以自己的和，得到的恰好是保留的键之间的 softmax，因为公共分母会约掉。
#    > 不能关注任何键的行要特别处理，因为它的和是 0，而 0/0 是 NaN。这比在 softmax 之前填 −∞ 麻烦，结果相同。
# 4. 保留个数常写成比例 `int(S * 0.1)`。S = 9 时会怎样？
#    > int(0.9) 是 0，一个键也不保留。若在 softmax 之前填 −∞，一行得分全是 −∞，输出是 NaN；本题的函数会抛出 `ValueError`，这样更好。
#    > 应当写 `max(1, math.ceil(S * share))`，并用短序列测试：问题往往出现在数据集里很短的序列上。
# 5. 你会在持续集成里测试哪个不变量？
#    > 每行恰好有 `min(top_k, 允许的键数)` 个非零权重，并且每行之和为 1。更强的测试看行为：把被丢掉的位置的值或键稍加改动，输出应当完全不变。加掩码时也要测，被屏蔽的位置权重必须为 0。
#    > 只检查每行之和是不够的，有错的版本也能通过。

# %% [markdown] tags=["hint"]
# Count the weights that are not zero: how many are there, and how many should be? Then look at the scores right before the softmax.

# %% [markdown] tags=["hint"] lang="zh"
# 数一数非零权重：有几个？应当有几个？再看一看 softmax 之前的得分。

# %% [markdown] tags=["hint"]
# The softmax exponentiates. What is e⁰, and which score becomes a weight of exactly 0?

# %% [markdown] tags=["hint"] lang="zh"
# softmax 会取指数。e⁰ 等于多少？什么样的得分才会得到恰好为 0 的权重？

# %% [markdown] tags=["hint"]
# Fill the scores that were not kept with −∞ in place of 0; the rest of the function stays as it is.

# %% [markdown] tags=["hint"] lang="zh"
# 没被保留的得分应填 −∞ 而不是 0；函数的其余部分不用改。

# %% [markdown] tags=["discussion"]
# **The source.** A document's sparse attention multiplies the scores by a 0/1 selection and then takes the softmax.
# Every dropped key has e⁰ = 1 in the sum: with 1,000 keys and ten kept, the 990 others get about 87 % of the weight
# when queries and keys are random normal numbers (d = 64, scores scaled). Keys with negative scores gain, and a masked
# score of −∞ times 0 is NaN. It also leaves out the scale, and its number of kept keys, `int(S * 0.1)`, is 0 for S < 10.
#
# **Two right ways.** −∞ before the softmax; or a dense softmax, zeros for what was not selected, and a division by what is left of
# the sum. They give the same numbers: the softmax keeps order, and the common denominator cancels.
#
# **Finding such a bug.** Assert what the name promises: `(weights > 0).sum(-1) == min(top_k, allowed)`, and the sum of each row.
# Here the sum was 1 all along, which is why it went unnoticed.
#
# **Today.** Top-k selection is back in large models, but trained with the model and made for the hardware. NSA (Yuan
# et al., 2025) chooses blocks of keys by their scores and gathers them; DeepSeek sparse attention (DeepSeek-V3.2,
# 2025) lets a small scorer, the "lightning indexer", choose 2,048 tokens for each query. The attention then runs only
# on what was chosen, so there are no dropped scores to fill; where a mask is used instead, it is −∞. Weights that are
# exactly zero without any selection come from sparsemax (Martins and Astudillo, 2016) and entmax (Peters et al.,
# 2019).

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料的稀疏注意力先把得分乘以 0/1 的选择结果，再做 softmax。每个被丢掉的键在求和里都有 e⁰ = 1：
# 1000 个键只留 10 个、查询和键为随机正态数（d = 64，得分已缩放）时，其余 990 个约占 87 % 的权重。
# 得分为负的键反而受益；被屏蔽的 −∞ 乘以 0 则是 NaN。它还漏了缩放，而保留个数 `int(S * 0.1)` 在 S < 10 时为 0。
#
# **两种正确做法。** 在 softmax 之前填 −∞；或者先做稠密 softmax，把没选中的置零，再除以剩余之和。
# 两者数值相同：softmax 保持次序，公共分母会约掉。
#
# **怎样发现。** 断言名字所承诺的性质：`(weights > 0).sum(-1) == min(top_k, 允许的键数)`，以及每行之和。
# 这里每行之和一直是 1，所以没人察觉。
#
# **如今。** top-k 选择又回到了大模型中，不过是与模型一起训练，并针对硬件设计。NSA（Yuan 等，2025）按得分选出若干键块再取出来计算；
# DeepSeek 稀疏注意力（DSA；DeepSeek-V3.2，2025）用一个轻量的索引模块（lightning indexer）为每个查询选出 2,048 个词元。之后的注意力只在选中的部分上计算，没有需要填充的得分；
# 若改用掩码，填的就是 −∞。不做选择也能得到恰好为零的权重，方法是 sparsemax（Martins 和 Astudillo，2016）和 entmax（Peters 等，2019）。
