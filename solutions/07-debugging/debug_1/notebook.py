# %% [markdown]
# > *"This is our dot-product attention. It trains, more or less. With longer inputs the activations get larger and larger.
# > What is wrong, and can you fix it?"*
#
# The cell below holds a function that runs, returns the right shapes and passes a gradient. It is not attention. Find out
# why, **mend** `dot_product_attention`, and **name** the bug: set `bug` to one of the twelve slugs listed there. The name
# counts once the function is mended.
#
# What the function should do, softmax(QKᵀ)V:
#
# | | shape | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` is any number of leading axes (batch, heads), none included; the same for q, k and v |
# | `k` | `(..., S, d)` | S may differ from L |
# | `v` | `(..., S, d_v)` | d_v may differ from d |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | one row a query, and each row sums to 1 |
#
# - It returns `(output, weights)`. There is no scale and no mask: the scores are the dot products as they are.
# - Scores may reach ±20,000: nothing may overflow. Outputs keep the inputs' dtype and device, float64 and bfloat16
#   included. Inputs are not changed, and gradients flow to q, k and v through both outputs.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) is off limits.
#
# **By hand.** One query [1, 2], keys [1, 0] and [0, 1]: the scores are 1 and 2, and the weights should be 0.269 and 0.731.

# %% [markdown] lang="zh"
# > *“这是我们的点积注意力，勉强能训练。但输入越长，激活值就越大。问题在哪里？你能修好吗？”*
#
# 下面单元里的函数能运行、形状正确、也有梯度，但它不是注意力。请找出原因，**修好** `dot_product_attention`，
# 并**指出**错误的名称：把 `bug` 设为单元里列出的十二个标识之一。函数修好之后，名称才计分。
#
# 函数应当计算 softmax(QKᵀ)V：
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度（批、头），也可以没有；q、k、v 三者相同 |
# | `k` | `(..., S, d)` | S 可以与 L 不同 |
# | `v` | `(..., S, d_v)` | d_v 可以与 d 不同 |
# | `output` | `(..., L, d_v)` | |
# | `weights` | `(..., L, S)` | 每个查询一行，每行之和为 1 |
#
# - 返回 `(output, weights)`。不缩放，不加掩码：注意力分数就是点积本身。
# - 注意力分数可能达到 ±20,000，不能溢出。输出保持输入的 dtype 和设备，包括 float64 和 bfloat16。不得修改输入，梯度经由两个输出流向 q、k、v。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）。
#
# **手算一例。** 查询 [1, 2]，键 [1, 0] 和 [0, 1]：得分为 1 和 2，权重应为 0.269 和 0.731。

# %% tags=["given"]
import torch

# %% tags=["broken"]
def dot_product_attention(q, k, v):
    """Unscaled attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v).

    Returns (output (..., L, d_v), weights (..., L, S)).
    """
    scores = q @ k.transpose(-2, -1)
    weights = torch.sigmoid(scores)
    return weights @ v, weights


bug = ""
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
def dot_product_attention(q, k, v):
    """Unscaled attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v).

    Returns (output (..., L, d_v), weights (..., L, S)).
    """
    scores = q @ k.transpose(-2, -1)
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights


bug = "sigmoid-weights"
### END SOLUTION

# %% tags=["demo"]
# Random queries, and more and more random keys and values of variance 1: how large is what comes out?
from grader import heatmap

torch.manual_seed(0)
q, outputs = torch.randn(4, 16), {}
for S in (4, 16, 64, 256):
    outputs[f"{S} keys"], _ = dot_product_attention(q, torch.randn(S, 16), torch.randn(S, 3))
    print(f"{S:3} keys: an entry of the output is about {outputs[f'{S} keys'].pow(2).mean().sqrt():.2f} in size")
