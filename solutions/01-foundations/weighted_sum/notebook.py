# %% [markdown]
# > *"You have the attention weights. Pool the sequence with them, one line."*
#
# The last step of every attention is a weighted sum: one vector a sequence, to which every position contributes
# according to its weight. It is one line, and the line that comes to mind first, `torch.sum(inputs * weights, dim=1)`,
# is wrong: it fails for most sizes, and for some it silently gives something else.
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
# > *“注意力权重已经有了。用它们把序列汇聚成一个向量，一行代码。”*
#
# 每一种注意力的最后一步都是加权求和：每个序列得到一个向量，每个位置按权重计入。只需一行，但最先想到的那一行是错的：
# `torch.sum(inputs * weights, dim=1)` 对大多数尺寸会报错，对某些尺寸不报错，结果却不对。
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
# [2.5, 3.5]。若少了那个维度，`inputs * weights` 会把各*列*分别乘以 0.25 和 0.75，求和得到 [1, 4.5]：没有报错，结果却是错的。

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
#    > Broadcasting sets D against L and L against B. It runs if L = D or one of the two is 1, and B = L or one of the
#    > two is 1. It is right for all numbers only if B = L = 1. The dangerous sizes are those where the shape is right
#    > and the numbers are wrong: L = D with B = 1 or B = L, and L = 1 with B > 1, where it mixes the sequences.
# 2. Write it as an `einsum` and as a batched matrix product. Which makes the smallest intermediate?
#    > `torch.einsum("bl,bld->bd", weights, inputs)` and `(weights.unsqueeze(1) @ inputs).squeeze(1)`. In PyTorch both
#    > become the same batched matrix product, `bmm`, whose only new tensor is the result, B·D numbers. The product
#    > followed by a sum first writes B·L·D numbers: for B = 32, L = 4096, D = 1024 in float32 that is 2²⁷ × 4 bytes =
#    > 512 MiB. A compiler such as `torch.compile` may fuse the two steps and avoid it.
# 3. With `matmul` one is tempted to end in `.squeeze()`. When does that go wrong?
#    > When B = 1 or D = 1. The product has the shape (B, 1, D), and a bare `.squeeze()` removes every axis of size 1:
#    > for B = 1 the result is (D,), for D = 1 it is (B,). Nothing fails there; the error comes later, or never,
#    > because broadcasting accepts the wrong shape. Name the axis: `.squeeze(1)`.
# 4. What is the gradient with respect to `weights`, and what does it say about a position whose input is orthogonal
#    to the gradient?
#    > With g the gradient that arrives at the output of sequence b, the gradient of the weight at position l is the
#    > dot product g · inputs[b, l]. If the two are orthogonal it is 0: a small change of this weight does not change
#    > the loss. That holds for the weight alone. If a softmax made the weights, the gradient of score l is w_l·(g ·
#    > x_l − Σ_j w_j g · x_j), and this can be nonzero although g · x_l = 0, because the weights share a sum of 1.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 对哪些 B、L、D，`torch.sum(inputs * weights, dim=1)` 不会报错？对哪些是正确的？
#    > 广播时 D 对上 L，L 对上 B。当 L = D 或两者之一为 1，并且 B = L 或两者之一为 1 时，不会报错。
#    > 只有 B = L = 1 时，它对任何数值都正确。最危险的是形状正确、数值却错误的情形：
#    > L = D 且 B = 1 或 B = L；以及 L = 1 且 B > 1，这时它把不同的序列混在了一起。
# 2. 用 `einsum` 和批量矩阵乘法各写一遍。哪一种的中间结果最小？
#    > `torch.einsum("bl,bld->bd", weights, inputs)` 和 `(weights.unsqueeze(1) @ inputs).squeeze(1)`。
#    > 在 PyTorch 中两者都变成同一个批量矩阵乘法 `bmm`，新建的张量只有结果本身，共 B·D 个数。
#    > 先相乘再求和则要先写出 B·L·D 个数：B = 32、L = 4096、D = 1024、float32 时为 2²⁷ × 4 字节 = 512 MiB。
#    > `torch.compile` 这样的编译器可能把两步融合，从而省去这个中间结果。
# 3. 用 `matmul` 时，人们常在最后加一个 `.squeeze()`。什么时候会出错？
#    > B = 1 或 D = 1 时。乘积的形状是 (B, 1, D)，而不带参数的 `.squeeze()` 会去掉所有大小为 1 的维度：
#    > B = 1 时结果是 (D,)，D = 1 时是 (B,)。此处不会报错；错误要到后面才出现，甚至一直不出现，因为广播会接受错误的形状。
#    > 应当指明维度：`.squeeze(1)`。
# 4. 对 `weights` 的梯度是什么？如果某个位置的输入与梯度正交，这意味着什么？
#    > 设 g 是传到序列 b 的输出上的梯度，那么位置 l 的权重的梯度是点积 g · inputs[b, l]。
#    > 两者正交时它为 0：这个权重的微小变化不会改变损失。但这只是对权重本身而言。
#    > 如果权重由 softmax 得到，得分 l 的梯度是 w_l·(g · x_l − Σ_j w_j g · x_j)；
#    > 即使 g · x_l = 0，它也可以不为零，因为所有权重之和固定为 1。

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
# **Broadcasting.** (B, L, D) with (B, L) means D with L and L with B. It runs if L and D are equal or one of them is
# 1, and if B and L are equal or one of them is 1. It is right only for B = L = 1; with L = D it weighs the features,
# not the positions, and with L = 1 it mixes the sequences.
#
# **Three ways.** `(inputs * weights.unsqueeze(-1)).sum(1)` makes an intermediate of B·L·D numbers.
# `weights.unsqueeze(1) @ inputs` does not, and gives (B, 1, D): take `.squeeze(1)`, since a bare `.squeeze()` also
# removes a batch of one or a feature of one. `einsum("bl,bld->bd", …)` turns into the same matrix product.
#
# **Gradients.** d output / d weight of position l is the vector at l: a weight learns from the dot product of its
# input with the gradient that arrives. With a softmax before it, only differences between positions matter.
#
# **Today.** A weighted sum that makes one vector of a sequence is called *pooling*. Sentence embeddings often use
# equal weights over the real tokens, mean pooling (Sentence-BERT, Reimers and Gurevych, 2019). Where the weights are
# to be learned, one query attends to the whole sequence: a learned query in the Set Transformer (Lee et al., 2019),
# the mean of the image's features in the ResNet encoders of CLIP (Radford et al., 2021). Inside attention the sum is
# a matrix product over all queries at once, and fused kernels such as FlashAttention add it up block by block.

