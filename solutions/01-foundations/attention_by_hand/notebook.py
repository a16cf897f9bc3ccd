# %% [markdown]
# > *"No framework, just paper. One query, two keys, two values: what comes out? And then write it in plain Python."*
#
# Attention can be worked out on paper, and doing it once shows whether you have understood it. There are three steps:
# a score for every key (its dot product with the query), a softmax that turns the scores into weights, and the
# weighted sum of the values.
#
# **Part 1: write** `attend(query, keys, values, scale=1.0) -> (output, weights)` with plain lists and `math` alone.
#
# | | | |
# |---|---|---|
# | `query` | a list of d numbers | |
# | `keys` | S lists of d numbers | S is at least 1 |
# | `values` | S lists of d_v numbers | d_v may differ from d |
# | `scale` | a positive number | every score is multiplied by it, before the softmax |
# | `output` | a list of d_v floats | the sum of weight · value |
# | `weights` | a list of S floats | they sum to 1 |
#
# - Scores near ±1000 must work, also both signs in one call: `math.exp(1000)` raises `OverflowError`, and dividing by
#   a sum of underflowed zeros raises `ZeroDivisionError`.
# - `ValueError` when there are no keys, when there are not as many values as keys, and when any key has not the
#   length of the query.
# - The lists that come in are left as they are.
# - No `torch` and no `numpy`, in any cell of this notebook.
#
# **Part 2: work out by hand** the following, and write the numbers into the four lists of the last cell, to 4
# decimals (an error of 2e-4 is forgiven). The query is [1, 0], the keys are [1, 1] and [0, 1], their values [1, 2]
# and [3, 4].
#
# - `unscaled_weights`, `unscaled_output`: the scores as they are (scale 1);
# - `scaled_weights`, `scaled_output`: the scores divided by $\sqrt{d_k}$, where $d_k = 2$ is the size of a key.
#
# One set of study notes works this example out and prints [1.54, 2.08] as the unscaled output. One of the two numbers
# is wrong by more than rounding. Which?
#
# **By hand, with other numbers.** Query [2, 0], keys [1, 1] and [0, 3], values [10, 0] and [0, 10]. The scores are
# 2·1 + 0·1 = 2 and 2·0 + 0·3 = 0, so the weights are e²/(e² + 1) ≈ 0.8808 and 1/(e² + 1) ≈ 0.1192, and the output is
# 0.8808·[10, 0] + 0.1192·[0, 10] = [8.808, 1.192].

# %% [markdown] lang="zh"
# > *“不用框架，就用纸笔。一个查询、两个键、两个值：结果是什么？然后用纯 Python 写出来。”*
#
# 注意力可以在纸上算出来，亲手算一遍就知道自己懂没懂。一共三步：为每个键打分（与查询做点积），用 softmax 把得分变成权重，
# 再对值加权求和。
#
# **第一部分：请实现** `attend(query, keys, values, scale=1.0) -> (output, weights)`，只用普通列表和 `math`。
#
# | | | |
# |---|---|---|
# | `query` | d 个数的列表 | |
# | `keys` | S 个列表，每个 d 个数 | S 至少为 1 |
# | `values` | S 个列表，每个 d_v 个数 | d_v 可以与 d 不同 |
# | `scale` | 正数 | 在 softmax 之前乘到每个得分上 |
# | `output` | d_v 个浮点数的列表 | 权重 · 值 之和 |
# | `weights` | S 个浮点数的列表 | 之和为 1 |
#
# - 得分在 ±1000 附近也要能算，包括同一次调用中正负都有：`math.exp(1000)` 会抛出 `OverflowError`；
#   所有指数都下溢为零时，除以它们的和会抛出 `ZeroDivisionError`。
# - 一个键都没有，值与键的个数不同，或者有键的长度与查询不同，都要抛出 `ValueError`。
# - 不得改动传入的列表。
# - 本笔记本的任何单元都不得使用 `torch` 和 `numpy`。
#
# **第二部分：手算**下面的例子，把数字写进最后一个单元的四个列表，保留 4 位小数（允许 2e-4 的误差）。
# 查询为 [1, 0]，键为 [1, 1] 和 [0, 1]，对应的值为 [1, 2] 和 [3, 4]。
#
# - `unscaled_weights`、`unscaled_output`：得分不缩放（scale 为 1）；
# - `scaled_weights`、`scaled_output`：得分除以 $\sqrt{d_k}$，$d_k = 2$ 是键的维度。
#
# 有一份学习资料算了这个例子，给出的未缩放输出是 [1.54, 2.08]。其中一个数的误差不可能只是舍入造成的，是哪一个？
#
# **换一组数手算。** 查询 [2, 0]，键 [1, 1] 和 [0, 3]，值 [10, 0] 和 [0, 10]。得分为 2·1 + 0·1 = 2 和 2·0 + 0·3 = 0，
# 权重为 e²/(e² + 1) ≈ 0.8808 和 1/(e² + 1) ≈ 0.1192，输出为 0.8808·[10, 0] + 0.1192·[0, 10] = [8.808, 1.192]。

