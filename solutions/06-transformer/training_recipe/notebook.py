# %% [markdown]
# > *"Your Transformer's loss explodes after two hundred steps. The architecture is right. What do you set up before you
# > blame the data?"*
#
# "How would you improve an attention model?" is usually answered with a list: initialisation, regularisation, learning
# rate, batch normalisation. Here each item becomes a few lines that can be right or wrong.
#
# **1.** `init_attention_(module)` changes `module` in place: every `nn.Linear` in it, at any depth and `module` itself
# included, gets Xavier-uniform weights and a zero bias, if it has a bias. Xavier-uniform is uniform on $[-b, b]$ with
# $b = \sqrt{6 / (\text{in} + \text{out})}$ (Glorot & Bengio, 2010). Everything else (norms, embeddings) stays as it is,
# and so do dtype and the `Parameter` objects themselves. What is returned does not matter.
#
# **2.** `warmup_lr(step, d_model, warmup_steps)` returns the learning rate of step 1, 2, 3, … (Vaswani et al., 2017, section 5.3):
#
# $$d_{\text{model}}^{-0.5} \cdot \min\left(\text{step}^{-0.5},\ \text{step} \cdot \text{warmup\_steps}^{-1.5}\right)$$
#
# A step below 1 raises `ValueError`.
#
# **3.** `parameter_groups(model, weight_decay)` returns two groups for an optimiser, in this order:
# `[{"params": …, "weight_decay": weight_decay}, {"params": …, "weight_decay": 0.0}]`. No decay for biases, for the weights
# of norms, and for embeddings, nor for an output matrix that is tied to an embedding. Everything else decays. Every
# parameter stands in exactly one group, exactly once, also when several layers share it. Layers are told by what they
# are, not by their names. Models are made of `nn.Linear`, `nn.LayerNorm` over one axis, `nn.Embedding` and containers.
#
# **4.** `clip_by_global_norm_(parameters, max_norm)` scales all gradients in place by one factor, so that their norm,
# taken over all of them as one long vector, is at most `max_norm`; gradients already below that stay as they are. It returns
# the norm *before* clipping, a float or a 0-d tensor. `parameters` may be a generator such as `model.parameters()`; a parameter
# whose `grad` is None is skipped; all gradients may be zero. The parameters themselves do not change.
#
# `nn.init` may be used. The clipping functions of `nn.utils` (`clip_grad_norm_`, …) may not.
#
# **By hand.**
#
# - `nn.Linear(32, 96)`: b = √(6/128) ≈ 0.2165.
# - d_model = 16, warmup_steps = 4: step 1 gives 1/4 · min(1, 1/8) = 0.03125, step 4 the peak 1/4 · 1/2 = 0.125, step 16
#   gives 1/4 · 1/4 = 0.0625.
# - Gradients [3, 0] and [4] have the global norm 5. With max_norm = 1 they become [0.6, 0] and [0.8], and 5 is returned.
#   With max_norm = 10 nothing happens, and 5 is returned too.

# %% [markdown] lang="zh"
# > *“你的 Transformer 训练到两百步时损失爆炸了，结构没有问题。在怪数据之前，你会先设置好什么？”*
#
# “如何优化注意力模型？”通常得到的回答是一串名词：初始化、正则化、学习率、批量归一化。这里把每一项变成几行可以判断对错的代码。
#
# **1.** `init_attention_(module)` 原地修改 `module`：其中任意深度的每个 `nn.Linear`（包括 `module` 本身）使用 Xavier 均匀初始化，
# 偏置（如果有）置零。Xavier 均匀分布是 $[-b, b]$ 上的均匀分布，$b = \sqrt{6 / (\text{in} + \text{out})}$（Glorot & Bengio，2010）。
# 其他部分（归一化层、嵌入层）保持原样，dtype 和 `Parameter` 对象本身也不变。返回什么无所谓。
#
# **2.** `warmup_lr(step, d_model, warmup_steps)` 返回第 1、2、3……步的学习率（Vaswani 等，2017，5.3 节）：
#
# $$d_{\text{model}}^{-0.5} \cdot \min\left(\text{step}^{-0.5},\ \text{step} \cdot \text{warmup\_steps}^{-1.5}\right)$$
#
# step 小于 1 时抛出 `ValueError`。
#
# **3.** `parameter_groups(model, weight_decay)` 按顺序返回优化器的两个参数组：
# `[{"params": …, "weight_decay": weight_decay}, {"params": …, "weight_decay": 0.0}]`。偏置、归一化层的权重和嵌入不做权重衰减，
# 与嵌入共享权重的输出矩阵也不做；其余都衰减。每个参数恰好出现在一个组中、恰好一次，被多层共享时也一样。
# 判断依据是层的类型而不是名字。模型由 `nn.Linear`、只作用于一个轴的 `nn.LayerNorm`、`nn.Embedding` 和容器组成。
#
# **4.** `clip_by_global_norm_(parameters, max_norm)` 用同一个系数原地缩放所有梯度，使它们拼成一个长向量后的范数不超过 `max_norm`；
# 范数本来就不超过的，保持不变。返回裁剪*之前*的范数（float 或 0 维张量）。`parameters` 可以是 `model.parameters()` 这样的生成器；
# `grad` 为 None 的参数跳过；梯度可能全为零。参数本身不变。
#
# 可以使用 `nn.init`；不能使用 `nn.utils` 里的裁剪函数（`clip_grad_norm_` 等）。
#
# **手算一例。**
#
# - `nn.Linear(32, 96)`：b = √(6/128) ≈ 0.2165。
# - d_model = 16，warmup_steps = 4：第 1 步为 1/4 · min(1, 1/8) = 0.03125，第 4 步达到峰值 1/4 · 1/2 = 0.125，第 16 步为 1/4 · 1/4 = 0.0625。
# - 梯度 [3, 0] 和 [4] 的全局范数为 5。max_norm = 1 时变为 [0.6, 0] 和 [0.8]，返回 5；max_norm = 10 时梯度不变，同样返回 5。

