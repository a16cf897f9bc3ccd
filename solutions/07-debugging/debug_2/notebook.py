# %% [markdown]
# > *"I took this self-attention from a tutorial and loaded the weights of a model that works. Nothing complains. But where the
# > original looks at some thirty tokens, this one looks at five, with narrow models as with wide ones. What is wrong?"*
#
# The module below runs, and the weights load. **Mend** `SelfAttention`, and **name** the bug: set `bug` to one of the twelve slugs
# listed there. The name counts once the module is mended.
#
# What the module should do: `SelfAttention(embed_dim, bias=True)` with `forward(x, mask=None)`, one head of full width,
#
# $$\operatorname{SelfAttention}(X) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V, \qquad d = \text{the size of the vectors that are dotted}$$
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim, any size |
# | `mask` | broadcastable to `(B, L, L)` | boolean, **True = may attend** |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Three `nn.Linear(embed_dim, embed_dim)`: `q_proj`, `k_proj`, `v_proj`, with or without `bias`, and nothing else in the
#   `state_dict`. No output projection. Sequences of a batch know nothing of each other.
# - A token that may attend to nothing gets an output of zeros and finite gradients: never NaN.
# - The output keeps the dtype (float64, float32, bfloat16) and device of `x`. `x` and the mask are not changed. Gradients flow to `x`
#   and every parameter. Scores may be as large as ±10,000.
# - `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like are off limits.
#
# **By hand.** E = 16, and all projections the identity. Tokens [2, 0, 0, …] and [0, 2, 0, …]: the scores of token 0 are 4 and 0.
# Scaled by 1/√16 they are 1 and 0, and the weights should be 0.731 and 0.269.

