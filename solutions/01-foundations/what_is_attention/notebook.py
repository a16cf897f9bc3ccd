# %% [markdown]
# > *"What is attention? Not the formula: explain it to a colleague who knows what a dictionary is."*
#
# A dictionary compares a query with its keys and gives back the value of the one that matches, all or nothing.
# Attention does the same *softly*: it compares the query with every key, turns the similarities into weights, and
# gives back the weighted mean of all values. That has a gradient, so it can be learned where to look. This exercise
# has two parts: a soft dictionary, and your explanation.
#
# **Part 1: write** `soft_lookup(query, keys, values, temperature) -> output`.
#
# $$\operatorname{output} = \sum_s w_s\,v_s, \qquad w = \operatorname{softmax}_s(k_s \cdot q\,/\,\text{temperature})$$
#
# | | shape | |
# |---|---|---|
# | `query` | `(d,)` | |
# | `keys` | `(S, d)` | |
# | `values` | `(S, d_v)` | d_v may differ from d |
# | `temperature` | a number | > 0, else `ValueError` |
# | `output` | `(d_v,)` | |
#
# - There is no other scale: the dot products are divided by the temperature, and by nothing else.
# - As temperature → 0 the look-up becomes that of a dictionary: the value of the key with the largest dot product
#   (temperatures down to 1e-4 must work: a softmax that is stable). As temperature → ∞ it becomes the plain mean of
#   the values.
# - The output keeps the dtype and device of the inputs, float64 and bfloat16 included. Inputs are not changed.
#   Gradients flow to all three.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used;
#   `torch.softmax` may.
#
# **By hand.** Query [1, 0], keys [2, 2] and [0, 1], values [10] and [20]: the dot products are 2 and 0. At
# temperature 1 the weights are 0.881 and 0.119 and the output is 11.19; at 0.1 they are 1.000 and 0.000, output
# 10.00; at 100 they are 0.505 and 0.495, output 14.95. (The second key is nearer to the query, at a distance of 1.41
# against 2.24, and still gets the smaller weight: the dot product counts, not the distance.)
#
# **Part 2: explain** in the cell further down.

# %% [markdown] lang="zh"
# > *“什么是注意力？不要背公式，讲给一位知道字典是什么的同事听。”*
#
# 字典把查询与键逐一比较，返回匹配的那个键的值：要么完全匹配，要么不匹配。注意力做的是同一件事，只是*软*的：
# 把查询与每个键比较，把相似度变成权重，返回所有值的加权平均。它有梯度，所以“看哪里”是可以学习的。
# 本题有两部分：一个软字典，和你的解释。
#
# **第一部分：请实现** `soft_lookup(query, keys, values, temperature) -> output`。
#
# $$\operatorname{output} = \sum_s w_s\,v_s, \qquad w = \operatorname{softmax}_s(k_s \cdot q\,/\,\text{temperature})$$
#
# | | 形状 | |
# |---|---|---|
# | `query` | `(d,)` | |
# | `keys` | `(S, d)` | |
# | `values` | `(S, d_v)` | d_v 可以与 d 不同 |
# | `temperature` | 一个数 | 必须大于 0，否则抛出 `ValueError` |
# | `output` | `(d_v,)` | |
#
# - 没有别的缩放：点积只除以温度，不再除以其他数。
# - 温度 → 0 时变成字典查找：返回点积最大的键的值（温度低到 1e-4 也要能算：请用数值稳定的 softmax）。
#   温度 → ∞ 时变成所有值的简单平均。
# - 输出保持输入的 dtype 和设备，包括 float64 和 bfloat16。不得修改输入。梯度流向三个张量。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）；可以用
#   `torch.softmax`。
#
# **手算一例。** 查询 [1, 0]，键 [2, 2] 和 [0, 1]，值 [10] 和 [20]：点积为 2 和 0。温度为 1 时权重为 0.881 和 0.119，
# 输出 11.19；温度为 0.1 时为 1.000 和 0.000，输出 10.00；温度为 100 时为 0.505 和 0.495，输出 14.95。
# （第二个键离查询更近，距离是 1.41，而第一个是 2.24；但它的权重反而更小：起作用的是点积，而不是距离。）
#
# **第二部分：解释**，写在下面的单元里。

