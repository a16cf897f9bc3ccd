# %% [markdown]
# > *"You have the attention weights. Pool the sequence with them, one line."*
#
# The last step of every attention is a weighted sum: one vector a sequence, in which every position has as much say
# as its weight. It is one line, and the line that is most often printed, `torch.sum(inputs * weights, dim=1)`, is
# wrong: it fails for most sizes, and for some it silently gives something else.
#
# $$\operatorname{output}_{b} = \sum_{l=1}^{L} \operatorname{weights}_{b,l}\;\operatorname{inputs}_{b,l}$$
#
# **Write** `weighted_sum(inputs, weights) -> output`.
#
# | | shape | |
# |---|---|---|
# | `inputs` | `(B, L, D)` | B sequences of L vectors |
# | `weights` | `(B, L)` | one number a position |
# | `output` | `(B, D)` | always two axes, also for B = 1, L = 1 or D = 1 |
#
# - The weights are used as they are. They may sum to 1, but they need not: they may be negative, or all zero (then
#   the output is zero).
# - It is a sum, not a mean.
# - The output keeps the dtype and device of the inputs, float64 and bfloat16 included; both inputs have the same
#   dtype.
# - Inputs are not changed. Gradients flow to both.
#
# **By hand.** One sequence of two vectors [1, 2] and [3, 4], weights 0.25 and 0.75: the output is
# [0.25·1 + 0.75·3, 0.25·2 + 0.75·4] = [2.5, 3.5]. Without the missing axis, `inputs * weights` multiplies *columns*
# by 0.25 and 0.75, and the sum is [1, 4.5]: no error, wrong numbers.

# %% [markdown] lang="zh"
# > *“注意力权重已经有了。用它把序列汇聚成一个向量，一行代码。”*
#
# 每一种注意力的最后一步都是加权求和：每个序列得到一个向量，每个位置按权重发言。只需一行，但流传最广的那一行
# `torch.sum(inputs * weights, dim=1)` 是错的：对大多数尺寸会报错，对某些尺寸则悄悄给出别的结果。
#
# $$\operatorname{output}_{b} = \sum_{l=1}^{L} \operatorname{weights}_{b,l}\;\operatorname{inputs}_{b,l}$$
#
# **请实现** `weighted_sum(inputs, weights) -> output`。
#
# | | 形状 | |
# |---|---|---|
# | `inputs` | `(B, L, D)` | B 个序列，每个 L 个向量 |
# | `weights` | `(B, L)` | 每个位置一个数 |
# | `output` | `(B, D)` | 总是两个维度，B = 1、L = 1 或 D = 1 时也一样 |
#
# - 权重原样使用。它们的和可能是 1，但不一定：可以为负，也可以全为零（此时输出为零）。
# - 是求和，不是求平均。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16；两个输入的 dtype 相同。
# - 不得修改输入。梯度流向两个输入。
#
# **手算一例。** 一个序列，两个向量 [1, 2] 和 [3, 4]，权重 0.25 和 0.75：输出为 [0.25·1 + 0.75·3, 0.25·2 + 0.75·4] =
# [2.5, 3.5]。若少了那个维度，`inputs * weights` 会把*列*乘以 0.25 和 0.75，求和得到 [1, 4.5]：没有报错，数却是错的。

# %% tags=["demo"]
# Broadcasting lines up axes from the right. Which of these is (B, L, D) = (2, 3, 4) times (B, L) = (2, 3)?
import torch

for shape in [(2, 3), (2, 1, 3), (2, 3, 1)]:
    try:
        print((2, 3, 4), "*", shape, "->", tuple((torch.ones(2, 3, 4) * torch.ones(shape)).shape))
    except RuntimeError as error:
        print((2, 3, 4), "*", shape, "->", error)

# %% tags=["given"]
import torch