heatmap(torch.cat([output[:1] for output in outputs.values()]), rows=list(outputs), title="the output of query 0")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_1")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_1")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_1")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_1")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_1")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Which one-line test would have found this before training?
#    > That each row sums to 1: `torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))`. On
#    > random inputs it fails at once, because each sigmoid is 0.5 on average, so a row of S keys sums to about S/2. An
#    > equally good test sets all values to 1 and expects an output of 1.
# 2. With the sigmoid, raising one key's score leaves the other weights alone. With the softmax, what happens to them?
#    > They all fall, by the same factor, because the row must still sum to 1. Take the scores 1 and 2, with weights
#    > 0.269 and 0.731; raise the second score to 3, and they become 0.119 and 0.881. The derivative of weight i with
#    > respect to score j is −wᵢ wⱼ for i ≠ j: keys that already have weight lose most. The ratios among the other keys
#    > do not change.
# 3. Where a −∞ mask is used, the sigmoid gives exact zeros too. Why does that make the bug harder to see?
#    > Because every test of the mask passes. σ(−∞) = 0 exactly, so hidden keys have no weight, no future leaks under a
#    > causal mask, and a row in which everything is hidden gives zeros, where a softmax would give NaN. It even looks
#    > more robust. Only a test of the normalisation, rows that sum to 1, shows the difference.
# 4. Divide the sigmoids by their sum: does that make it a softmax?
#    > No. The rows then sum to 1, but the weights are others. For the scores 1 and 2 it gives 0.454 and 0.546 instead
#    > of 0.269 and 0.731. For 10 and 20 it gives 0.5 and 0.5, because both sigmoids are near 1, where the softmax
#    > gives 0.00005 and 0.99995. Also, adding a constant to all scores changes the result. The two come close when all
#    > scores are very negative, because then σ(s) ≈ eˢ.
# 5. When would you want weights that do not compete?
#    > When several keys, or none, may matter. Examples are gates and channel attention, labels that can hold at the
#    > same time, and the routers of mixture-of-experts models: DeepSeek-V3 (2024) scores experts by a sigmoid. With a
#    > softmax a query must give away all its weight even if no key fits, and models then put it on a token that means
#    > nothing, an attention sink (Xiao et al., 2023). Sigmoid attention can give almost nothing to everything.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 哪一行测试代码能在训练之前就发现这个问题？
#    > 检查每行之和为 1：`torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))`。
#    > 用随机输入立刻就会失败：每个 sigmoid 平均是 0.5，S 个键的一行之和约为 S/2。同样有效的测试是把所有值设为 1，输出应当是 1。
# 2. 用 sigmoid 时，提高一个键的得分不影响其他权重。用 softmax 时，其他权重会怎样？
#    > 它们都按同样的比例下降，因为一行之和必须仍为 1。例如得分 1 和 2，权重是 0.269 和 0.731；把第二个得分提高到 3，就变成 0.119 和 0.881。
#    > 当 i ≠ j 时，权重 i 对得分 j 的导数是 −wᵢ wⱼ：原本权重大的键损失最多。其余各键之间的比例不变。
# 3. 使用 −∞ 掩码时，sigmoid 也会得到精确的零。为什么这让错误更难被发现？
#    > 因为所有关于掩码的测试都能通过。σ(−∞) 恰好为 0，所以被屏蔽的键没有权重，因果掩码下不会泄露未来；整行都被屏蔽时得到的是零，而 softmax 会得到 NaN。看起来它甚至更稳健。
#    > 只有检查归一化，即每行之和为 1，才能看出差别。
# 4. 把 sigmoid 的结果除以它们的和，就等于 softmax 了吗？
#    > 不等于。这样每行之和为 1，但权重不同。得分为 1 和 2 时得到 0.454 和 0.546，而不是 0.269 和 0.731。
#    > 得分为 10 和 20 时得到 0.5 和 0.5，因为两个 sigmoid 都接近 1，而 softmax 给出 0.00005 和 0.99995。而且给所有得分加上同一个数，结果会变。
#    > 当得分都是绝对值很大的负数时，σ(s) ≈ eˢ，两者才变得接近。
# 5. 什么情况下你会希望权重之间不互相竞争？
#    > 当可能有几个键重要、也可能一个都不重要的时候。例如门控和通道注意力，可以同时成立的多个标签，以及混合专家模型（MoE）的路由：DeepSeek-V3（2024）就用 sigmoid 给专家评分。
#    > 用 softmax 时，即使没有合适的键，查询也必须把全部权重分出去，模型于是把它放在没有意义的词元上，形成 attention sink（Xiao 等，2023）。
#    > sigmoid 注意力则可以几乎什么都不关注。