# %% tags=["demo"]
# Two keys. Only the gap between their scores counts: the softmax turns it into two weights.
from math import exp

from grader import heatmap

heatmap(
    [[1 / (1 + exp(-gap)), 1 / (1 + exp(gap))] for gap in (0, 2, 4, 8)],
    rows=["gap 0", "gap 2", "gap 4", "gap 8"],
    columns=["key 1", "key 2"],
    title="weights",
)

# %% tags=["given"]
import math

# %% tags=["solution"]
def attend(query, keys, values, scale=1.0):
    """Attention of one query (d numbers) over keys (S lists of d) and values (S lists of d_v), on plain lists.

    Returns (output: d_v floats, weights: S floats).
    """
    ### BEGIN SOLUTION
    if not keys or len(keys) != len(values) or any(len(key) != len(query) for key in keys):
        raise ValueError("one value for every key, at least one key, and keys as long as the query")
    scores = [scale * sum(q * k for q, k in zip(query, key)) for key in keys]
    highest = max(scores)
    exps = [math.exp(score - highest) for score in scores]
    total = sum(exps)
    weights = [e / total for e in exps]
    output = [sum(w * value[j] for w, value in zip(weights, values)) for j in range(len(values[0]))]
    return output, weights
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("attention_by_hand")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("attention_by_hand")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(attend)

# %% [markdown]
# Now the numbers. Do them on paper first; `attend` may then confirm them.

# %% [markdown] lang="zh"
# 现在填数字。先在纸上算，再用 `attend` 验证。

# %% tags=["broken"]
# Two numbers each, to 4 decimals.
unscaled_weights = []
unscaled_output = []
scaled_weights = []
scaled_output = []

# %% tags=["solution"]
unscaled_weights = [0.7311, 0.2689]
unscaled_output = [1.5379, 2.5379]
scaled_weights = [0.6698, 0.3302]
scaled_output = [1.6605, 2.6605]