# %% tags=["demo"]
# The learning rate of d_model = 16: up in a straight line, then down like 1/√step. A longer warm-up has a lower peak.
from grader import heatmap

heatmap(
    [
        [0.031, 0.062, 0.094, 0.125, 0.112, 0.102, 0.094, 0.088, 0.083, 0.079],
        [0.011, 0.022, 0.033, 0.044, 0.055, 0.066, 0.077, 0.088, 0.083, 0.079],
    ],
    rows=["warmup_steps = 4", "warmup_steps = 8"],
    columns=[str(step) for step in range(1, 11)],
    title="learning rate by step",
)

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["solution"]
def init_attention_(module):
    """Xavier-uniform weights and zero biases for every nn.Linear in module, in place."""
    ### BEGIN SOLUTION
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    ### END SOLUTION

# %% tags=["solution"]
def warmup_lr(step, d_model, warmup_steps):
    """The learning rate of step 1, 2, …; ValueError for a step below 1."""
    ### BEGIN SOLUTION
    if step < 1:
        raise ValueError(f"steps count from 1, not {step}")
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)
    ### END SOLUTION

# %% tags=["solution"]
def parameter_groups(model, weight_decay):
    """[{"params", "weight_decay"} of what decays, the same of what does not]."""
    ### BEGIN SOLUTION
    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    decayed, rest = [], []
    for parameter in model.parameters():
        exempt = parameter.dim() < 2 or id(parameter) in embeddings
        (rest if exempt else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    ### END SOLUTION

# %% tags=["solution"]
def clip_by_global_norm_(parameters, max_norm):
    """Scale all gradients in place to a global norm of at most max_norm; returns the norm before."""
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum(gradient.square().sum() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
    ### END SOLUTION


# %% [markdown]
# Each function is checked on its own; one that is not written yet costs only its own points. Stuck? `hint("training_recipe")`.

# %% [markdown] lang="zh"
# 四个函数分别检查；还没写的只失去它自己的分数。卡住了？`hint("training_recipe")`。

# %% tags=["check"]
from grader import check, hint

check(globals(), exercise="training_recipe")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Where does $b = \sqrt{6/(\text{in} + \text{out})}$ come from? (What is the variance of a uniform distribution on [−b, b]?)
# 2. Why does a post-norm Transformer need the warm-up more than a pre-norm one?
# 3. Adam with an L2 term in the loss and AdamW are not the same. What does Adam do to the gradient of the L2 term?
# 4. Why is decaying a LayerNorm's gain, or a bias, of little use?
# 5. With gradient accumulation, mixed precision and several GPUs: when exactly do you clip?
# 6. "Use batch normalisation", two of the sources say. Why do Transformers use LayerNorm instead?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. $b = \sqrt{6/(\text{in} + \text{out})}$ 是怎么来的？（[−b, b] 上均匀分布的方差是多少？）
# 2. 为什么 post-norm 的 Transformer 比 pre-norm 更需要预热（warmup）？
# 3. 在损失里加 L2 项的 Adam 与 AdamW 并不相同。Adam 会对 L2 项的梯度做什么？
# 4. 为什么对 LayerNorm 的增益或偏置做权重衰减没有多大用处？
# 5. 同时使用梯度累积、混合精度和多卡时，究竟应当在什么时候裁剪梯度？
# 6. 有两份资料都说“使用批量归一化”。为什么 Transformer 用的是 LayerNorm？

# %% [markdown] tags=["hint"]
# `modules()` walks through a model at every depth, the model itself included; `parameters()` gives every parameter once,
# however many layers share it. The learning rate is the smaller of two curves. Clipping has one factor for all gradients.

# %% [markdown] tags=["hint"] lang="zh"
# `modules()` 遍历模型的每一层，包括模型本身；`parameters()` 对每个参数只给出一次，无论有多少层共享它。学习率是两条曲线中较小的那条。
# 裁剪时所有梯度共用一个系数。

# %% [markdown] tags=["hint"]
# A tied matrix is *one* `Parameter` that two layers hold: compare by identity (`id(p)` or `is`). Biases and the weights of
# norms have one axis, matrices two. A generator can be read only once: keep what you need in a list. And what does
# dividing by the norm do when all gradients are zero?

# %% [markdown] tags=["hint"] lang="zh"
# 共享权重的矩阵是两层共同持有的*同一个* `Parameter`：按对象身份比较（`id(p)` 或 `is`）。偏置和归一化层的权重只有一个维度，矩阵有两个。
# 生成器只能读一遍：先把需要的存进列表。另外，梯度全为零时除以范数会怎样？

# %% [markdown] tags=["hint"]
# Collect the ids of all `nn.Embedding` weights; a parameter of `model.parameters()` is exempt when `dim() < 2` or its id is
# among them. For clipping: list the gradients that are not None, norm = √(sum of all squares), and only if norm > max_norm
# multiply each by max_norm / norm in place.

# %% [markdown] tags=["hint"] lang="zh"
# 收集所有 `nn.Embedding` 权重的 id；`model.parameters()` 中 `dim() < 2` 或 id 在其中的参数不衰减。裁剪：列出不为 None 的梯度，
# 范数 = √（所有平方之和），仅当范数 > max_norm 时把每个梯度原地乘以 max_norm / 范数。

# %% [markdown] tags=["discussion"]
# **What the sources say, and what holds.** Xavier and He initialisation keep variances level from layer to layer; He's
# factor 2 makes up for a ReLU, which attention projections do not have, so Xavier is the usual choice for them.
# L2 regularisation and weight decay are the same for plain SGD only; Adam divides the L2 gradient by its running scale,
# hence AdamW (Loshchilov & Hutter, 2019). Batch normalisation is *not* what makes Transformers train: batch statistics mix
# sequences and padding, and need another rule at inference. They use LayerNorm, which looks at one token at a time.
# An L1 term, sometimes named too, is rarely used.
#
# **Numbers.** With d_model = 512 and 4,000 warm-up steps the peak is 512^−0.5 · 4000^−0.5 ≈ 7·10⁻⁴. The two curves meet at
# step = warmup_steps. PyTorch's `LambdaLR` counts from 0: that is where the division by zero comes from.
#
# **Traps.** `clip_grad_norm_` divides by norm + 1e−6, for which zero gradients are harmless. Clipping comes after the backward
# pass of the whole (accumulated) batch, after `scaler.unscale_` in mixed precision, and before `optimizer.step()`; one NaN
# gradient makes the norm NaN, which is worth logging. Clipping tensor by tensor changes the *direction* of the step,
# clipping by the global norm only its length (Pascanu et al., 2013). An optimiser refuses a parameter that is in two groups,
# which is how one finds out that an output matrix is tied (Press & Wolf, 2017).

# %% [markdown] tags=["discussion"] lang="zh"
# **资料怎么说，事实如何。** Xavier 和 He 初始化都是为了让各层的方差保持稳定；He 的系数 2 用于补偿 ReLU，而注意力的投影后面没有 ReLU，
# 所以通常用 Xavier。L2 正则与权重衰减只在普通 SGD 下等价；Adam 会把 L2 的梯度除以它的滑动尺度，因此有了 AdamW（Loshchilov & Hutter，2019）。
# 让 Transformer 能训练的*不是*批量归一化：批统计量会混合不同序列和填充，推理时还要换一套规则。它用的是只看单个词元的 LayerNorm。
# 有时也被提到的 L1 正则则很少使用。
#
# **数值。** d_model = 512、预热 4000 步时，峰值为 512^−0.5 · 4000^−0.5 ≈ 7·10⁻⁴，两条曲线在 step = warmup_steps 处相交。
# PyTorch 的 `LambdaLR` 从 0 开始计数：除以零的错误正是由此而来。
#
# **陷阱。** `clip_grad_norm_` 除以的是 norm + 1e−6，因此全零梯度也没有问题。裁剪应在整个（累积的）批次反向传播之后、混合精度下
# `scaler.unscale_` 之后、`optimizer.step()` 之前；只要有一个 NaN 梯度，范数就是 NaN，值得记录到日志里。逐个张量裁剪会改变更新的*方向*，
# 按全局范数裁剪只改变长度（Pascanu 等，2013）。同一参数出现在两个组里时优化器会报错，人们往往因此才发现输出矩阵是共享的（Press & Wolf，2017）。
