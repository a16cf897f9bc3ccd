# %% [markdown]
# > *"There is a dropout on the attention weights. Write it, without `nn.Dropout`. What does it do in evaluation, and
# > why do
# > the weights of a row no longer sum to 1?"*
#
# Many Transformers drop attention weights while they train. (Vaswani et al., 2017, section 5.4, name only two other places:
# the outputs of sub-layers, and the sums of embeddings and positions; their code, tensor2tensor, has a setting for the
# weights as well.) Every weight is, on its own, set to 0 with probability p, so that no query can rely on a single key.
# What is kept is divided by 1 − p (*inverted* dropout), so that the expected weight stays what it was, and
# nothing at all has to be done in evaluation.
#
# **Write** `AttentionDropout(p)`, an `nn.Module` with `forward(weights) -> weights`.
#
# - In training mode every entry, of any shape of input, is dropped with probability p, independently of all others;
#   the rest is divided by 1 − p. Every call draws anew.
# - In evaluation mode it is the identity, whatever p is. For p = 0 it is the identity in training, too.
# - p = 1 gives zeros in training, not NaN.
# - p outside of [0, 1] raises `ValueError` when the module is made.
# - The result has the dtype and device of the weights; a mask that you draw has to be on that device.
# - The weights are not changed in place. The gradient is that of the entries that are kept: 1/(1 − p) there, 0
#   elsewhere.
# - Write it yourself: `nn.Dropout`, `F.dropout` and the like are off limits. Random numbers (`torch.rand`,
#   `bernoulli`, …) are yours to use.
#
# **By hand.** Weights [0.5, 0.3, 0.2], p = 0.5, and the second is dropped: the result is [1.0, 0, 0.4]. It sums to
# 1.4. With p = 0.2 and the same draw it is [0.625, 0, 0.25], which sums to 0.875. Only on average do they sum to 1.

# %% [markdown] lang="zh"
# > *“注意力权重上有一个 dropout。不用 `nn.Dropout`，把它写出来。评估时它做什么？为什么一行权重之和不再是 1？”*
#
# 许多 Transformer 在训练时随机丢弃注意力权重。
# （Vaswani 等（2017，5.4 节）只提到另外两处：子层的输出，以及词嵌入与位置编码之和；他们的代码 tensor2tensor 另有权重的设置。）
# 每个权重独立地以概率 p 置零，
# 使任何查询都不能只依赖某一个键。保留下来的权重除以 1 − p（*inverted* dropout），使期望保持不变，
# 这样评估时什么都不用做。
#
# **请实现** `AttentionDropout(p)`，一个 `nn.Module`，`forward(weights) -> weights`。
#
# - 训练模式下，任意形状输入的每个元素都独立地以概率 p 被丢弃，其余除以 1 − p。每次调用都重新抽样。
# - 评估模式下是恒等映射，无论 p 是多少。p = 0 时在训练模式下也是恒等映射。
# - p = 1 在训练模式下得到零，而不是 NaN。
# - p 不在 [0, 1] 内时，构造模块就抛出 `ValueError`。
# - 结果保持权重的 dtype 和设备；你抽取的掩码也必须在该设备上。
# - 不得原地修改权重。梯度只经过保留的元素：那里是 1/(1 − p)，其余为 0。
# - 请自己实现：不能使用 `nn.Dropout`、`F.dropout` 等。随机数（`torch.rand`、`bernoulli` 等）可以使用。
#
# **手算一例。** 权重 [0.5, 0.3, 0.2]，p = 0.5，第二个被丢弃：结果是 [1.0, 0, 0.4]，之和为 1.4。若 p = 0.2，
# 同样的抽样得到 [0.625, 0, 0.25]，之和为 0.875。只有在平均意义下，它们之和才是 1。

# %% tags=["demo"]
# A uniform row of attention over 5 keys, dropped four times with p = 0.4: what is kept grows from 0.2 to 0.33.
from grader import heatmap

