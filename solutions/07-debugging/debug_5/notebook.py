# %% [markdown]
# > *"In production the same sentence gets another score every time. The model is in `eval()`, I checked, and no test that we have
# > fails. Where does it come from?"*
#
# The module below passes all tests of its shapes, its mask and its training. **Mend** `MultiHeadAttention`, and **name** the
# bug: set `bug` to one of the twelve slugs listed there. The name counts once the module is mended.
#
# What the module should do: `MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)` with
# `forward(query, key, value, mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`, `value` | `(B, S, E)` | S may differ from L; key and value may be different tensors |
# | `mask` | `(L, S)`, `(B, L, S)` or `(B, 1, S)` | boolean, **True = may attend**; the same for every head |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Four `nn.Linear(embed_dim, embed_dim)`: `q_proj`, `k_proj`, `v_proj`, `out_proj`, all with or all without `bias`, and nothing
#   else in the `state_dict`. `embed_dim` not divisible by `num_heads`: `ValueError`, when the module is built.
# - Head $i$ takes the features $i\,d$ to $(i+1)\,d - 1$ of each projection, d = embed_dim / num_heads, and puts its result at
#   the same place. The scale is $1/\sqrt d$.
# - A mask with two axes is always `(L, S)`. A query that may attend to nothing gets `out_proj`'s bias; gradients stay finite.
# - `dropout` is the probability of dropping an entry of the **weights**, after the softmax, in training mode only: every
#   entry by itself, what is kept divided by 1 − p, rows not normalised again. In `eval()` nothing happens.
# - Outputs keep the inputs' dtype (float64, float32, bfloat16) and device. Inputs are not changed. Gradients flow to the three
#   inputs and to every parameter. Scores may be as large as ±10,000. Batch 1, one head, one query and non-contiguous inputs work.
# - `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like are off limits.
#
# **By hand.** Four keys of equal score, values 1, `out_proj` the identity: each weight is 0.25, and the output 4·0.25·1 = 1. In `eval()`
# it is 1 in every call.

# %% [markdown] lang="zh"
# > *“上线之后，同一句话每次得到的分数都不一样。模型处于 `eval()` 模式，我检查过，我们的测试也全都通过。问题出在哪里？”*
#
# 下面的模块通过了关于形状、掩码和训练的全部测试。请**修好** `MultiHeadAttention`，并**指出**错误的名称：
# 把 `bug` 设为单元里列出的十二个标识之一。模块修好之后，名称才计分。
#
# 模块应当做到：`MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True)`，前向为 `forward(query, key, value, mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `query` | `(B, L, E)` | E = embed_dim |
# | `key`、`value` | `(B, S, E)` | S 可以与 L 不同；key 和 value 可以是不同的张量 |
# | `mask` | `(L, S)`、`(B, L, S)` 或 `(B, 1, S)` | 布尔型，**True = 可以关注**；各头共用 |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 四个 `nn.Linear(embed_dim, embed_dim)`：`q_proj`、`k_proj`、`v_proj`、`out_proj`，`bias` 同时决定四者有无偏置，
#   `state_dict` 中没有别的。`embed_dim` 不能被 `num_heads` 整除：构造时抛出 `ValueError`。
# - 第 $i$ 个头取每个投影的第 $i\,d$ 到 $(i+1)\,d - 1$ 个特征（d = embed_dim / num_heads），结果放回同样的位置。缩放系数是 $1/\sqrt d$。
# - 二维掩码一律是 `(L, S)`。不能关注任何键的查询，输出为 `out_proj` 的偏置；梯度保持有限。
# - `dropout` 是 softmax 之后**权重**的每个元素被丢弃的概率，只在训练模式下起作用：逐个元素独立抽样，保留下来的除以 1 − p，
#   之后不再归一化；`eval()` 时什么都不做。
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备。不得修改输入。梯度流向三个输入和全部参数。注意力分数可能大到 ±10,000。
#   批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** 四个得分相同的键，值都是 1，`out_proj` 为恒等映射：每个权重是 0.25，输出为 4·0.25·1 = 1。`eval()` 时每次调用都是 1。

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["broken"]
class WeightedSum(nn.Module):
    """Softmax of the scores, dropout, weighted sum of the values."""

    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, scores, v, mask):
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        return self.dropout(weights) @ v


class MultiHeadAttention(nn.Module):
    """Attention in num_heads heads of embed_dim / num_heads features each, between q_proj, k_proj, v_proj and out_proj."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = dropout

    def split(self, x):
        """(B, L, E) to (B, H, L, E / H)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        """query (B, L, E), key and value (B, S, E); mask (L, S), (B, L, S) or (B, 1, S), True = may attend.

        Returns (B, L, E).
        """
        q = self.split(self.q_proj(query))
        k = self.split(self.k_proj(key))
        v = self.split(self.v_proj(value))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.unsqueeze(1)
            scores = scores.masked_fill(~mask, float("-inf"))
        context = WeightedSum(self.dropout)(scores, v, mask)
        return self.out_proj(context.transpose(1, 2).flatten(2))


