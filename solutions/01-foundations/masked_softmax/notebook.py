# %% [markdown]
# > *"Padding, causality, both: everybody masks before the softmax. Write that softmax for me, so that nothing is ever
# > NaN, neither the weights nor the gradients."*
#
# Every attention with a mask needs this function, and a NaN can begin in it: a softmax over nothing is 0/0. There are
# three things to get right at once: hidden entries get exactly nothing, large scores do not overflow, and a slice in
# which everything is hidden has an answer.
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
# 凡是带掩码的注意力都要用到这个函数，而 NaN 可能就从这里开始：一个元素都不剩的 softmax 是 0/0。三件事要同时做对：
# 被屏蔽的元素权重恰好为零，很大的得分不溢出，整个切片都被屏蔽时也有确定的结果。
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
# - `dim` 指的是 `scores` 的维度，与掩码的形状无关：得分为 (B, L, S)、掩码为 (L, S)、`dim=0` 时，softmax 沿 B 进行。
# - 整个切片都被屏蔽时，权重全为零，梯度为零，绝不能是 NaN。
# - 梯度处处正确：被屏蔽处为零，每个切片中都有限。
# - 被屏蔽的得分可以远高于所有计入的得分（例如 10,000 对 −10,000），且不得有任何影响。
# - 结果保持 `scores` 的 dtype 和设备，包括 float64 和 bfloat16。不得修改输入。
# - 可以使用 `torch.softmax`；不会出现大小为零的维度。
#
# **手算一例。** 得分 [1, 2, 3]，掩码 [True, False, True]：e¹/(e¹ + e³) = 1/(1 + e²) ≈ 0.119，然后是 0，然后是 0.881。
# 若把得分 2 改成 0，则得到 0.114、0.042、0.844：e⁰ 是 1 而不是 0。若先做 softmax，得到 0.090、0.245、0.665；
# 再把中间的置零，剩下的之和只有 0.755。

# %% tags=["demo"]
# What you should get. Four rows of the same scores: nothing counts in the first, two entries in the second, and so on.
import torch
from grader import heatmap

heatmap(
    [torch.softmax(torch.tensor([0.0, 1.0, 1.0, 0.0])[:n], dim=0).tolist() + [0.0] * (4 - n) for n in (0, 2, 3, 4)],
    rows=["nothing", "two", "three", "all"],
    columns=["s=0", "s=1", "s=1", "s=0"],
    title="weights",
)