# %% [markdown] tags=["discussion"] lang="zh"
# **广播。** (B, L, D) 配 (B, L) 就是 D 配 L、L 配 B。当 L 与 D 相等或其中之一为 1，并且 B 与 L 相等或其中之一为 1 时能运行。
# 只有 B = L = 1 时才正确；L = D 时，它加权的是特征而不是位置；L = 1 时，它把不同的序列混在一起。
#
# **三种写法。** `(inputs * weights.unsqueeze(-1)).sum(1)` 的中间结果有 B·L·D 个数。`weights.unsqueeze(1) @ inputs`
# 没有这个中间结果，得到 (B, 1, D)：请用 `.squeeze(1)`，因为不带参数的 `.squeeze()` 还会去掉大小为 1 的批或特征维。
# `einsum("bl,bld->bd", …)` 会变成同样的矩阵乘法。
#
# **梯度。** 输出对位置 l 的权重的导数就是 l 处的向量：权重的梯度是它的输入与传来的梯度的点积。
# 前面有 softmax 时，起作用的只是位置之间的差异。
#
# **如今。** 把一个序列加权求和成一个向量，叫做*池化*（pooling）。
# 句子嵌入常对真实词元取相等的权重，即平均池化（Sentence-BERT，Reimers 和 Gurevych，2019）。
# 如果权重要学习得到，就用一个查询去关注整个序列：
# 例如 Set Transformer 的注意力池化用可学习的查询（Lee 等，2019），CLIP 的 ResNet 图像编码器用图像特征的均值作查询（Radford 等，2021）。
# 在注意力内部，这个求和是对所有查询一次完成的矩阵乘法；FlashAttention 等融合算子则逐块累加。
