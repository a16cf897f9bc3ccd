# %% [markdown]
# > *"Your Transformer's loss explodes after two hundred steps. The architecture is right. What do you set up before you
# > blame the data?"*
#
# "How would you improve an attention model?" is usually answered with a list: initialisation, regularisation, learning
# rate, batch normalisation. Here four measures become a few lines each, and these can be right or wrong.
#
# **1.** `init_attention_(module)` changes `module` in place: every `nn.Linear` in it, at any depth and `module` itself
# included, gets Xavier-uniform weights and a zero bias, if it has a bias. Xavier-uniform is uniform on $[-b, b]$ with
# $b = \sqrt{6 / (\text{in} + \text{out})}$ (Glorot & Bengio, 2010). Everything else stays as it is (norms, embeddings,
# and the `in_proj_weight` of `nn.MultiheadAttention`, which is a parameter of its own and no `nn.Linear`), and so do
# dtype and the `Parameter` objects themselves. What is returned does not matter.
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
# parameter stands in exactly one group, exactly once, also when several layers share it. Tell layers apart by their
# type, not by their names. Models are made of `nn.Linear`, `nn.LayerNorm` over one axis, `nn.Embedding` and containers.
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
# > *“你的 Transformer 训练到两百步时损失爆炸了，结构没有问题。先别怪数据，你会先把哪些东西设置好？”*
#
# “如何优化注意力模型？”通常得到的回答是一串名词：初始化、正则化、学习率、批归一化。
# 这里把四种做法各变成几行可以判断对错的代码。
#
# **1.** `init_attention_(module)` 原地修改 `module`：其中任意深度的每个 `nn.Linear`（包括 `module` 本身）使用 Xavier 均匀初始化，
# 偏置（如果有）置零。Xavier 均匀分布是 $[-b, b]$ 上的均匀分布，$b = \sqrt{6 / (\text{in} + \text{out})}$（Glorot & Bengio，2010）。
# 其他部分保持原样：归一化层、嵌入层，以及 `nn.MultiheadAttention` 的 `in_proj_weight`（它是单独的参数，不是 `nn.Linear`）。
# dtype 和 `Parameter` 对象本身也不变。返回值不作要求。
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
# 四个函数分别检查；没写的函数只影响它自己的分数。卡住了？`hint("training_recipe")`。

# %% tags=["check"]
from grader import check, hint