# %% [markdown] tags=["hint"]
# Why would an average of values grow with their number? Look at the weights: what do the rows add up to?

# %% [markdown] tags=["hint"] lang="zh"
# 值的平均为什么会随个数增大？看看权重：每一行加起来是多少？

# %% [markdown] tags=["hint"]
# The scores are fine. What turns them into weights looks at one score at a time; it should look at all keys of a query
# together.

# %% [markdown] tags=["hint"] lang="zh"
# 得分没有问题。把得分变成权重的那一步每次只看一个得分；它应当同时看一个查询的所有键。

# %% [markdown] tags=["hint"]
# Take the softmax of the scores over the last axis in place of the sigmoid. The slug speaks of weights.

# %% [markdown] tags=["hint"] lang="zh"
# 把 sigmoid 换成沿最后一个维度的 softmax。标识的名字里提到了权重（weights）。

# %% [markdown] tags=["discussion"]
# **The source.** One of the documents implements both "dot-product" and "scaled dot-product" attention with `nn.Sigmoid`, kept
# under the attribute name `scaled_dot_product_attention`, in which the dot after `self` is missing, so that it does not even
# compile. Mended, it would run, and train: each output is a sum of gated values. But the weights do not sum to 1, the
# output grows with the number of keys, and no key takes attention away from another.
#
# **Finding such a bug.** Test invariants instead of shapes: rows sum to 1; with equal values the output is that value; adding
# a constant to all scores of a row changes nothing. A sigmoid fails all three.
#
# **Is it always wrong?** No. Sigmoid attention can be trained (Ramapuram et al., 2024), with a bias of about −log S that keeps the sum of
# the weights near 1. It is another operation, and not what is asked for here.
#
# **Today.** Softmax remains the standard, and what is mended is its compulsion to give away a total of 1. A sink token
# that is kept on purpose (Xiao et al., 2023), or a learned number in the denominator of the softmax (gpt-oss, OpenAI,
# 2025), lets a query attend to nothing. A sigmoid gate on the output of softmax attention has a similar effect (Qiu et
# al., 2025). Sigmoid attention proper has a fast kernel, FlashSigmoid (Ramapuram et al., 2024), and needs care at the
# start of training, which is what the bias of −log S is for.

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料用 `nn.Sigmoid` 实现了“点积”和“缩放点积”两种注意力，属性名叫 `scaled_dot_product_attention`，
# 而且 `self` 后面漏了点号，根本无法通过语法检查。改正语法之后它能运行、也能训练：每个输出是若干“门控”值之和。
# 但权重之和不为 1，输出随键的个数增长，键与键之间也没有竞争。
#
# **怎样发现。** 要测试不变量，而不只是形状：每行之和为 1；所有值相等时输出等于该值；给一行的所有得分加上同一个数，结果不变。
# sigmoid 三条全都不满足。
#
# **它总是错的吗？** 不是。sigmoid 注意力可以训练（Ramapuram 等，2024），加上约 −log S 的偏置使权重之和接近 1。
# 但那是另一种运算，不是这里要求的。
#
# **如今。** softmax 仍是标准做法，改进的是它“必须分出总和为 1 的权重”这一点。
# 有意保留的 sink 词元（attention sink；Xiao 等，2023），或 softmax 分母中的一个可学习的数（gpt-oss；OpenAI，2025），都允许查询什么也不关注。
# 在 softmax 注意力的输出上加 sigmoid 门也有类似的效果（Qiu 等，2025）。
# 真正的 sigmoid 注意力有快速实现 FlashSigmoid（Ramapuram 等，2024），但训练初期需要小心，偏置 −log S 就是为此而设。