# %% tags=["check"]
check("attention_by_hand")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. What happens to the weights when every score grows by the same amount? And when every score is doubled?
#    > Adding the same number c to every score changes nothing: each exponential is multiplied by e^c, and so is their
#    > sum, so e^c cancels. Doubling all scores squares the ratio of any two weights, so the largest weight grows. In
#    > the unscaled example the ratio is e ≈ 2.72 and the weights are 0.7311 and 0.2689; with doubled scores the ratio
#    > is e² ≈ 7.39 and the weights are 0.8808 and 0.1192. Only equal scores keep equal weights.
# 2. Why may the largest score be subtracted before the exponential, and what can still underflow after that?
#    > Subtracting the same number from all scores does not change the softmax. Afterwards the largest exponential is
#    > e⁰ = 1, so nothing overflows, and the sum is at least 1, so there is no division by zero. The exponentials of
#    > scores far below the largest can still underflow to 0: more than 745 below it in float64, about 104 in float32.
#    > That is harmless, because such a weight is below 1e-323 (or 1e-45) and 0 is as close as the dtype can come.
# 3. Could the output ever lie outside of the values' range in some coordinate?
#    > No. The weights are not negative and sum to 1, so every coordinate of the output is a weighted mean, and it
#    > lies between the smallest and the largest value of that coordinate (up to rounding). This is lost when the
#    > weights are no longer those of a softmax: with dropout on the weights, for example, a row can sum to more than
#    > 1.
# 4. The scaled output lies nearer to the mean of the values, [2, 3], than the unscaled one. Is that always so?
#    > With two keys, yes. The output is the mean plus (w₁ − ½)(v₁ − v₂), and a scale below 1 brings w₁ nearer to ½.
#    > With three or more keys the weights still become more even, but the output may move away from the mean. Take
#    > the scores 2, 1, 0 and the values 1, −4, 3, whose mean is 0: the output is −0.04, and with the scores halved it
#    > is −0.16.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 所有得分都加上同一个数，权重会怎样？所有得分都乘以 2 呢？
#    > 所有得分都加上同一个数 c，权重不变：每个指数都乘以 e^c，它们的和也乘以 e^c，正好约掉。
#    > 所有得分乘以 2，任意两个权重之比变成原来的平方，所以最大的权重更大。
#    > 在未缩放的例子里，权重之比是 e ≈ 2.72，权重为 0.7311 和 0.2689；
#    > 得分翻倍后，比值是 e² ≈ 7.39，权重为 0.8808 和 0.1192。只有得分相等的键，权重才始终相等。
# 2. 为什么可以在取指数之前减去最大的得分？减去之后还有什么会下溢？
#    > 所有得分减去同一个数，softmax 不变。减去之后最大的指数是 e⁰ = 1，不会上溢；指数之和至少为 1，也不会除以零。
#    > 比最大值低很多的得分，其指数仍会下溢为 0：在 float64 中是低 745 以上，在 float32 中约为 104 以上。
#    > 这没有害处：这样的权重小于 1e-323（float32 中小于 1e-45），0 已经是该 dtype 能给出的最接近的结果。
# 3. 输出的某个坐标有没有可能超出值的取值范围？
#    > 不会。权重非负且和为 1，所以输出的每个坐标都是加权平均，介于该坐标的最小值和最大值之间（舍入误差除外）。
#    > 如果权重不再是 softmax 的结果，这一点就不成立：例如对权重做 dropout 时，一行之和可能大于 1。
# 4. 缩放后的输出比未缩放的更接近值的均值 [2, 3]。总是这样吗？
#    > 只有两个键时，是的。输出等于均值加上 (w₁ − ½)(v₁ − v₂)，而小于 1 的缩放系数使 w₁ 更接近 ½。
#    > 有三个或更多的键时，权重仍然变得更平均，但输出可能反而离均值更远。
#    > 例如得分为 2、1、0，值为 1、−4、3，均值是 0：输出是 −0.04，得分减半之后是 −0.16。

# %% [markdown] tags=["hint"]
# Score, softmax, weighted sum. The weights are one number a key; the output has as many numbers as one value has.

# %% [markdown] tags=["hint"] lang="zh"
# 算得分、做 softmax、加权求和。每个键对应一个权重；输出的长度等于一个值的长度。

# %% [markdown] tags=["hint"]
# e^(s − m) / Σ e^(s − m) is the same for every m: subtract the largest score, and the largest exponent is 0. In the
# worked example, s₁ = 1 and s₂ = 0, so the first weight is e/(e + 1); with the scale s₁ = 1/√2.

# %% [markdown] tags=["hint"] lang="zh"
# e^(s − m) / Σ e^(s − m) 对任何 m 都相等：减去最大的得分，最大的指数就是 0。在手算的例子里 s₁ = 1、s₂ = 0，
# 第一个权重是 e/(e + 1)；缩放之后 s₁ = 1/√2。