# %% tags=["demo"]
# Dot products 2, 1, 0 and -1 at five temperatures: from a dictionary to a mean.
import torch
from grader import heatmap

heatmap(
    [torch.softmax(torch.tensor([2.0, 1.0, 0.0, -1.0]) / temperature, dim=0).tolist() for temperature in (0.1, 0.5, 1, 3, 100)],
    rows=["T = 0.1", "T = 0.5", "T = 1", "T = 3", "T = 100"],
    columns=["2", "1", "0", "-1"],
    title="weights of four keys",
)

# %% tags=["given"]
import torch

# %% tags=["solution"]
def soft_lookup(query, keys, values, temperature):
    """The value (d_v) that a soft dictionary of keys (S, d) and values (S, d_v) gives for a query (d)."""
    ### BEGIN SOLUTION
    if not temperature > 0:
        raise ValueError("the temperature is positive")
    scores = keys @ query / temperature
    weights = torch.softmax(scores, dim=0)
    return weights @ values
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("what_is_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("what_is_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint, self_review

check(soft_lookup)

# %% [markdown]
# **Your explanation.** In about ten sentences, for a colleague who knows neither Transformers nor the word
# "attention": what are query, key and value, and what happens between them? What does the softmax contribute, and why
# not simply take the best match? What did attention replace, and what problem did it solve? Name two or three uses
# outside of translation. End with one thing that attention weights are *not*.
#
# When it is written, `self_review("what_is_attention")` shows a model answer, and what yours should hold.

# %% [markdown] lang="zh"
# **你的解释。** 用十句左右，讲给一位既不了解 Transformer、也没听过“注意力”的同事：查询、键、值是什么，
# 它们之间发生了什么？softmax 起什么作用，为什么不直接取最匹配的那个？注意力取代了什么，解决了什么问题？
# 举两三个翻译之外的用途。最后说一件注意力权重*不是*的事。
#
# 写完之后，`self_review("what_is_attention")` 会给出参考答案和应当包含的要点。

# %% [markdown] tags=["answer"]
# **Model answer.** Attention is a look-up in a soft dictionary. Every item that may be read offers a *key*, which
# says what it can be found by, and a *value*, which is what it has to give; whoever reads brings a *query*, which
# says what is wanted. The query is compared with every key, usually by a dot product, and a softmax turns the
# similarities into weights that are positive and sum to 1. What comes back is the sum of the values, each times its
# weight. So the result is dominated by what matches and depends on the content, not on fixed positions: other inputs
# get other weights, from the same parameters. Taking only the best match would be a dictionary; but "which is the
# best" has no useful gradient, while the softmax is differentiable, so that a model learns by gradient descent what
# to ask for and how to be found.
#
# In the first encoder–decoder translators (Cho et al., 2014; Sutskever et al., 2014) the whole source sentence had to
# pass through one vector of fixed size; Cho et al. found that the quality falls as sentences get longer. Bahdanau et
# al. (2015) let the decoder look at all source positions anew for every word that it writes; Vaswani et al. (2017) then dropped the recurrence and built a model
# out of attention: any two positions are one step apart, and in training all positions are computed at once. The
# price is a score for every pair, quadratic in the length.
#
# It is used where parts of an input are relevant to different degrees: language models, speech recognition (which
# frames belong to this word), image recognition and captioning (which patches), protein structure (which residues are
# in contact). And weights are not an explanation: a large weight says that a value was mixed in with a large factor,
# not that it caused the decision (Jain and Wallace, 2019).

# %% [markdown] tags=["answer"] lang="zh"
# **参考答案。** 注意力是在一个软字典里查找。每个可读的对象提供一个*键*（凭什么被找到）和一个*值*（能给出什么）；
# 读取的一方带来一个*查询*（想要什么）。查询与每个键比较，通常用点积；softmax 把相似度变成非负、和为 1 的权重；
# 返回的是各个值乘以权重之和。所以结果由匹配的内容主导，取决于内容而不是固定的位置：同样的参数，输入不同，权重就不同。
# 只取最匹配的一个就是普通字典；但“哪个最匹配”没有可用的梯度，而 softmax 可微，
# 于是模型可以通过梯度下降学会该查什么、以及怎样被查到。
#
# 在最早的编码器-解码器翻译模型里（Cho 等，2014；Sutskever 等，2014），整个源句子必须压缩成一个固定大小的向量；
# Cho 等发现，句子越长，翻译质量越差。
# Bahdanau 等（2015）让解码器每写一个词都重新查看源句的所有位置；
# Vaswani 等（2017）进一步去掉了循环，用注意力搭建整个模型：任意两个位置只隔一步，训练时所有位置可以同时计算。
# 代价是每一对位置都要打分，开销随长度的平方增长。
#
# 凡是输入各部分相关程度不同的地方都可以用它：语言模型、语音识别（哪些帧属于这个词）、图像识别与图像描述（哪些图块）、
# 蛋白质结构（哪些残基相互接触）。另外，权重不等于解释：权重大只说明这个值以较大的系数被混入，
# 并不说明它导致了这个决定（Jain 和 Wallace，2019）。

# %% [markdown] tags=["rubric"]
# - Query, key and value are each given their role, and what they do together is described as comparing, weighting and
#   summing.
# - The softmax: weights that are positive, sum to 1 and depend on the input; the output is a weighted mean of the
#   values.
# - Why soft and not the best match: the softmax has a useful gradient, so that it can be learned where to look.
# - What it replaced: the bottleneck of one fixed vector (or the long path of a recurrence), with direct access to
#   every position in its place.
# - Two uses besides translation that really use it, and one limit, such as: weights are no explanation, or the cost
#   is quadratic in the length.

# %% [markdown] tags=["rubric"] lang="zh"
# - 说清查询、键、值各自的角色，并把三者的配合描述为比较、加权、求和。
# - softmax：权重非负、和为 1、取决于输入；输出是值的加权平均。
# - 为什么是软的而不是取最匹配者：softmax 有可用的梯度，“看哪里”可以学习。
# - 它取代了什么：单个固定向量的瓶颈（或循环网络的长路径），代之以对每个位置的直接访问。
# - 两个翻译之外确实使用注意力的应用，以及一个局限，例如：权重不等于解释，或开销随长度平方增长。

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Which temperature does the Transformer use, and why that one?
#    > √d_k, the square root of the size of one head's keys: with d_k = 64 the temperature is 8. If the entries of
#    > query and key are independent with mean 0 and variance 1, their dot product has the standard deviation √d_k.
#    > Dividing by it brings the scores back to a spread of about 1, so the softmax is not saturated when training
#    > begins (Vaswani et al., 2017, footnote 4). Later the model can sharpen the weights itself, by giving queries
#    > and keys larger norms.
# 2. What is the output if all keys are equal? If two keys are equal and the rest are far away?
#    > If all keys are equal, so are all scores: every weight is 1/S and the output is the plain mean of the values,
#    > whatever the query is. If two equal keys have dot products far above all others, each gets a weight of about ½,
#    > and the output is the mean of their two values. A query cannot tell equal keys apart, and this is one reason
#    > why Transformers add position information.
# 3. Could the values be the keys? When are they, in practice?
#    > Yes, nothing forbids it. In Luong et al. (2015) with the "dot" score the encoder's states are both keys and
#    > values, and so they are in a modern Hopfield network that retrieves stored patterns (Ramsauer et al., 2020).
#    > Transformers compute keys and values from the same tokens with two different matrices, because what a token is
#    > found by and what it hands over need not be the same.
# 4. "Attention reduces computation, because it ignores what is unimportant." Is that so?
#    > No. Every score has to be computed before one knows which are small, and a value with a weight of 0.001 costs
#    > as much as one with 0.9: S·(d + d_v) multiply-adds per query, whatever the weights are. Work is saved only if
#    > pairs are left out before they are scored, by a fixed pattern such as a sliding window or by a cheap selection
#    > (NSA, Yuan et al., 2025).
# 5. How does this relate to kernel regression (Nadaraya–Watson)?
#    > It is the same estimator: the output is Σ K(q, k_s)·v_s / Σ K(q, k_s) with the kernel K(q, k) = exp(q·k/T).
#    > With a Gaussian kernel exp(−‖q − k‖²/(2T)) the weights are the same exactly when all keys have the same length,
#    > since ‖q − k‖² = ‖q‖² − 2·q·k + ‖k‖². T plays the part of the squared bandwidth. The difference is that
#    > attention learns the features that it compares, while kernel regression takes them as given.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. Transformer 用的是什么温度？为什么是它？
#    > 温度是 √d_k，即一个头的键的维度的平方根：d_k = 64 时温度为 8。
#    > 如果查询和键的分量相互独立、均值 0、方差 1，点积的标准差就是 √d_k。
#    > 除以它，得分的标准差回到 1 左右，训练开始时 softmax 不会饱和（Vaswani 等，2017，脚注 4）。
#    > 之后模型可以通过增大查询和键的模长，自己把权重变得更尖锐。
# 2. 如果所有键都相同，输出是什么？如果有两个键相同、其余的都很远呢？
#    > 所有键都相同，得分也全都相同：每个权重都是 1/S，输出是所有值的简单平均，与查询无关。
#    > 如果两个相同的键的点积远高于其他键，它们各得约 ½ 的权重，输出是这两个值的平均。
#    > 查询无法区分相同的键，这也是 Transformer 要加入位置信息的原因之一。
# 3. 值可以就是键吗？实际中什么时候是这样？
#    > 可以，没有任何限制。Luong 等（2015）的“dot”得分中，编码器的状态既是键也是值；
#    > 用现代 Hopfield 网络检索存储的模式时也是如此（Ramsauer 等，2020）。
#    > Transformer 用两个不同的矩阵从同样的词元算出键和值，因为“凭什么被找到”和“提供什么内容”不必相同。
# 4. “注意力忽略了不重要的信息，因此减少了计算量。”对吗？
#    > 不对。得先算出所有得分，才知道哪些很小；权重为 0.001 的值与权重为 0.9 的值开销一样。
#    > 无论权重如何，每个查询都要 S·(d + d_v) 次乘加。
#    > 只有在打分之前就排除一部分位置对，才能节省计算：例如固定的滑动窗口，或用很小的代价先做筛选（NSA，Yuan 等，2025）。
# 5. 这与核回归（Nadaraya–Watson）有什么关系？
#    > 两者是同一个估计量：输出是 Σ K(q, k_s)·v_s / Σ K(q, k_s)，核函数为 K(q, k) = exp(q·k/T)。
#    > 若用高斯核 exp(−‖q − k‖²/(2T))，当且仅当所有键的模长相等时权重相同，因为 ‖q − k‖² = ‖q‖² − 2·q·k + ‖k‖²。
#    > 温度 T 相当于带宽的平方。区别在于：注意力要学习用来比较的特征，而核回归的特征是给定的。

# %% [markdown] tags=["hint"]
# One similarity for every key, weights that sum to 1 over the keys, then a weighted mean. For the explanation, start
# from a dictionary in Python.

# %% [markdown] tags=["hint"] lang="zh"
# 每个键一个相似度，权重沿键求和为 1，然后加权平均。解释部分可以从 Python 的字典讲起。

# %% [markdown] tags=["hint"]
# `keys @ query` gives S dot products at once. Dividing by a small temperature drives them apart, by a large one
# together. Why can a model not learn through `argmax`?

# %% [markdown] tags=["hint"] lang="zh"
# `keys @ query` 一次得到 S 个点积。除以小的温度会拉开它们的差距，除以大的温度会使它们靠拢。
# 为什么模型无法通过 `argmax` 学习？

# %% [markdown] tags=["hint"]
# `weights = torch.softmax(keys @ query / temperature, dim=0)`, and the output is `weights @ values`. Refuse a
# temperature of 0 or below first. For the explanation: roles, weights, gradient, bottleneck, uses, a limit.

# %% [markdown] tags=["hint"] lang="zh"
# `weights = torch.softmax(keys @ query / temperature, dim=0)`，输出为 `weights @ values`。先拒绝小于等于 0 的温度。
# 解释部分依次讲：角色、权重、梯度、瓶颈、用途、一个局限。

# %% [markdown] tags=["discussion"]
# **Temperature and scale.** The 1/√d of the Transformer is a temperature of √d: it undoes the growth of the dot
# products' spread with d. The same number is called temperature when one samples from a language model, and in
# distillation (Hinton et al., 2015).
#
# **The limits.** As T → 0 the softmax tends to the one-hot of the largest score (shared equally among ties); as T → ∞
# all scores tend to 0, and the weights to 1/S. Dot products divided by 1e-4 are in the ten thousands, where `exp`
# overflows: `torch.softmax` subtracts the largest score first.
#
# **Distance or dot product.** −‖k − q‖²/2 = k·q − ‖k‖²/2 − ‖q‖²/2. The query's length is the same for all keys and
# drops out of the softmax, so the two agree exactly when all keys are of equal length. With distances this is
# Nadaraya–Watson regression with a Gaussian kernel.
#
# **Often said, and wrong.** That attention saves computation by ignoring the unimportant: every score is computed,
# and a small weight costs as much as a large one. And that it is a "learning algorithm": it is a layer; what is
# learned are the projections that make queries, keys and values.
#
# **Today.** The soft look-up is the standard layer for text, images and sound. It has little *inductive bias*:
# neither order nor neighbourhood is built in, so a model must get them from position encodings and from data. With
# this Dosovitskiy et al. (2021) explain why ViT falls behind convolutional networks when data is scarce. The
# temperature is mostly still √d; YaRN (Peng et al., 2023) changes it when it extends a model to longer texts.
# Attention *as explanation* is disputed: Jain and Wallace (2019) found very different weights that give nearly the
# same prediction, and Wiegreffe and Pinter (2019) answered that it depends on what one calls an explanation, and how
# one tests it. For a causal claim one now intervenes: change an activation inside the model and see whether the
# output changes (Meng et al., 2022).

# %% [markdown] tags=["discussion"] lang="zh"
# **温度与缩放。** Transformer 的 1/√d 相当于温度 √d：它抵消了点积的离散程度随 d 的增长。
# 语言模型采样和知识蒸馏（Hinton 等，2015）里的温度是同样的参数。
#
# **极限。** T → 0 时 softmax 趋于最大得分的 one-hot（并列时均分）；T → ∞ 时所有得分趋于 0，权重趋于 1/S。
# 点积除以 1e-4 会达到上万，此时 `exp` 溢出：`torch.softmax` 会先减去最大的得分。
#
# **距离还是点积。** −‖k − q‖²/2 = k·q − ‖k‖²/2 − ‖q‖²/2。查询的模长对所有键都一样，在 softmax 中消去，
# 所以当且仅当所有键的模长相等时两者一致。用距离时，这就是高斯核的 Nadaraya–Watson 回归。
#
# **常见的误解。** 有人说注意力忽略了不重要的信息，因而节省计算：其实每个得分都要算，小权重与大权重的开销一样。
# 还有人说它是一种“学习算法”：它只是一个层；学到的是产生查询、键、值的投影。
#
# **如今。** 软查找是处理文本、图像和声音的标准层。它的*归纳偏置*（inductive bias）很弱：结构本身不包含顺序和邻近关系，
# 模型要靠位置编码和数据来获得。Dosovitskiy 等（2021）就以此解释，为什么数据不足时 ViT 不如卷积网络。
# 温度大多仍是 √d；YaRN（Peng 等，2023）在把模型扩展到更长的文本时会调整它。
# *注意力能否作为解释*仍有争议：Jain 和 Wallace（2019）发现，差别很大的权重可以给出几乎相同的预测；
# Wiegreffe 和 Pinter（2019）回应说，这取决于什么才算解释，以及怎样检验。
# 要得到因果结论，现在的做法是干预：改动模型内部的某个激活，看输出是否随之改变（Meng 等，2022）。
