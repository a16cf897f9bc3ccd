# %% [markdown]
# > *"Padding, causality, both: everybody masks before the softmax. Write that softmax for me, so that nothing is ever
# > NaN,
# > neither the weights nor the gradients."*
#
# Every kind of attention ends in this function, and most of the NaNs in the logs of training runs begin in it. There
# are three things to get right at once: hidden entries get exactly nothing, large scores do not overflow, and a slice
# in which everything is hidden has an answer.
#
# $$\operatorname{weights}_i = \frac{m_i\,e^{s_i}}{\sum_j m_j\,e^{s_j}}, \qquad \text{all zeros where every } m_j = 0$$
#
# **Write** `masked_softmax(scores, mask, dim=-1) -> weights`.
#
# | | | |
# |---|---|---|
# | `scores` | any shape | floating point, values up to ±10,000 |
# | `mask` | broadcastable to the shape of `scores` | always a boolean tensor, **True = counts**; it may have fewer axes, or axes of size 1 |
# | `dim` | an axis of `scores` | positive or negative; the softmax runs along it |
# | `weights` | the shape of `scores` | each slice along `dim` sums to 1, or is all zeros |
#
# - `dim` counts the axes of `scores`, whatever the shape of the mask: with scores (B, L, S), a mask (L, S) and
#   `dim=0`, the softmax runs over B.
# - A slice that is hidden altogether is all zeros, and its gradient is zero: never NaN.
# - Gradients are right everywhere: zero at hidden entries, finite in every slice.
# - A hidden score may be far above every score that counts (say 10,000 against −10,000), and must not matter.
# - The result keeps the dtype and device of `scores`, float64 and bfloat16 included. Inputs are not changed.
# - `torch.softmax` may be used; axes are never empty.
#
# **By hand.** Scores [1, 2, 3], mask [True, False, True]: e¹/(e¹ + e³) = 1/(1 + e²) ≈ 0.119, then 0, then 0.881.
# Setting the score 2 to 0 instead gives 0.114, 0.042, 0.844: e⁰ is 1, not 0. Taking the softmax first gives 0.090,
# 0.245, 0.665; with the middle set to 0, the rest sums to 0.755.

# %% [markdown] lang="zh"
# > *“填充掩码、因果掩码，大家都是在 softmax 之前屏蔽。请写出这个 softmax，权重和梯度都绝不能出现 NaN。”*
#
# 每一种注意力最后都要用到这个函数，训练日志里的 NaN 也大多从这里开始。三件事要同时做对：被屏蔽的元素权重恰好为零，
# 很大的打分不溢出，整个切片都被屏蔽时也有确定的结果。
#
# $$\operatorname{weights}_i = \frac{m_i\,e^{s_i}}{\sum_j m_j\,e^{s_j}}, \qquad \text{所有 } m_j = 0 \text{ 时全为零}$$
#
# **请实现** `masked_softmax(scores, mask, dim=-1) -> weights`。
#
# | | | |
# |---|---|---|
# | `scores` | 任意形状 | 浮点数，取值可达 ±10,000 |
# | `mask` | 可广播到 `scores` 的形状 | 总是布尔张量，**True = 计入**；维数可以更少，也可以有大小为 1 的维度 |
# | `dim` | `scores` 的一个维度 | 可正可负；softmax 沿该维度进行 |
# | `weights` | 与 `scores` 同形状 | 沿 `dim` 的每个切片之和为 1，或全为零 |
#
# - `dim` 指的是 `scores` 的维度，与掩码的形状无关：打分为 (B, L, S)、掩码为 (L, S)、`dim=0` 时，softmax 沿 B 进行。
# - 整个切片都被屏蔽时，权重全为零，梯度为零，绝不能是 NaN。
# - 梯度处处正确：被屏蔽处为零，每个切片中都有限。
# - 被屏蔽的打分可以远高于所有计入的打分（例如 10,000 对 −10,000），且不得有任何影响。
# - 结果保持 `scores` 的 dtype 和设备，包括 float64 和 bfloat16。不得修改输入。
# - 可以使用 `torch.softmax`；不会出现大小为零的维度。
#
# **手算一例。** 打分 [1, 2, 3]，掩码 [True, False, True]：e¹/(e¹ + e³) = 1/(1 + e²) ≈ 0.119，然后是 0，然后是 0.881。
# 若把打分 2 改成 0，则得到 0.114、0.042、0.844：e⁰ 是 1 而不是 0。若先做 softmax，得到 0.090、0.245、0.665；
# 再把中间的置零，剩下的之和只有 0.755。

# %% tags=["demo"]
# Four rows of the same scores under a causal mask whose first row is hidden as well (as for padding on the left): what you should get.
from grader import heatmap

heatmap(
    [[0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1554, 0.4223, 0.4223, 0], [0.1343, 0.3651, 0.3651, 0.1343]],
    rows=["nothing", "two", "three", "all"],
    columns=["s=0", "s=1", "s=1", "s=0"],
    title="weights",
)

# %% tags=["given"]
import torch

