# %% [markdown]
# > *"There is a dropout on the attention weights. Write it, without `nn.Dropout`. What does it do in evaluation, and
# > why do the weights of a row no longer sum to 1?"*
#
# GPT (Radford et al., 2018) and BERT (Devlin et al., 2019) drop attention weights while they train: every weight is, on
# its own, set to 0 with probability p, so that no query can rely on a single key. What is kept is divided by 1 − p
# (*inverted dropout*), so that the expected weight stays what it was, and nothing at all has to be done in evaluation.
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
# - Write it yourself: `nn.Dropout`, `F.dropout` and the like may not be used. Random numbers (`torch.rand`,
#   `bernoulli`, …) may be used.
#
# **By hand.** Weights [0.5, 0.3, 0.2], p = 0.5, and the second is dropped: the result is [1.0, 0, 0.4]. It sums to
# 1.4. With p = 0.2 and the same draw it is [0.625, 0, 0.25], which sums to 0.875. Only on average do they sum to 1.

# %% [markdown] lang="zh"
# > *“注意力权重上有一个 dropout。不用 `nn.Dropout`，把它写出来。评估时它做什么？为什么一行权重之和不再是 1？”*
#
# GPT（Radford 等，2018）和 BERT（Devlin 等，2019）在训练时随机丢弃注意力权重：每个权重独立地以概率 p 置零，
# 使任何查询都不能只依赖某一个键。保留下来的权重除以 1 − p，使期望保持不变，这样评估时什么都不用做；
# 这叫 *inverted dropout*（反向随机失活）。
#
# **请实现** `AttentionDropout(p)`，一个 `nn.Module`，`forward(weights) -> weights`。
#
# - 训练模式下，任意形状输入的每个元素都独立地以概率 p 被丢弃，其余除以 1 − p。每次调用都重新抽样。
# - 评估模式下是恒等映射，无论 p 是多少。p = 0 时在训练模式下也是恒等映射。
# - p = 1 在训练模式下得到零，而不是 NaN。
# - p 不在 [0, 1] 内时，构造模块就抛出 `ValueError`。
# - 结果保持权重的 dtype 和设备；你抽取的掩码也必须在同一设备上。
# - 不得原地修改权重。梯度只经过保留的元素：那里是 1/(1 − p)，其余为 0。
# - 请自己实现：不能使用 `nn.Dropout`、`F.dropout` 等。随机数（`torch.rand`、`bernoulli` 等）可以使用。
#
# **手算一例。** 权重 [0.5, 0.3, 0.2]，p = 0.5，第二个被丢弃：结果是 [1.0, 0, 0.4]，和为 1.4。若 p = 0.2，
# 同样的抽样得到 [0.625, 0, 0.25]，和为 0.875。只有在平均意义下，它们的和才是 1。

# %% tags=["demo"]
# A uniform row of attention over 5 keys, dropped four times with p = 0.4: what is kept grows from 0.2 to 0.33.
from grader import heatmap