bug = ""
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
class MultiHeadAttention(nn.Module):
    """Attention in num_heads heads of embed_dim / num_heads features each, between q_proj, k_proj, v_proj and out_proj."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        """(B, L, E) to (B, H, L, E / H)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        """query (B, L, E), key and value (B, S, E); mask (L, S), (B, L, S) or (B, 1, S), True = may attend.

        Returns (B, L, E).
        """
        q = self.split(self.q_proj(query))
        k = self.split(self.k_proj(key))
        v = self.split(self.v_proj(value))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.unsqueeze(1)
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        context = self.dropout(weights) @ v
        return self.out_proj(context.transpose(1, 2).flatten(2))


bug = "dropout-in-eval"
### END SOLUTION

# %% tags=["demo"]
# The same input four times, in evaluation mode.
from grader import heatmap

torch.manual_seed(0)
attention = MultiHeadAttention(embed_dim=8, num_heads=2, dropout=0.5).requires_grad_(False).eval()
x = torch.randn(1, 6, 8)
outputs = torch.stack([attention(x, x, x)[0, 0] for _ in range(4)])
print(f"largest difference between the calls: {(outputs - outputs[0]).abs().max():.4f}")
heatmap(outputs, rows=["call 1", "call 2", "call 3", "call 4"], title="the output of token 0, in eval()")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_5")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_5")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_5")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_5")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_5")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. How does `eval()` reach the parts of a model? Which parts does it not reach?
#    > `eval()` is `train(False)`: it sets `self.training = False` on the module and on all its registered submodules,
#    > recursively. Registered means assigned as an attribute or kept in `nn.ModuleList`, `nn.ModuleDict` or
#    > `nn.Sequential`. It does not reach modules in a plain list or dict, modules made inside `forward`, or function
#    > calls such as `F.dropout`, which only know the flag that you pass. `named_modules()` lists exactly what it
#    > reaches.
# 2. `F.dropout(weights, p)` has the same bug. What is its default for `training`?
#    > `True`. The signature is `F.dropout(input, p=0.5, training=True, inplace=False)`, so without the argument it
#    > drops in evaluation too. One writes `F.dropout(weights, p, training=self.training)`.
#    > `F.scaled_dot_product_attention` has the same trap: it always applies its `dropout_p`, so one passes
#    > `dropout_p=p if self.training else 0.0`.
# 3. Why is the average over many such evaluations not the right answer either?
#    > Because the layers above are not linear. For this module alone the average does converge to the right output,
#    > since dropout is unbiased: kept weights are divided by 1 − p, and the output is linear in the weights. But the
#    > next softmax, norm or activation is not linear, and the mean of f(x) is not f of the mean of x. It also costs as
#    > many passes as draws, and the random error shrinks only like 1/√n.
# 4. A parameter (not a dropout) made in `forward`: what goes wrong then?
#    > It is drawn anew in every call and is never trained. `parameters()` does not list it, so the optimizer never
#    > sees it; `state_dict()` does not save it; and `.to(device)` or `.half()` does not move it, so that on a GPU it
#    > usually fails with a device error. On a CPU it runs, and the output is random even in `eval()`.
# 5. Monte-Carlo dropout (Gal & Ghahramani, 2016) *wants* dropout in evaluation. How would you switch it on cleanly?
#    > By switching only the dropout modules to training mode, on purpose and visibly: `model.eval()`, then `for m in
#    > model.modules(): if isinstance(m, nn.Dropout): m.train()`. So batch norm keeps its running mean and variance,
#    > which `model.train()` would change. I run the draws under `no_grad`, take their mean and spread, and call
#    > `model.eval()` afterwards. All this works only if every dropout is registered.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. `eval()` 是怎样作用到模型各部分的？哪些部分它够不到？
#    > `eval()` 就是 `train(False)`：它把模块自身以及所有已注册子模块的 `self.training` 递归地设为 False。
#    > 所谓已注册，是指作为属性赋值，或放在 `nn.ModuleList`、`nn.ModuleDict`、`nn.Sequential` 里。
#    > 它够不到的有：普通列表或字典里的模块、在 `forward` 里新建的模块，以及 `F.dropout` 这类函数调用，它们只认传入的标志。`named_modules()` 列出的正是它够得到的全部模块。
# 2. `F.dropout(weights, p)` 有同样的问题。它的 `training` 默认值是什么？
#    > 是 `True`。签名为 `F.dropout(input, p=0.5, training=True, inplace=False)`，不传这个参数，评估时也会丢弃。
#    > 应当写 `F.dropout(weights, p, training=self.training)`。
#    > `F.scaled_dot_product_attention` 也有同样的陷阱：它总是按 `dropout_p` 丢弃，所以要写 `dropout_p=p if self.training else 0.0`。
# 3. 为什么把许多次这样的评估取平均也得不到正确答案？
#    > 因为后面的层不是线性的。单看这个模块，平均值确实收敛到正确的输出：dropout 是无偏的（保留的权重除以 1 − p），而输出对权重是线性的。
#    > 但后面的 softmax、归一化或激活函数不是线性的，f(x) 的均值不等于 x 的均值的 f。而且抽样多少次就要算多少遍，随机误差只按 1/√n 减小。
# 4. 如果在 `forward` 里新建的不是 dropout 而是带参数的层，会出什么问题？
#    > 它每次调用都重新随机初始化，永远得不到训练。`parameters()` 里没有它，优化器看不到它；`state_dict()` 不会保存它；
#    > `.to(device)` 和 `.half()` 也不会移动或转换它，所以在 GPU 上通常会报设备不一致的错误。在 CPU 上能运行，但即使 `eval()` 输出也是随机的。
# 5. 蒙特卡洛 dropout（Gal & Ghahramani，2016）*就是要*在评估时使用 dropout。怎样干净地打开它？
#    > 只把 dropout 模块切换到训练模式，并且写得一目了然：先 `model.eval()`，
#    > 再 `for m in model.modules(): if isinstance(m, nn.Dropout): m.train()`。
#    > 这样批归一化仍使用滑动均值和方差，而 `model.train()` 会改动它们。在 `no_grad` 下多次采样，取均值和离散程度，之后再调用 `model.eval()`。
#    > 这一切的前提是每个 dropout 都已注册。