# %% tags=["solution"]
def weighted_sum(inputs, weights):
    """Sum over l of weights[b, l] * inputs[b, l]: (B, L, D) and (B, L) give (B, D)."""
    ### BEGIN SOLUTION
    return (inputs * weights.unsqueeze(-1)).sum(dim=1)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("weighted_sum")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("weighted_sum")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(weighted_sum)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. For which B, L, D does `torch.sum(inputs * weights, dim=1)` run without an error? For which is it right?
# 2. Write it as an `einsum` and as a batched matrix product. Which makes the smallest intermediate?
# 3. With `matmul` one is tempted to end in `.squeeze()`. When does that go wrong?
# 4. What is the gradient with respect to `weights`, and what does it say about a position whose input is orthogonal
#    to the gradient?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对哪些 B、L、D，`torch.sum(inputs * weights, dim=1)` 不会报错？对哪些是正确的？
# 2. 用 `einsum` 和批量矩阵乘法各写一遍。哪一种的中间结果最小？
# 3. 用 `matmul` 时，人们常在最后加一个 `.squeeze()`。什么时候会出错？
# 4. 对 `weights` 的梯度是什么？如果某个位置的输入与梯度正交，这意味着什么？

# %% [markdown] tags=["hint"]
# Every vector of the sequence is multiplied by one number. Which axis do the weights lack?

# %% [markdown] tags=["hint"] lang="zh"
# 序列中的每个向量乘以一个数。权重少了哪个维度？

# %% [markdown] tags=["hint"]
# Broadcasting lines up axes from the right: (B, L) against (B, L, D) puts L under D. Give the weights a last axis of
# size 1, then sum over the positions.

# %% [markdown] tags=["hint"] lang="zh"
# 广播从右边对齐：(B, L) 对上 (B, L, D) 时，L 落在 D 下面。给权重加一个大小为 1 的末维，再对位置求和。

# %% [markdown] tags=["hint"]
# `(inputs * weights.unsqueeze(-1)).sum(dim=1)`, or `torch.einsum("bl,bld->bd", weights, inputs)`.

# %% [markdown] tags=["hint"] lang="zh"
# `(inputs * weights.unsqueeze(-1)).sum(dim=1)`，或 `torch.einsum("bl,bld->bd", weights, inputs)`。

# %% [markdown] tags=["discussion"]
# **Broadcasting.** (B, L, D) with (B, L) means D with L and L with B. It runs if L is D or 1, and B is L or 1 (a size
# of 1 always fits). Except in degenerate sizes it is wrong whenever it runs: with L = D it weighs the features, not
# the positions.
#
# **Three ways.** `(inputs * weights.unsqueeze(-1)).sum(1)` makes an intermediate of B·L·D numbers.
# `weights.unsqueeze(1) @ inputs` does not, and gives (B, 1, D): take `.squeeze(1)`, since a bare `.squeeze()` also
# removes a batch of one or a feature of one. `einsum("bl,bld->bd", …)` turns into the same matrix product.
#
# **Gradients.** d output / d weight of position l is the vector at l: a weight learns from the dot product of its
# input with the gradient that arrives. With a softmax before it, only differences between positions matter.

# %% [markdown] tags=["discussion"] lang="zh"
# **广播。** (B, L, D) 配 (B, L) 就是 D 配 L、L 配 B。当 L 等于 D 或 1，且 B 等于 L 或 1 时能运行（大小为 1
# 总能匹配）。除了退化的尺寸，凡是能运行的都是错的：L = D 时，它加权的是特征而不是位置。
#
# **三种写法。** `(inputs * weights.unsqueeze(-1)).sum(1)` 的中间结果有 B·L·D 个数。`weights.unsqueeze(1) @ inputs`
# 没有这个中间结果，得到 (B, 1, D)：请用 `.squeeze(1)`，因为不带参数的 `.squeeze()` 还会去掉大小为 1 的批或特征维。
# `einsum("bl,bld->bd", …)` 等价于同样的矩阵乘法。
#
# **梯度。** 输出对位置 l 的权重的导数就是 l 处的向量：权重从它的输入与传来的梯度的点积中学习。前面有 softmax 时，
# 起作用的只是位置之间的差异。