# %% tags=["demo"]
# The derivative of each weight (row) by each score (column): four equal scores, then one that is 8 above the rest.
heatmap(
    [
        [round(value, 2) + 0.0 for value in row]
        for scores in ([0.0, 0.0, 0.0, 0.0], [8.0, 0.0, 0.0, 0.0])
        for row in torch.autograd.functional.jacobian(lambda s: torch.softmax(s, dim=0), torch.tensor(scores)).tolist()
    ],
    rows=[f"{case}, weight {n}" for case in ("all equal", "one far above") for n in (1, 2, 3, 4)],
    columns=["s1", "s2", "s3", "s4"],
    title="where one score is far above, hardly any gradient is left",
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
#    > With y = softmax(s) and g the gradient that arrives at y, the gradient of s is y·(g − Σ_j g_j·y_j). In a fully
#    > hidden slice y is NaN. If the weights are set to 0 afterwards, g is 0 there, but g_j·y_j is 0 · NaN = NaN, and
#    > so is the product with y. An addition passes its gradient on unchanged, so the NaN goes to the scores, and from
#    > there to the queries and keys. `masked_fill` passes no gradient at filled places, and stops it.
# 2. Why is `nan_to_num` on the weights enough for the forward pass, and not always for the backward pass?
#    > It replaces the numbers that come out of the softmax, and it sends a gradient of 0 back at those places. But
#    > the softmax's own backward pass multiplies this 0 by the NaN that it has stored, and gets NaN. What happens
#    > next depends on how the scores were hidden: with `masked_fill` the NaN is stopped before it reaches the scores,
#    > so `nan_to_num` is enough; with an added −∞ it is not.
# 3. −10⁹ instead of −∞: what comes out of a fully hidden slice? And in float16?
#    > A uniform distribution, 1/S for each of S entries, because a softmax sees only differences and there are none.
#    > If −10⁹ is added instead of filled in, the result is the same for ordinary scores: near 10⁹ neighbouring
#    > float32 numbers are 64 apart, so a score between −32 and 32 is rounded away. float16 ends at 65,504: in PyTorch
#    > `masked_fill` with −10⁹ raises an error there, and an addition gives −∞, so the slice becomes NaN.
# 4. Should a fully hidden row be zeros, uniform, or an error? What does `F.scaled_dot_product_attention` do?
#    > Zeros inside a model: they say "nothing was read", the gradient is 0, and with a residual connection the token
#    > passes on as it was (up to a bias of the output projection). Uniform weights mix in exactly what was to be
#    > hidden. An error finds bugs, but such rows are normal where a batch is padded, and on a GPU the test makes the
#    > CPU wait. `F.scaled_dot_product_attention` has returned zeros since PyTorch 2.5, and NaN before.
# 5. How would you do the same in one pass over blocks of the row, as FlashAttention does?
#    > With the online softmax (Milakov and Gimelshein, 2018). Keep the largest score so far m, the sum l of e^(s −
#    > m), and the sum a of e^(s − m)·v. For each block take the new maximum m′, multiply l and a by e^(m − m′), and
#    > add the block's terms; hidden entries add nothing. As long as nothing has counted, m is −∞, and one subtracts 0
#    > in its place, since −∞ − (−∞) is NaN. At the end the output is a/l, and 0 where l = 0.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 写出 softmax 的反向传播。如果 −∞ 是*加*到得分上的，0 · NaN 究竟出现在哪里？
#    > 设 y = softmax(s)，g 是传到 y 的梯度，则 s 的梯度是 y·(g − Σ_j g_j·y_j)。整个切片都被屏蔽时，y 是 NaN。
#    > 如果之后把权重置为 0，那里的 g 就是 0；但 g_j·y_j 是 0 · NaN = NaN，再乘以 y 仍是 NaN。
#    > 加法会把梯度原样往回传，于是 NaN 传到得分，再传到查询和键。
#    > `masked_fill` 在被填充的位置不传梯度，NaN 到此为止。
# 2. 为什么对权重做 `nan_to_num` 足以修好前向传播，却不一定能修好反向传播？
#    > 它替换了 softmax 输出的数值，并在这些位置往回传 0 梯度。
#    > 但 softmax 自己的反向传播会把这个 0 乘以它保存的 NaN，又得到 NaN。
#    > 接下来要看得分是怎么屏蔽的：用 `masked_fill` 时，NaN 传不到得分，`nan_to_num` 就够了；加上 −∞ 时则不够。
# 3. 用 −10⁹ 代替 −∞：整个切片都被屏蔽时结果是什么？在 float16 里呢？
#    > 结果是均匀分布：S 个元素各得 1/S，因为 softmax 只看差值，而这里没有差别。
#    > 如果是加上 −10⁹ 而不是填充，对一般大小的得分结果也一样：
#    > 在 10⁹ 附近，相邻的 float32 数相差 64，绝对值小于 32 的得分会被舍入掉。
#    > float16 最大只到 65,504：PyTorch 中用 −10⁹ 做 `masked_fill` 会报错，而加法得到 −∞，整个切片成为 NaN。
# 4. 整行被屏蔽时，应当返回零、均匀分布，还是报错？`F.scaled_dot_product_attention` 怎么做？
#    > 在模型内部应当返回零：这表示“什么也没读到”，梯度为 0，有残差连接时词元原样通过（最多差一个输出投影的偏置）。
#    > 均匀分布恰恰混入了本该屏蔽的内容。报错有助于发现 bug，但批里有填充时，这样的行是正常的；
#    > 而且在 GPU 上做这项检查会让 CPU 停下来等待。`F.scaled_dot_product_attention` 从 PyTorch 2.5 起返回零，之前返回 NaN。
# 5. 如何像 FlashAttention 那样，分块一遍扫过整行来完成同样的计算？
#    > 用在线 softmax（Milakov 和 Gimelshein，2018）：记录当前的最大得分 m、e^(s − m) 之和 l，以及 e^(s − m)·v 之和 a。
#    > 每读入一块，先求新的最大值 m′，把 l 和 a 乘以 e^(m − m′)，再加上这一块的各项；被屏蔽的元素不加。
#    > 如果到目前为止没有任何元素计入，m 就是 −∞，这时改为减去 0，因为 −∞ − (−∞) 是 NaN。
#    > 最后的输出是 a/l，l = 0 时输出 0。

# %% [markdown] tags=["hint"]
# Hide before the softmax, repair after it. e^(−∞) is exactly 0; only a slice without any finite score is left to care
# for.

# %% [markdown] tags=["hint"] lang="zh"
# softmax 之前屏蔽，之后修补。e^(−∞) 恰好是 0；需要处理的只剩下没有任何有限得分的切片。

# %% [markdown] tags=["hint"]
# `masked_fill` does two things that adding −∞ does not: it ignores what was there, and it lets no gradient through.
# To find the hidden slices with `mask.any(dim=…)`, the mask must have the axes of the scores.

# %% [markdown] tags=["hint"] lang="zh"
# `masked_fill` 比加 −∞ 多做了两件事：忽略原来的值，并且不让梯度通过。要用 `mask.any(dim=…)` 找出被整体屏蔽的切片，
# 掩码必须先有与得分相同的维度。

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
# **Repairs that work** are those that act on both sides of the softmax, or that never make a NaN. For example, fill
# such slices with 0 instead of −∞ and zero the weights afterwards. Or write the softmax yourself: set hidden scores
# to −∞, let m be the largest score *that counts* (0 where none does), take e^(s − m), and divide by the sum, or by 1
# where the sum is 0. Multiplying e^(s − m) by the mask is not enough: for a hidden score of 10,000 it is ∞ · 0, which
# is NaN.
#
# **Repairs that fail.** With m the largest of *all* scores, or with softmax · mask / sum, a hidden score far above
# the rest makes everything else underflow. In float32 the numbers lose digits from a distance of about 88 on, and
# from about 104 on the result is 0/0. With the scores 0 and 1 and a hidden one of 100 the weights are 0.273 and
# 0.727, and not 0.269 and 0.731.
#
# **Libraries.** `F.scaled_dot_product_attention` has returned zeros for fully hidden rows since PyTorch 2.5 and NaN
# before, and `torch.masked.softmax` returns NaN. A finite fill such as −10⁹ gives the average of what should not be
# seen: no NaN and no warning, but a leak.
#
# **Today.** PyTorch's fused kernels compute the softmax block by block in float32 and return zeros for such rows. A
# softmax that must sum to 1 also has a side effect: a head that needs nothing still has to put its weight somewhere,
# and language models put it on the first tokens, the *attention sinks* (Xiao et al., 2023). gpt-oss (OpenAI, 2025)
# therefore adds a learned number per head to the denominator, so that a row may sum to less than 1. At the output of
# the model, where the softmax runs over the vocabulary, PaLM (Chowdhery et al., 2022) adds a *z-loss*, 10⁻⁴·(log Z)²,
# which keeps the denominator Z near 1.

# %% [markdown] tags=["discussion"] lang="zh"
# **反向传播。** softmax 的梯度是 y·(g − Σ g·y)。在整体被屏蔽的切片里 y 是 NaN，即使 g 为 0，从 softmax 传出的梯度也是 NaN。
# softmax 之前的 `masked_fill` 会截断它：被填充的位置不传梯度，而这样的切片全部被填充。
# 加法则会把 NaN 继续传给 q、k 以及它们背后的所有参数。
#
# **可靠的修补**要么在 softmax 两侧都起作用，要么根本不产生 NaN。例如把这样的切片填 0 而不是 −∞，之后再把权重置零。
# 也可以自己写 softmax：把被屏蔽的得分设为 −∞，令 m 为*计入的*得分的最大值（一个都没有时取 0）；
# 计算 e^(s − m)，再除以它们的和，和为 0 时除以 1。
# 只把 e^(s − m) 乘以掩码是不够的：被屏蔽的得分为 10,000 时，得到的是 ∞ · 0，即 NaN。
#
# **不可靠的修补。** 若 m 取*全部*得分的最大值，或使用 softmax · mask / sum，那么一个远高于其余的被屏蔽得分会让其余全部下溢。
# 在 float32 中，差距从约 88 起，数值开始丢失有效位；从约 104 起，结果就是 0/0。
# 例如得分为 0 和 1，再加一个被屏蔽的 100：得到的权重是 0.273 和 0.727，而不是 0.269 和 0.731。
#
# **实际的库。** `F.scaled_dot_product_attention` 从 PyTorch 2.5 起对整行屏蔽返回零，之前返回 NaN；
# `torch.masked.softmax` 返回 NaN。用 −10⁹ 之类的有限数填充，得到的是本不该看的内容的平均：
# 没有 NaN，也没有警告，却泄漏了信息。
#
# **如今。** PyTorch 的融合算子以 float32 逐块计算 softmax，对这样的行返回零。
# 权重之和必须为 1 还有一个副作用：一个头什么都不需要时，权重也得有个去处；
# 语言模型把它放在开头的几个词元上，这就是 *attention sink*（Xiao 等，2023）。
# 因此 gpt-oss（OpenAI，2025）给每个头的分母加上一个可学习的数，使一行之和可以小于 1。
# 在模型的输出端，softmax 沿词表进行，PaLM（Chowdhery 等，2022）加入了 *z-loss*，即 10⁻⁴·(log Z)²，使分母 Z 保持在 1 附近。