heatmap(
    [[0.3333, 0, 0.3333, 0.3333, 0], [0, 0.3333, 0.3333, 0, 0.3333], [0.3333, 0.3333, 0.3333, 0, 0.3333], [0, 0, 0.3333, 0, 0.3333]],
    rows=["sum 1", "sum 1", "sum 1.33", "sum 0.67"],
    title="four calls, p = 0.4",
)

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["solution"]
class AttentionDropout(nn.Module):
    """Inverted dropout on attention weights."""

    def __init__(self, p):
        super().__init__()
        ### BEGIN SOLUTION
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, not {p}")
        self.p = p
        ### END SOLUTION

    def forward(self, weights):
        """In training: entries dropped with probability p, the rest divided by 1 - p. In evaluation: the weights."""
        ### BEGIN SOLUTION
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return torch.zeros_like(weights)
        keep = torch.rand(weights.shape, device=weights.device) >= self.p
        return weights * keep / (1 - self.p)
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("attention_dropout")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("attention_dropout")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(AttentionDropout)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why divide by 1 − p in training, and not multiply by 1 − p in evaluation? Are the two the same?
# 2. Would it be better to renormalise each row after dropping? What would a row with a single key left become?
# 3. Dropping *scores* (to −∞) before the softmax: how does it differ?
# 4. You forgot `model.eval()`. What do you see in the metrics, and how do you notice?
# 5. FlashAttention never stores the weights. How can the backward pass know which were dropped?
# 6. The same interviewer goes on to the other settings of an attention layer: how do you choose the number of heads, and
#    what does it change in the scale?
#    > Choose the size of a head first, mostly 64 or 128; the number follows, H = E/64 or E/128, and H has to divide E.
#    > Parameters and multiply-adds do not depend on H, but every head compares in only E/H dimensions. At equal cost
#    > Vaswani et al. (2017, table 3) got 24.9 BLEU with 1 head, 25.5 with 4, 25.8 with 8 and with 16, and 25.4 with 32.
#    > The scale is that of one head, 1/√(E/H): with E = 512 and 8 heads it is 1/√64 = 1/8, with 32 heads 1/4.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 为什么在训练时除以 1 − p，而不是在评估时乘以 1 − p？两者相同吗？
# 2. 丢弃之后把每行重新归一化会更好吗？如果一行只剩一个键，会变成什么？
# 3. 在 softmax 之前丢弃*打分*（置为 −∞）有什么不同？
# 4. 忘了调用 `model.eval()`，指标上会看到什么？怎样发现？
# 5. FlashAttention 从不保存权重，反向传播如何知道哪些被丢弃了？
# 6. 面试官接着问注意力层的其他设置：头的个数怎么选？它对缩放有什么影响？
#    > 先选头的维度，通常是 64 或 128；头数随之而定，H = E/64 或 E/128，并且 H 必须整除 E。
#    > 参数量和乘加次数与 H 无关，但每个头只在 E/H 维里比较。
#    > 在计算量相同的条件下，Vaswani 等（2017，表 3）用 1 个头得 24.9 BLEU，4 个头 25.5，8 个和 16 个头 25.8，32 个头 25.4。
#    > 缩放由单个头的维度决定，即 1/√(E/H)：E = 512、8 个头时是 1/√64 = 1/8，32 个头时是 1/4。

# %% [markdown] tags=["hint"]
# `self.training` tells the mode; `train()` and `eval()` set it. Draw one random number for every entry, not one a row.

# %% [markdown] tags=["hint"] lang="zh"
# `self.training` 告诉你当前的模式，由 `train()` 和 `eval()` 设置。为每个元素抽一个随机数，而不是每行一个。

# %% [markdown] tags=["hint"]
# A uniform number on [0, 1) is below p with probability p: then the entry is dropped. With p = 1, dividing by 1 − p
# is 0/0: treat it on its own.

# %% [markdown] tags=["hint"] lang="zh"
# [0, 1) 上的均匀随机数小于 p 的概率就是 p：此时丢弃该元素。p = 1 时除以 1 − p 是 0/0：需要单独处理。

# %% [markdown] tags=["hint"]
# In training: `keep = torch.rand(weights.shape, device=weights.device) >= self.p`, then
# `weights * keep / (1 - self.p)`. Before that, return the weights in evaluation mode, and zeros for p = 1. Check p in
# `__init__`.

# %% [markdown] tags=["hint"] lang="zh"
# 训练时：`keep = torch.rand(weights.shape, device=weights.device) >= self.p`，然后 `weights * keep / (1 - self.p)`。
# 在此之前，评估模式下直接返回权重，p = 1 时返回零。在 `__init__` 中检查 p。

# %% [markdown] tags=["discussion"]
# **Inverted or not.** Multiplying by 1 − p in evaluation has the same expectation, but then every model in production
# pays for it, and a forgotten factor changes the answers. Dividing in training keeps evaluation free of it (this is
# what `nn.Dropout` does).
#
# **No renormalising.** A dropped row sums to 1 only in expectation. Renormalising would turn a row with one key left
# into a one-hot, whatever its weight was, and 0/0 where none is left. DropAttention (Zehui et al., 2019) does
# renormalise, with that trap handled.
#
# **Traps.** A mask of shape (…, L, 1) silences whole queries. `torch.rand(weights.shape)` without a device works
# until the first GPU. A mask drawn in half precision has few values: `torch.rand` in bfloat16 is quantised, and the
# probability is off by as much.
#
# **In real libraries** `F.scaled_dot_product_attention(dropout_p=…)` drops inside the kernel. It does not look at
# `self.training`: pass 0.0 in evaluation. The kernel keeps the seed of its random numbers and draws the same mask
# again in the backward pass.

# %% [markdown] tags=["discussion"] lang="zh"
# **是否 inverted。** 在评估时乘以 1 − p 期望相同，但上线的模型每次都要付出代价，忘了这个系数结果就变了。
# 在训练时做除法，评估就不受影响（`nn.Dropout` 就是这样做的）。
#
# **不重新归一化。** 丢弃之后一行只在期望意义下和为 1。若重新归一化，只剩一个键的行会变成 one-hot，
# 无论原来的权重是多少；一个不剩时则是 0/0。DropAttention（Zehui 等，2019）确实做了重新归一化，并处理了这个陷阱。
#
# **陷阱。** 形状为 (…, L, 1) 的掩码会让整个查询失声。不带 device 的 `torch.rand(weights.shape)` 一到 GPU 就会报错。
# 用半精度抽取的随机数取值很少：bfloat16 的 `torch.rand` 是量化的，概率也会有相应的偏差。
#
# **实际的库。** `F.scaled_dot_product_attention(dropout_p=…)` 在内核中做丢弃。它不看 `self.training`：评估时要自己传
# 0.0。内核保存随机数种子，在反向传播中重新抽出同样的掩码。