# %% [markdown] tags=["hint"]
# List the parts that `attention.named_modules()` knows. Is the dropout among them?

# %% [markdown] tags=["hint"] lang="zh"
# 列出 `attention.named_modules()` 中的各部分。dropout 在其中吗？

# %% [markdown] tags=["hint"]
# `eval()` sets a flag on the module and on everything registered in it. A module made in `forward` is made anew in every call: which mode is a new module in?

# %% [markdown] tags=["hint"] lang="zh"
# `eval()` 给模块以及注册在其中的所有子模块设置标志。`forward` 里的模块每次调用都新建：新建的模块处于什么模式？

# %% [markdown] tags=["hint"]
# Make `self.dropout = nn.Dropout(dropout)` in `__init__` (or `self.weighted_sum = WeightedSum(dropout)`), and call that in `forward`.

# %% [markdown] tags=["hint"] lang="zh"
# 在 `__init__` 中创建 `self.dropout = nn.Dropout(dropout)`（或 `self.weighted_sum = WeightedSum(dropout)`），在 `forward` 中调用它。

# %% [markdown] tags=["discussion"]
# **The source.** A document's multi-head attention builds a `ScaledDotProductAttention(self.head_dim, self.dropout)` inside `forward`. A new module is in
# training mode, and `eval()`, which walks through *registered* submodules, never gets to it: the dropout in it acts for ever. (There the
# argument is itself an `nn.Dropout`, not a number, which fails at once.) Weights made that way would be drawn anew in every
# call and never trained.
#
# **Right ways.** Register the dropout in `__init__`; or call `F.dropout(weights, p, training=self.training)`, whose default is
# `training=True`. An average over draws is no substitute: the layers above are not linear.
#
# **Finding such a bug.** In evaluation mode, two calls must agree to the last bit; and a module with dropout must give what the same
# weights give without. Both are one-line tests.
#
# **Today.** Many large language models are pretrained without dropout: one pass over much data leaves little to
# overfit (PaLM, Chowdhery et al., 2022, uses none in pretraining and 0.1 in most fine-tuning). In fine-tuning and in
# vision it is still common. Attention dropout is then handed to a fused kernel as `dropout_p`, where the module's mode
# has to be passed along by hand, so the same mistake is made in a new place. For uncertainty, deep ensembles
# (Lakshminarayanan et al., 2017) are the usual alternative to Monte-Carlo dropout.

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料的多头注意力在 `forward` 里新建 `ScaledDotProductAttention(self.head_dim, self.dropout)`。新建的模块处于训练模式，
# 而 `eval()` 只遍历*已注册*的子模块，永远够不到它：其中的 dropout 一直起作用。（那里传入的还是一个 `nn.Dropout` 而不是数值，会立刻报错。）
# 若这样新建带参数的层，则每次调用都重新随机初始化，永远得不到训练。
#
# **正确做法。** 在 `__init__` 中注册 dropout；或者调用 `F.dropout(weights, p, training=self.training)`，注意它的默认值是 `training=True`。
# 对多次抽样取平均不能代替：后面的层不是线性的。
#
# **怎样发现。** 评估模式下两次调用的结果必须完全相同（逐比特一致）；带 dropout 的模块与同样参数、不带 dropout 的模块必须给出同样的结果。两者都是一行测试。
#
# **如今。** 许多大语言模型预训练时不用 dropout：数据很多、只过一遍，几乎不会过拟合（PaLM 预训练不用，微调时大多用 0.1；Chowdhery 等，2022）。微调和视觉任务中仍很常见。
# 这时注意力 dropout 以 `dropout_p` 传给融合 kernel，模块处于什么模式要自己传进去，于是同样的错误换了个地方出现。
# 要估计不确定性，除了蒙特卡洛 dropout，常用的是深度集成（deep ensembles；Lakshminarayanan 等，2017）。