# %% [markdown] tags=["hint"]
# `scores = [scale * sum(q * k for q, k in zip(query, key)) for key in keys]`, then exponentials of
# `score - max(scores)` divided by their sum. Entry j of the output is the sum of `w * value[j]` over all keys. Check
# the lengths first: `zip` stops silently at the shorter list. The output is w₁·[1, 2] + w₂·[3, 4].

# %% [markdown] tags=["hint"] lang="zh"
# `scores = [scale * sum(q * k for q, k in zip(query, key)) for key in keys]`，然后取 `score - max(scores)` 的指数，
# 再除以它们的和。输出的第 j 项是所有键的 `w * value[j]` 之和。先检查长度：`zip` 到较短的列表结束就停，不会报错。
# 手算的输出是 w₁·[1, 2] + w₂·[3, 4]。

# %% [markdown] tags=["discussion"]
# **The example.** Unscaled: weights e/(e + 1) = 0.7311 and 0.2689, output [0.7311 + 3·0.2689, 2·0.7311 + 4·0.2689] =
# [1.5379, 2.5379]. The printed 2.08 should have been 2.54. It can be seen without computing: in both values the
# second number is the first plus 1, so the output's must be as well. The same text's formula divides by √d_k while
# its arithmetic does not; with the scale the weights are 0.6698 and 0.3302 and the output [1.6605, 2.6605].
#
# **Why subtract the maximum.** The softmax does not change when all scores move together, so one may move them until
# the largest is 0: no exponential overflows, and the sum is at least 1. What still underflows to 0 lies more than 745
# below the largest score (in float64); its share would be less than 1e-323, and that does not matter.
#
# **Cost.** S·d multiplications for the scores, S exponentials, S·d_v multiplications for the sum. Every library does
# these steps; what differs is how many queries go at once, and what is kept in memory.
#
# **Today.** Every Transformer still does these three steps, but the fast kernels never see a whole row of scores.
# They read the keys block by block and keep a running maximum and a running sum (online softmax: Milakov and
# Gimelshein, 2018; FlashAttention: Dao et al., 2022). On recent GPUs the exponential itself has become expensive: an
# H100 does 989 TFLOPS of FP16 matrix products but only 3.9 TFLOPS of functions such as the exponential, so
# FlashAttention-3 (Shah et al., 2024) computes the softmax of one block while the matrix products of another are
# running.

# %% [markdown] tags=["discussion"] lang="zh"
# **例子。** 未缩放：权重为 e/(e + 1) = 0.7311 和 0.2689，输出为 [0.7311 + 3·0.2689, 2·0.7311 + 4·0.2689] = [1.5379,
# 2.5379]。资料中的 2.08 应为 2.54。不用计算也能看出：两个值的第二个数都是第一个数加 1，输出也必然如此。
# 同一份资料的公式除以了 √d_k，而它的计算没有；缩放之后权重为 0.6698 和 0.3302，输出为 [1.6605, 2.6605]。
#
# **为什么减去最大值。** 所有得分一起平移时 softmax 不变，所以可以平移到最大值为 0：指数不会上溢，而它们的和至少为 1。
# 仍会下溢为 0 的，是比最大得分低 745 以上的那些（float64）；它们所占的份额不到 1e-323，与 1 相比没有任何影响。
#
# **开销。** 得分需要 S·d 次乘法，然后是 S 次指数，求和需要 S·d_v 次乘法。所有的库都做这几步；
# 不同的只是一次处理多少查询，以及保留哪些中间结果。
#
# **如今。** 所有 Transformer 仍然做这三步，但快速的算子不会一次看到整行得分：它们逐块读入键，只维护当前的最大值与累加和。
# （在线 softmax：Milakov 和 Gimelshein，2018；FlashAttention：Dao 等，2022。）
# 在较新的 GPU 上，指数运算本身成了瓶颈：H100 的 FP16 矩阵乘法可达 989 TFLOPS，而指数这类函数只有 3.9 TFLOPS。
# 因此 FlashAttention-3（Shah 等，2024）让一块的 softmax 与另一块的矩阵乘法同时进行。