# %% [markdown] lang="zh"
# > *“这段自注意力是我从教程里抄来的，加载了一个效果正常的模型的权重。没有任何报错，但原模型会看大约三十个词元，
# > 它却只看五个，窄模型如此，宽模型也如此。问题在哪里？”*
#
# 下面的模块能运行，权重也能加载。请**修好** `SelfAttention`，并**指出**错误的名称：
# 把 `bug` 设为单元里列出的十二个标识之一。模块修好之后，名称才计分。
#
# 模块应当做到：`SelfAttention(embed_dim, bias=True)`，前向为 `forward(x, mask=None)`，单个全宽的头，
#
# $$\operatorname{SelfAttention}(X) = \operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V, \qquad d = \text{做点积的向量的维度}$$
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim，可以是任意大小 |
# | `mask` | 可广播到 `(B, L, L)` | 布尔型，**True = 可以关注** |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 三个 `nn.Linear(embed_dim, embed_dim)`：`q_proj`、`k_proj`、`v_proj`，由 `bias` 决定有无偏置，`state_dict` 中没有别的。
#   没有输出投影。同一批中的各个序列互不相干。
# - 不能关注任何词元的词元：输出为零、梯度有限，绝不能是 NaN。
# - 输出保持 `x` 的 dtype（float64、float32、bfloat16）和设备。不得修改 `x` 和掩码。梯度流向 `x` 和全部参数。注意力分数可能大到 ±10,000。
# - 不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** E = 16，所有投影都是恒等映射。词元 [2, 0, 0, …] 和 [0, 2, 0, …]：词元 0 的得分为 4 和 0，乘以 1/√16 后为 1 和 0，
# 权重应为 0.731 和 0.269。

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["broken"]
class SelfAttention(nn.Module):
    """Attention of a sequence over itself: one head, with q_proj, k_proj and v_proj."""

    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.num_heads = 8
        self.head_dim = max(embed_dim // self.num_heads, 1)
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        """x (B, L, E); mask broadcastable to (B, L, L), True = may attend. Returns (B, L, E)."""
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        scores = q @ k.transpose(-2, -1) / self.head_dim**0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        return weights @ v


bug = ""
# One of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
class SelfAttention(nn.Module):
    """Attention of a sequence over itself: one head, with q_proj, k_proj and v_proj."""

    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        """x (B, L, E); mask broadcastable to (B, L, L), True = may attend. Returns (B, L, E)."""
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
        return weights @ v


bug = "wrong-scale"
### END SOLUTION

# %% tags=["demo"]
# 64 random tokens, queries and keys of variance 1. A hook puts the identity in place of the values: so the output *is* the weights.
from grader import heatmap

for E in (16, 64, 256):
    torch.manual_seed(0)
    attention = SelfAttention(E, bias=False).requires_grad_(False)
    for projection in (attention.q_proj, attention.k_proj):
        projection.weight.normal_(std=E**-0.5)
    attention.v_proj.register_forward_hook(lambda *_: torch.eye(64).unsqueeze(0))
    weights = attention(torch.randn(1, 64, E))[0]
    looked_at = (1 / weights.pow(2).sum(dim=-1)).mean()
    print(f"embed_dim {E:3}: a token looks at {looked_at:.1f} of 64 tokens; the largest weight is {weights.amax(dim=-1).mean():.2f}")
heatmap(weights[:8, :12], title="weights of the first tokens, embed_dim = 256")

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_2")` gives a little more each time.
# What the interviewer asks next would name the bug: `discuss("debug_2")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_2")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_2")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_2")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. The entries of q and k are independent, with variance 1, and there are E of them. What is the standard deviation
#    of the scores after this module's scale? What is it for E = 512?
#    > √8 ≈ 2.83, and for E = 512 it is the same. The dot product is a sum of E independent products of variance 1, so
#    > its standard deviation is √E. The module divides by √(E/8), which leaves √E/√(E/8) = √8. For E = 512 that is
#    > 22.6/8 = 2.83. The factor does not grow with E, which is why the error looks the same at every size (E a
#    > multiple of 8).
# 2. The code could also be mended by really splitting into 8 heads, with this scale. Why is that another model?
#    > Because there would then be eight softmaxes instead of one. Each head compares only its own E/8 features and has
#    > its own weights, and the output is eight different averages side by side. With one head of full width there is a
#    > single set of weights for all features. The parameters have the same shapes, so weights would load into either,
#    > but the results differ; and here the contract asks for one head.
# 3. When would the error be *invisible*? (For which number of heads?)
#    > With one head, because head_dim is then E and the scale is right. In general the scores are √h times too large
#    > for h planned heads. Here h is fixed at 8, so it also hides where E is so small that `max(E // 8, 1)` is E
#    > itself, which is E = 1. A test at one size that only looks at shapes never sees it.
# 4. Some code divides by √hidden_size, taken in the constructor. When is that right, and when is it not?
#    > It is right when the vectors that are dotted really have hidden_size entries: one head of full width, and no
#    > other projection size. It is wrong as soon as the features are split into heads, where the scores come out √h
#    > times too small and the attention too even; or when keys of another width are passed in. Taking d from the
#    > tensor, `q.shape[-1]`, is right in all cases.
# 5. Can the model learn to undo a wrong scale? What does it do to the first steps of training?
#    > Yes. The scale is a constant factor, and q_proj and k_proj can shrink by it together. But the first steps are
#    > taken with scores √8 times too large. With unit-variance queries and keys and 64 keys, the largest weight of a
#    > row is then 0.45 on average instead of 0.11 (measured), so most keys get little gradient. With PyTorch's default
#    > initialisation of `nn.Linear` the scores start smaller, with a standard deviation of 0.94 instead of 0.33 for
#    > unit-variance inputs, and the softmax is still soft. Weights trained with the right scale are simply wrong under
#    > this one.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. q 和 k 各有 E 个独立、方差为 1 的分量。经过这个模块的缩放，得分的标准差是多少？E = 512 时呢？
#    > √8 ≈ 2.83，E = 512 时也一样。E 个独立、方差为 1 的乘积之和，标准差是 √E。模块除以 √(E/8)，剩下 √E/√(E/8) = √8。E = 512 时就是 22.6/8 = 2.83。
#    > 这个倍数不随 E 增大，所以这个错误在任何尺寸下表现都一样（E 为 8 的倍数时）。
# 2. 也可以真的切成 8 个头，保留这个缩放。为什么那就是另一个模型了？
#    > 因为那样就有八个 softmax 而不是一个。每个头只比较自己的 E/8 个特征，各有自己的权重，输出是并排的八个不同的加权平均。单个全宽的头则是所有特征共用一组权重。参数的形状相同，权重两边都能加载，但结果不同；
#    > 而这里要求的是单头。
# 3. 什么情况下这个错误*看不出来*？（头数等于多少时？）
#    > 只有一个头时：head_dim 就等于 E，缩放是对的。一般来说，打算用 h 个头，得分就大 √h 倍。
#    > 这里 h 固定为 8，所以只有 E 小到 `max(E // 8, 1)` 恰好等于 E，即 E = 1 时才看不出来。只在一种尺寸下检查形状的测试永远发现不了。
# 4. 有的代码除以构造函数里传入的 √hidden_size。什么时候对，什么时候不对？
#    > 如果做点积的向量确实有 hidden_size 个分量就是对的：单个全宽的头，投影也没有改变维度。一旦切分成多个头就不对了，得分会小到 1/√h，注意力过于平均；传入另一种宽度的键时也不对。
#    > 从张量取 d，即 `q.shape[-1]`，任何情况下都对。
# 5. 模型能自己学着抵消错误的缩放吗？它对训练的最初几步有什么影响？
#    > 能。缩放只是一个常数倍，q_proj 和 k_proj 一起变小就能抵消。但最初几步的得分大了 √8 倍。
#    > 查询和键的分量方差为 1、共 64 个键时，一行中最大的权重平均是 0.45，而不是 0.11（实测），大多数键得到的梯度很小。
#    > 用 PyTorch 的 `nn.Linear` 默认初始化时，得分起初较小：输入方差为 1 时标准差是 0.94，而不是 0.33，softmax 仍是平缓的。用正确缩放训练出来的权重，放到这个模块里就不对了。

# %% [markdown] tags=["hint"]
# The layers, the axes and the mask are right. One number decides how sharp a softmax is. Where does it come from?

# %% [markdown] tags=["hint"] lang="zh"
# 层、维度和掩码都没有问题。softmax 有多尖锐取决于一个数。它来自哪里？

# %% [markdown] tags=["hint"]
# The constructor plans for eight heads. How long are the vectors that `q @ k.transpose(-2, -1)` multiplies?

# %% [markdown] tags=["hint"] lang="zh"
# 构造函数里打算用八个头。而 `q @ k.transpose(-2, -1)` 里做点积的向量有多长？

# %% [markdown] tags=["hint"]
# Divide by `q.shape[-1] ** 0.5`, the width of what is dotted (embed_dim here), and remove the heads that do not exist.

# %% [markdown] tags=["hint"] lang="zh"
# 应除以 `q.shape[-1] ** 0.5`，即做点积的向量的宽度（这里是 embed_dim），并删掉并不存在的头。

# %% [markdown] tags=["discussion"]
# **The sources.** One document computes `head_dim = embed_size // heads`, never splits, and divides the scores of full-width vectors
# by √head_dim: with h heads they are √h times too large (at E = 512 and h = 8 a standard deviation of 2.8 in place of 1). Its
# multi-head module then feeds tensors of width head_dim into layers of width embed_size, and fails. Another divides by the
# square root of a `hidden_size` from the constructor, which says nothing about the keys that are passed in; and its worked
# example leaves out the scale that its formula has.
#
# **Why √d.** A sum of d independent products of variance 1 has variance d. Dividing by √d makes it 1 whatever d is, so
# that the softmax starts soft and passes a gradient on (Vaswani et al., 2017, footnote 4). The projections can learn to
# make up for a wrong constant, but training starts with a sharper softmax than intended, and weights from elsewhere do
# not fit.
#
# **Finding such a bug.** Feed vectors for which you know the weights, at two different sizes; a scale that is taken from the tensors
# themselves (`q.shape[-1]`) cannot go out of step with them.
#
# **Today.** The scale is still 1/√d in most models, and `F.scaled_dot_product_attention` takes it from the query's
# last axis unless `scale=` says otherwise. What is added is protection against scores that grow during training:
# QK-norm, which normalises queries and keys before the product (Henry et al., 2020; ViT-22B, Dehghani et al., 2023;
# Qwen3 and Gemma 3, 2025), and logit soft-capping, c·tanh(s/c), with c = 50 in Gemma 2 (2024). The maximal update
# parametrisation takes 1/d instead, so that settings carry over from narrow to wide models (Yang et al., 2022).

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料算出 `head_dim = embed_size // heads` 却从不切分，用 √head_dim 去除全宽向量的得分：
# h 个头时得分大了 √h 倍（E = 512、h = 8 时标准差是 2.8 而不是 1）。
# 它的多头模块又把宽度为 head_dim 的张量送进宽度为 embed_size 的层，直接报错。
# 另一份除以构造函数里的 `hidden_size` 的平方根，而这与实际传入的键无关；它的算例又漏掉了自己公式里的缩放。
#
# **为什么是 √d。** d 个独立、方差为 1 的乘积之和，方差为 d。除以 √d 后，无论 d 多大方差都是 1，
# softmax 一开始是平缓的，能把梯度传下去（Vaswani 等，2017，脚注 4）。
# 投影可以学会抵消错误的常数，但训练一开始 softmax 就比预期的尖锐；加载别处训练的权重也对不上。
#
# **怎样发现。** 用已知权重的向量、在两种不同的尺寸上测试；直接从张量取缩放（`q.shape[-1]`），就不会与它脱节。
#
# **如今。** 大多数模型仍用 1/√d，`F.scaled_dot_product_attention` 从查询的最后一维取 d，除非另外指定 `scale=`。
# 新增的是防止训练中得分不断增大的措施：QK-norm，即在点积之前对查询和键做归一化（Henry 等，2020；ViT-22B，Dehghani 等，2023；Qwen3 和 Gemma 3，2025）；
# 以及 logit soft-capping，即 c·tanh(s/c)，Gemma 2（2024）取 c = 50。最大更新参数化（μP）则用 1/d，使超参数可以从窄模型迁移到宽模型（Yang 等，2022）。