# %% tags=["solution"]
def masked_softmax(scores, mask, dim=-1):
    """Softmax of scores along dim over the entries where mask (boolean, broadcastable to scores) is True.

    Hidden entries get 0, and so do slices that are hidden altogether.
    """
    ### BEGIN SOLUTION
    mask = mask.expand(scores.shape)
    hidden = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(hidden, dim=dim)
    return weights.masked_fill(~mask.any(dim=dim, keepdim=True), 0.0)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("masked_softmax")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("masked_softmax")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(masked_softmax)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Write the backward pass of the softmax. Where exactly does 0 · NaN arise if −∞ was *added* to the scores?
# 2. Why is `nan_to_num` on the weights enough for the forward pass, and not always for the backward pass?
# 3. −10⁹ instead of −∞: what comes out of a fully hidden slice? And in float16?
# 4. Should a fully hidden row be zeros, uniform, or an error? What does `F.scaled_dot_product_attention` do?
# 5. How would you do the same in one pass over blocks of the row, as FlashAttention does?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 写出 softmax 的反向传播。如果 −∞ 是*加*到打分上的，0 · NaN 究竟出现在哪里？
# 2. 为什么对权重做 `nan_to_num` 足以修好前向传播，却不一定能修好反向传播？
# 3. 用 −10⁹ 代替 −∞：整个切片都被屏蔽时结果是什么？在 float16 里呢？
# 4. 整行被屏蔽时，应当返回零、均匀分布，还是报错？`F.scaled_dot_product_attention` 怎么做？
# 5. 如何像 FlashAttention 那样，分块一遍扫过整行来完成同样的计算？

# %% [markdown] tags=["hint"]
# Hide before the softmax, repair after it. e^(−∞) is exactly 0; only a slice without any finite score is left to care
# for.

# %% [markdown] tags=["hint"] lang="zh"
# softmax 之前屏蔽，之后修补。e^(−∞) 恰好是 0；只剩下没有任何有限打分的切片需要处理。

# %% [markdown] tags=["hint"]
# `masked_fill` does two things that adding −∞ does not: it ignores what was there, and it lets no gradient through.
# To find the hidden slices with `mask.any(dim=…)`, the mask must have the axes of the scores.

# %% [markdown] tags=["hint"] lang="zh"
# `masked_fill` 比加 −∞ 多做了两件事：忽略原来的值，并且不让梯度通过。要用 `mask.any(dim=…)` 找出被整体屏蔽的切片，
# 掩码必须先有与打分相同的维度。

# %% [markdown] tags=["hint"]
# `mask = mask.expand(scores.shape)`; fill `scores` with −∞ where `~mask`; softmax along `dim`; fill the weights with
# 0 where `~mask.any(dim=dim, keepdim=True)`.

# %% [markdown] tags=["hint"] lang="zh"
# `mask = mask.expand(scores.shape)`；在 `~mask` 处把 `scores` 填成 −∞；沿 `dim` 做 softmax；
# 在 `~mask.any(dim=dim, keepdim=True)` 处把权重填成 0。

# %% [markdown] tags=["discussion"]
# **The backward pass** of the softmax is y·(g − Σ g·y). In a fully hidden slice y is NaN, so the gradient that leaves
# the softmax is NaN there even if g is 0. `masked_fill` before the softmax stops it: filled places pass no gradient,
# and in such a slice all places are filled. An addition passes the NaN on, to q, to k, and to every parameter behind
# them.
#
# **Repairs that work** are those that act on both sides of the softmax, or that never make a NaN: fill such slices
# with 0 instead of −∞ and zero the weights afterwards; or compute e^(s − m)·mask with m the largest score *that
# counts*, and divide by a sum clamped from below. With m the largest of *all* scores, or with softmax · mask / sum, a
# hidden score that is 100 above the rest makes everything else underflow.
#
# **Libraries.** `F.scaled_dot_product_attention` has returned zeros for fully hidden rows since PyTorch 2.5 and NaN
# before, and `torch.masked.softmax` returns NaN. A finite fill such as −10⁹ gives the average of what should not be
# seen: no NaN, no alarm, and a leak.

# %% [markdown] tags=["discussion"] lang="zh"
# **反向传播。** softmax 的梯度是 y·(g − Σ g·y)。在整体被屏蔽的切片里 y 是 NaN，即使 g 为 0，从 softmax 传出的梯度也是
# NaN。softmax 之前的 `masked_fill` 会截断它：被填充的位置不传梯度，而这样的切片全部被填充。加法则会把 NaN 继续传给 q、
# k 以及它们背后的所有参数。
#
# **可靠的修补**要么在 softmax 两侧都起作用，要么根本不产生 NaN：把这样的切片填 0 而不是 −∞，之后再把权重置零；
# 或者计算 e^(s − m)·mask，其中 m 是*计入的*打分的最大值，再除以有下限的和。若 m 取*全部*打分的最大值，或使用 softmax
# · mask / sum，那么一个比其余高出 100 的被屏蔽打分会让其余全部下溢。
#
# **实际的库。** `F.scaled_dot_product_attention` 从 PyTorch 2.5 起对整行屏蔽返回零，之前返回 NaN；
# `torch.masked.softmax` 返回 NaN。用 −10⁹ 之类的有限数填充，得到的是本不该看的内容的平均：没有 NaN，没有警报，
# 却泄漏了信息。