check(globals(), exercise="training_recipe")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Where does $b = \sqrt{6/(\text{in} + \text{out})}$ come from? (What is the variance of a uniform distribution on
#    [−b, b]?)
#    > From the wish that a layer changes variances neither forward nor backward. An output is a sum of `in` products,
#    > so forward needs in · Var(w) = 1; a gradient is a sum of `out` products, so backward needs out · Var(w) = 1. Both
#    > at once is impossible unless in = out, so Glorot and Bengio (2010) take Var(w) = 2/(in + out). A uniform
#    > distribution on [−b, b] has the variance b²/3; setting b²/3 = 2/(in + out) gives b = √(6/(in + out)).
# 2. Why does a post-norm Transformer need the warm-up more than a pre-norm one?
#    > Because its gradients near the output are large at initialisation: there, they do not shrink with depth, while in
#    > pre-norm they do, like 1/√(number of layers) (Xiong et al., 2020). A full learning rate in the first steps then
#    > moves these weights far. Adam adds to it, since its estimate of the gradient's scale rests on few steps at the
#    > beginning. In pre-norm the residual path has no norm on it, gradients are even from the start, and warm-up can be
#    > short or absent.
# 3. Adam with an L2 term in the loss and AdamW are not the same. What does Adam do to the gradient of the L2 term?
#    > It divides it, with the rest of the gradient, by the running scale √v. So weights with large gradients hardly
#    > decay, and weights with small ones decay strongly. An example: weights of 1, random gradients, learning rate
#    > 0.001, decay 0.1, 1,000 steps. `torch.optim.Adam(weight_decay=0.1)` leaves 0.99 on average where the gradients
#    > have a standard deviation of 10, and 0.46 where it is 0.1. `AdamW` subtracts lr · decay · weight apart from this
#    > and leaves 0.905 in both cases (Loshchilov & Hutter, 2019).
# 4. Why is decaying a LayerNorm's gain, or a bias, of little use?
#    > Decay is there to keep large matrices from growing and fitting noise. Gains and biases are few: in GPT-2 small
#    > they are 121,344 of 124,439,808 parameters, 0.1%. Decay pulls a gain towards 0, where the neutral value is 1, and
#    > the matrix that follows can make up for it by growing. A bias only shifts, and pulling it to 0 just gives a worse
#    > shift. So little is gained, and a little may be lost; it is a convention more than a law.
# 5. With gradient accumulation, mixed precision and several GPUs: when exactly do you clip?
#    > Once per optimiser step, on the complete and true gradient: after the last accumulated backward pass, after the
#    > average over the GPUs (DDP does this in the backward pass), after `scaler.unscale_(optimizer)`, and before
#    > `scaler.step(optimizer)`. Clipping each small batch would limit another quantity, and scaled gradients would meet
#    > the wrong threshold. Where parameters are sharded (FSDP), the squared norms have to be summed over all GPUs
#    > first.
# 6. Lists of advice often name batch normalisation. Why do Transformers use LayerNorm instead?
#    > Because batch statistics suit text badly. They mix tokens of different sentences and their padding, they change a
#    > lot from batch to batch, and at inference they have to be replaced by running averages, which fit less well (Shen
#    > et al., 2020). In causal training they would also let the future in. LayerNorm normalises each token by itself,
#    > in training and inference alike, and does not depend on the size of the batch.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. $b = \sqrt{6/(\text{in} + \text{out})}$ 是怎么来的？（[−b, b] 上均匀分布的方差是多少？）
#    > 来自这样的要求：一层在前向和反向中都不改变方差。一个输出是 in 个乘积之和，所以前向要求 in · Var(w) = 1；
#    > 一个梯度是 out 个乘积之和，所以反向要求 out · Var(w) = 1。除非 in = out，两者不能同时满足，
#    > 于是 Glorot 和 Bengio（2010）取 Var(w) = 2/(in + out)。[−b, b] 上均匀分布的方差是 b²/3；
#    > 令 b²/3 = 2/(in + out)，就得到 b = √(6/(in + out))。
# 2. 为什么后置归一化的 Transformer 比前置归一化的更需要预热（warm-up）？
#    > 因为它靠近输出处的梯度在初始化时很大：那里的梯度不随深度减小，而前置归一化中按 1/√层数 减小（Xiong 等，2020）。
#    > 最初几步若用完整的学习率，这些权重就会移动太多。
#    > Adam 会加重这一点，因为开头它对梯度尺度的估计只依据很少的几步。
#    > 前置归一化的残差通路上没有归一化，梯度从一开始就均匀，预热可以很短，甚至不用。
# 3. 在损失里加 L2 项的 Adam 与 AdamW 并不相同。Adam 会对 L2 项的梯度做什么？
#    > 它会把 L2 项的梯度与其余梯度一起除以 √v，v 是梯度平方的滑动平均。于是梯度大的权重几乎不衰减，梯度小的权重衰减得很厉害。
#    > 举例：权重为 1，梯度随机，学习率 0.001，衰减系数 0.1，走 1,000 步。
#    > 用 `torch.optim.Adam(weight_decay=0.1)`，梯度标准差为 10 的权重平均还剩 0.99，标准差为 0.1 的只剩 0.46。
#    > `AdamW` 则单独减去 lr · 衰减系数 · 权重，两种情形都剩 0.905（Loshchilov & Hutter，2019）。
# 4. 为什么对 LayerNorm 的增益或偏置做权重衰减没有多大用处？
#    > 权重衰减是为了不让大矩阵变得过大、去拟合噪声。增益和偏置很少：GPT-2 small 的 124,439,808 个参数中，
#    > 它们只有 121,344 个，占 0.1%。衰减把增益拉向 0，而它的中性值是 1，后面的矩阵只要变大就能抵消。
#    > 偏置只是平移，把它拉向 0 只会让平移变差。所以好处很小，还可能略有损失；这更像惯例，而不是定律。
# 5. 同时使用梯度累积、混合精度和多卡时，究竟应当在什么时候裁剪梯度？
#    > 每次优化器更新只裁剪一次，而且要对完整、真实的梯度：在最后一次累积的反向传播之后，
#    > 在各 GPU 取平均之后（DDP 在反向传播中完成），在 `scaler.unscale_(optimizer)` 之后，
#    > 在 `scaler.step(optimizer)` 之前。对每个小批次分别裁剪，限制的是另一个量；对放大过的梯度裁剪，阈值就不对了。
#    > 参数分片时（FSDP），要先把各 GPU 上的平方和加起来。
# 6. 各种建议里常常提到批归一化。为什么 Transformer 用的是 LayerNorm？
#    > 因为批的统计量不适合文本：它把不同句子的词元和填充混在一起，批与批之间变化很大，
#    > 推理时还得换成滑动均值和方差，而这又不够准（Shen 等，2020）。因果训练时，它还会让未来的信息混进来。
#    > LayerNorm 对每个词元单独归一化，训练和推理时做法相同，也与批大小无关。

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
# **What lists of advice say, and what holds.** Xavier and He initialisation keep variances level from layer to layer;
# He's factor 2 makes up for a ReLU, which attention projections do not have, so Xavier is a natural choice for them. L2
# regularisation and weight decay are the same for plain SGD only; Adam divides the L2 gradient by its running scale,
# hence AdamW (Loshchilov & Hutter, 2019). Batch normalisation is *not* what makes Transformers train: batch statistics
# mix sequences and padding, and need another rule at inference. They use LayerNorm, which looks at one token at a time.
# An L1 term, sometimes named too, is rarely used.
#
# **What the initialisation misses.** `nn.MultiheadAttention` keeps the weights of q, k and v in one parameter,
# `in_proj_weight` of size 3E × E, which is no `nn.Linear`: a loop over `nn.Linear` does not touch it, only `out_proj`.
# It has been initialised by PyTorch as *one* Xavier-uniform matrix, b = √(6/(4E)), so its bound is smaller by √2 than
# that of three E × E matrices, √(6/(2E)). And an output matrix that is tied to an embedding *is* an `nn.Linear`:
# initialising it changes the embedding as well.
#
# **Decay in practice.** A table of embeddings has two axes, like a matrix, so it must be told by its layer. Practice is
# divided on it: minGPT and OLMo 2 (2024) do not decay embeddings; nanoGPT decays every parameter with two or more axes,
# embeddings included. Most exempt biases and norms, but not all: the published configuration of OLMo 2 decays its
# norms.
#
# **Numbers.** With d_model = 512 and 4,000 warm-up steps the peak is 512^−0.5 · 4000^−0.5 ≈ 7·10⁻⁴. The two curves meet
# at step = warmup_steps. PyTorch's `LambdaLR` counts from 0: that is where the division by zero comes from.
#
# **Traps.** `clip_grad_norm_` divides by norm + 1e−6, for which zero gradients are harmless. Clipping comes after the
# backward pass of the whole (accumulated) batch, after `scaler.unscale_` in mixed precision, and before
# `optimizer.step()`; one NaN gradient makes the norm NaN, which is worth logging. Clipping tensor by tensor changes the
# *direction* of the gradient, clipping by the global norm only its length (Pascanu et al., 2013). An optimiser refuses
# a parameter that is in two groups, which is how one finds out that an output matrix is tied (Press & Wolf, 2017).
#
# **Today.** GPT-2 (Radford et al., 2019) draws weights from a normal distribution with standard deviation *0.02* and
# scales those that write into the residual stream by *1/√(2N)* for N blocks, two such layers in each: 0.02/√24 ≈ 0.004
# for 12 blocks. Many language models still start like this; Xavier would give 0.036 for a 768 × 768 matrix. Usual are
# AdamW with β₂ = 0.95, decay 0.1, clipping at 1.0, and a linear warm-up followed by a cosine down to a tenth (Brown et
# al., 2020), or by a constant rate and a short decay at the end (WSD, Hu et al., 2024). Against exploding losses there
# are *QK-norm* (Dehghani et al., 2023), *logit soft-capping* (Gemma 2, 2024), and *z-loss*, 10⁻⁴ · log² Z added to the
# loss, where Z is the sum in the denominator of the output softmax (PaLM, Chowdhery et al., 2022). In some models Muon
# takes the place of AdamW for the matrices (Jordan et al., 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **各种建议怎么说，事实如何。** Xavier 和 He 初始化都是为了让各层的方差保持稳定；He 的系数 2 用于补偿 ReLU，
# 而注意力的投影后面没有 ReLU，所以用 Xavier 更自然。
# L2 正则与权重衰减只在普通 SGD 下等价；Adam 会把 L2 的梯度也除以 √v（v 是梯度平方的滑动平均），
# 因此有了 AdamW（Loshchilov & Hutter，2019）。让 Transformer 能训练的*不是*批归一化：
# 批统计量会混合不同序列和填充，推理时还要换一套规则。它用的是只看单个词元的 LayerNorm。
# 有时也被提到的 L1 正则则很少使用。
#
# **这样初始化漏掉了什么。** `nn.MultiheadAttention` 把 q、k、v 的权重放在同一个参数 `in_proj_weight`（3E × E）里，
# 它不是 `nn.Linear`：遍历 `nn.Linear` 碰不到它，只会改到 `out_proj`。PyTorch 把它当作*一个*矩阵做 Xavier 均匀初始化，
# b = √(6/(4E))，只有三个 E × E 矩阵各自的边界 √(6/(2E)) 的 1/√2。
# 而与嵌入共享权重的输出矩阵*是* `nn.Linear`：初始化它，嵌入也跟着变。
#
# **实践中的权重衰减。** 嵌入表和矩阵一样有两个维度，所以要按层的类型来区分。
# 对它的做法并不统一：minGPT 和 OLMo 2（2024）不衰减嵌入；nanoGPT 衰减所有两维及以上的参数，包括嵌入。
# 偏置和归一化层大多不衰减，但也有例外：OLMo 2 公布的配置就对归一化层做衰减。
#
# **数值。** d_model = 512、预热 4,000 步时，峰值为 512^−0.5 · 4000^−0.5 ≈ 7·10⁻⁴，两条曲线在 step = warmup_steps 处相交。
# PyTorch 的 `LambdaLR` 从 0 开始计数：除以零的错误正是由此而来。
#
# **陷阱。** `clip_grad_norm_` 除以的是 norm + 1e−6，因此全零梯度也没有问题。
# 裁剪应在整个（累积的）批次反向传播之后、混合精度下 `scaler.unscale_` 之后、`optimizer.step()` 之前；
# 只要有一个 NaN 梯度，范数就是 NaN，值得记录到日志里。逐个张量裁剪会改变梯度的*方向*，
# 按全局范数裁剪只改变长度（Pascanu 等，2013）。同一参数出现在两个组里时优化器会报错，
# 人们往往因此才发现输出矩阵是共享的（Press & Wolf，2017）。
#
# **如今。** GPT-2（Radford 等，2019）的权重取自标准差为 *0.02* 的正态分布，写入残差流的那些权重再乘以 *1/√(2N)*，
# N 是层数，每层有两个这样的子层：12 层时为 0.02/√24 ≈ 0.004。许多语言模型至今仍这样初始化；
# 对 768 × 768 的矩阵，Xavier 的标准差是 0.036。常见的配置是 AdamW，β₂ = 0.95，权重衰减 0.1，梯度裁剪到 1.0；
# 学习率先线性预热，再按余弦降到十分之一（Brown 等，2020），或保持恒定、最后短暂下降（WSD，Hu 等，2024）。
# 防止损失爆炸的办法有 *QK-norm*（Dehghani 等，2023）、*logit soft-capping*（软截断；Gemma 2，2024），
# 以及 *z-loss*：在损失上加 10⁻⁴ · log² Z，其中 Z 是输出 softmax 的分母（PaLM，Chowdhery 等，2022）。
# 有些模型对矩阵改用 Muon（Jordan 等，2024）代替 AdamW。