heatmap(
    [[0.2 / (1 - 0.4) * int(kept) for kept in row] for row in ("10110", "01101", "11101", "00101")],
    rows=[f"sum {0.2 / (1 - 0.4) * kept:.2f}" for kept in (3, 3, 4, 2)],
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
#    > So that evaluation needs no trace of dropout: the model that is deployed does not have to know p. Both give the
#    > right expectation. They are the same up to a constant factor 1 − p on the layer's output in both modes, which
#    > the next linear layer can absorb; but while training, activations and gradients differ by this factor, so the
#    > same learning rate trains differently. The original dropout (Srivastava et al., 2014) multiplied at test time.
# 2. Would it be better to renormalise each row after dropping? What would a row with a single key left become?
#    > Usually not. A row with a single key left becomes one-hot: that key gets the weight 1, even if it had 0.01, and
#    > a row with nothing left is 0/0. The expectation is wrong, too: for the weights 0.9 and 0.1 and p = 0.5, the
#    > three draws that keep something give the first key 0.9, 1 and 0, on average 0.63 and not 0.9. Dividing by 1 − p
#    > keeps every expected weight, at the price that a row's sum is random. DropAttention (Lin et al., 2019) does
#    > renormalise.
# 3. Dropping *scores* (to −∞) before the softmax: how does it differ?
#    > The softmax then renormalises over the keys that are left: each row sums to 1, nothing is divided by 1 − p, and
#    > the expected weights are no longer the original ones. A row that loses all its keys is 0/0, NaN. The gradient
#    > differs as well: a dropped score gets none, while a weight that is dropped after the softmax still took part in
#    > the sum, so its score keeps a gradient. DropKey (Li et al., 2023) drops scores in this way.
# 4. You forgot `model.eval()`. What do you see in the metrics, and how do you notice?
#    > The metrics are somewhat worse than they should be and change from run to run, since every call draws new
#    > masks. To notice it, give the model the same input twice: the outputs must be equal. Or look at
#    > `any(module.training for module in model.modules())`. Note that `eval()` does not reach
#    > `F.scaled_dot_product_attention(dropout_p=…)`: one has to pass 0.0 oneself.
# 5. FlashAttention never stores the weights. How can the backward pass know which were dropped?
#    > It draws the same random numbers again. The generator is counter-based (Philox): a number depends only on the
#    > seed, an offset and the position of the weight, so any block can be drawn again in any order. The forward pass
#    > keeps only the seed and the offset. A stored mask would need one byte per weight: at 32k tokens 32,768² bytes =
#    > 1 GiB per head.
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
#    > 这样评估时完全不用管 dropout：部署的模型不需要知道 p。两种做法的期望都是对的。
#    > 在两种模式下，它们的输出都只差一个常数因子 1 − p，可以被后面的线性层吸收；
#    > 但训练时激活值和梯度也差这个因子，所以同样的学习率会有不同的训练效果。
#    > 最初的 dropout（Srivastava 等，2014）是在测试时做乘法。
# 2. 丢弃之后把每行重新归一化会更好吗？如果一行只剩一个键，会变成什么？
#    > 通常不会。只剩一个键的行会变成 one-hot：这个键的权重变成 1，哪怕原来只有 0.01；一个不剩的行则是 0/0。
#    > 期望也不对：权重为 0.9 和 0.1、p = 0.5 时，至少保留一个键的三种情形中，第一个键分别得到 0.9、1 和 0；
#    > 平均是 0.63，而不是 0.9。除以 1 − p 则保持每个权重的期望不变，代价是每行之和是随机的。
#    > DropAttention（Lin 等，2019）采用了重新归一化。
# 3. 在 softmax 之前丢弃*得分*（置为 −∞）有什么不同？
#    > 这时 softmax 会在剩下的键上重新归一化：每行之和为 1，不再除以 1 − p，权重的期望也不再等于原来的权重。
#    > 如果一行的键全被丢弃，就是 0/0，得到 NaN。梯度也不同：被丢弃的得分没有梯度；
#    > 而在 softmax 之后才丢弃的权重参与过求和，所以它的得分仍有梯度。DropKey（Li 等，2023）就是这样丢弃得分的。
# 4. 忘了调用 `model.eval()`，指标上会看到什么？怎样发现？
#    > 指标比应有的水平略差，而且每次运行都不一样，因为每次调用都重新抽取掩码。
#    > 要发现它，可以把同一输入送进模型两次，输出应当相同；
#    > 或者检查 `any(module.training for module in model.modules())`。
#    > 注意 `eval()` 管不到 `F.scaled_dot_product_attention(dropout_p=…)`：评估时必须自己传 0.0。
# 5. FlashAttention 从不保存权重，反向传播如何知道哪些被丢弃了？
#    > 它重新生成同样的随机数。所用的是基于计数器的随机数发生器（Philox）：
#    > 每个随机数只取决于种子、偏移量和该权重的位置，所以任何一块都可以按任意顺序重新生成。
#    > 前向传播只需保存种子和偏移量。如果保存掩码，每个权重要一个字节：
#    > 32k 个词元时，每个头需要 32,768² 字节 = 1 GiB。
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
# **Where the dropout stands.** The Transformer paper (Vaswani et al., 2017, section 5.4) names dropout on the output of each
# sub-layer and on the sum of embeddings and position encodings; it does not mention the weights. The GPT paper
# (Radford et al., 2018) does, with p = 0.1, and BERT's code does so too. A comment in BERT's code says that this was
# taken from the original Transformer paper, and the comment has been copied into the code of many other models.
#
# **Inverted or not.** Multiplying by 1 − p in evaluation has the same expectation, but then every model in production
# has to do it, and a forgotten factor changes the answers. Dividing in training keeps evaluation free of it (this is
# what `nn.Dropout` does).
#
# **No renormalising.** A dropped row sums to 1 only in expectation. Renormalising would turn a row with one key left
# into a one-hot, whatever its weight was, and 0/0 where none is left. DropAttention (Lin et al., 2019) does
# renormalise.
#
# **Traps.** A mask of shape (…, L, 1) sets all weights of a query to zero at once. `torch.rand(weights.shape)`
# without a device works until the first GPU. A mask drawn in half precision is not exact: with p = 0.001 and
# `torch.rand(…, dtype=torch.bfloat16)`, PyTorch 2.13 on a CPU drops 0.29 % of the entries, and not 0.1 %.
#
# **In real libraries** `F.scaled_dot_product_attention(dropout_p=…)` drops inside the kernel. It does not look at
# `self.training`: pass 0.0 in evaluation. A fused kernel keeps the seed of its random numbers and draws the same mask
# again in the backward pass.
#
# **Today.** Many large language models are pre-trained without dropout: T5 1.1 (the T5 authors' release notes) and
# PaLM (Chowdhery et al., 2022) switch it off for pre-training and on again for fine-tuning. They see most of their
# data only about once, so overfitting is a smaller worry. Where data is scarce and is read many times, dropout is
# still common: in fine-tuning, in vision, and in small models.

# %% [markdown] tags=["discussion"] lang="zh"
# **dropout 加在哪里。** Transformer 论文（Vaswani 等，2017，5.4 节）只提到两处 dropout：每个子层的输出，以及嵌入与位置编码之和；
# 没有提到注意力权重。GPT 论文（Radford 等，2018）提到了，p = 0.1；BERT 的代码也这样做。
# BERT 代码中的一条注释说这取自最初的 Transformer 论文，这条注释后来被复制到许多其他模型的代码里。
#
# **是否用 inverted dropout。** 在评估时乘以 1 − p 期望相同，但模型上线后每次推理都要多乘一次，忘了这个系数，结果就变了。
# 在训练时做除法，评估就不受影响（`nn.Dropout` 就是这样做的）。
#
# **不重新归一化。** 丢弃之后一行只在期望意义下和为 1。若重新归一化，只剩一个键的行会变成 one-hot，
# 无论原来的权重是多少；一个不剩时则是 0/0。DropAttention（Lin 等，2019）确实做了重新归一化。
#
# **陷阱。** 形状为 (…, L, 1) 的掩码会把一个查询的权重全部清零。不带 device 的 `torch.rand(weights.shape)` 一到 GPU 就会报错。
# 用半精度抽取掩码不够精确：p = 0.001、`torch.rand(…, dtype=torch.bfloat16)` 时，
# PyTorch 2.13 在 CPU 上丢弃的比例是 0.29 %，而不是 0.1 %。
#
# **实际的库。** `F.scaled_dot_product_attention(dropout_p=…)` 在算子内部做丢弃。它不看 `self.training`：评估时要自己传 0.0。
# 融合算子只保存随机数种子，在反向传播中重新抽出同样的掩码。
#
# **如今。** 许多大语言模型的预训练不用 dropout：T5 1.1（见 T5 作者的发布说明）和 PaLM（Chowdhery 等，2022）
# 在预训练时关闭、微调时再打开。它们的大部分数据只看一遍左右，过拟合不是主要问题。
# 数据较少、要反复读很多遍时，dropout 仍很常见：例如微调、视觉任务和小模型。
