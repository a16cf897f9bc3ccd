# %% [markdown]
# > *"My decoder reads the encoder's output through this layer. Translations have little to do with the source sentence, and some
# > numbers of the layer are, after a week of training, what they were on the first day. I found one bug, and it still did not work."*
#
# The module below runs, gives `(B, L, E)` and trains. There are **two** bugs in it. **Mend** `CrossAttention`, and **name** both:
# set `bugs` to a set of two of the twelve slugs listed there. The names count once the module is mended.
#
# What the module should do: `CrossAttention(embed_dim, num_heads, context_dim=None)` with
# `forward(x, context, context_mask=None)`.
#
# | | shape | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim; asks |
# | `context` | `(B, S, C)` | C = context_dim, or embed_dim when that is None; answers |
# | `context_mask` | `(B, S)` | boolean, **True = may be attended to**; for every query and head |
# | returns | `(B, L, E)` | the output alone, without the weights |
#
# - Layers, all with biases: `q_proj` = `nn.Linear(embed_dim, embed_dim)`, `k_proj` and `v_proj` = `nn.Linear(context_dim, embed_dim)`,
#   `out_proj` = `nn.Linear(embed_dim, embed_dim)`, and nothing else in the `state_dict`. `embed_dim` not divisible by `num_heads`:
#   `ValueError`, when the module is built. No dropout.
# - Head $i$ takes the features $i\,d$ to $(i+1)\,d - 1$ of each projection, d = embed_dim / num_heads. The scale is $1/\sqrt d$.
# - A sequence whose context is hidden altogether gets zero context vectors, so that `out_proj`'s bias comes out for each of its
#   queries; gradients stay finite.
# - The output keeps the dtype (float64, float32, bfloat16) and device of the inputs. Inputs are not changed. Gradients flow to `x`,
#   `context` and every parameter. Scores may be as large as ±10,000. L and S, and E and C, may differ or agree; batch 1, one
#   head, one query and non-contiguous inputs work.
# - `F.scaled_dot_product_attention`, `nn.MultiheadAttention` and the like are off limits.
#
# **By hand.** embed_dim = context_dim = 1, one head, all weights 1 but that of `v_proj`, which is 10; all biases 0. x = [[1]],
# context = [[0], [2]]: scores 0 and 2, weights 0.119 and 0.881, output 0.881·20 = 17.6. With the mask [True, False] the output is 0.

# %% [markdown] lang="zh"
# > *“我的解码器通过这个层读取编码器的输出。译文和源句没什么关系，而且训练了一周，层里有些参数还和第一天一模一样。
# > 我找到过一个错误，改掉之后还是不行。”*
#
# 下面的模块能运行，输出 `(B, L, E)`，也能训练，但其中有**两个**错误。请**修好** `CrossAttention`，并**指出**两个错误的名称：
# 把 `bugs` 设为由单元里列出的十二个标识中的两个组成的集合。模块修好之后，名称才计分。
#
# 模块应当做到：`CrossAttention(embed_dim, num_heads, context_dim=None)`，前向为 `forward(x, context, context_mask=None)`。
#
# | | 形状 | |
# |---|---|---|
# | `x` | `(B, L, E)` | E = embed_dim；提问的一方 |
# | `context` | `(B, S, C)` | C = context_dim，为 None 时等于 embed_dim；作答的一方 |
# | `context_mask` | `(B, S)` | 布尔型，**True = 可以被关注**；对所有查询和头相同 |
# | 返回 | `(B, L, E)` | 只返回输出，不返回权重 |
#
# - 各层都带偏置：`q_proj` = `nn.Linear(embed_dim, embed_dim)`，`k_proj` 和 `v_proj` = `nn.Linear(context_dim, embed_dim)`，
#   `out_proj` = `nn.Linear(embed_dim, embed_dim)`，`state_dict` 中没有别的。`embed_dim` 不能被 `num_heads` 整除：
#   构造时抛出 `ValueError`。没有 dropout。
# - 第 $i$ 个头取每个投影的第 $i\,d$ 到 $(i+1)\,d - 1$ 个特征（d = embed_dim / num_heads），缩放系数为 $1/\sqrt d$。
# - 上下文全部被屏蔽的序列：上下文向量为零，因此每个查询的输出都是 `out_proj` 的偏置；梯度保持有限。
# - 输出保持输入的 dtype（float64、float32、bfloat16）和设备。不得修改输入。梯度流向 `x`、`context` 和全部参数。
#   得分可能大到 ±10,000。L 与 S、E 与 C 可以不同，也可以相同；批大小为 1、单头、单个查询、非连续的输入都要能用。
# - 不能调用 `F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等。
#
# **手算一例。** embed_dim = context_dim = 1，单头，`v_proj` 的权重为 10，其余权重为 1，偏置全为 0。x = [[1]]，
# context = [[0], [2]]：得分 0 和 2，权重 0.119 和 0.881，输出 0.881·20 = 17.6。掩码为 [True, False] 时输出为 0。

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["broken"]
class CrossAttention(nn.Module):
    """Queries from x, keys and values from a context of another length and width; num_heads heads.

    context_dim: the width of the context, embed_dim when None.
    Raises ValueError if num_heads does not divide embed_dim.
    """

    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        context_dim = embed_dim if context_dim is None else context_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def split(self, features):
        """(B, L, E) to (B, H, L, E / H)."""
        return features.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, x, context, context_mask=None):
        """x (B, L, embed_dim); context (B, S, context_dim); context_mask (B, S), True = may be attended to.

        Returns (B, L, embed_dim).
        """
        q = self.split(self.q_proj(x))
        k = self.split(self.k_proj(context))
        v = self.split(self.k_proj(context))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if context_mask is not None:
            hidden = context_mask[:, None, None, :]
            scores = scores.masked_fill(hidden, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if context_mask is not None:
            weights = weights.masked_fill(hidden.all(dim=-1, keepdim=True), 0.0)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))


bugs = set()
# Two of: "sigmoid-weights", "wrong-scale", "heads-not-split", "shared-projection",
#         "dropout-in-eval", "zeros-not-minus-inf", "mask-inverted", "softmax-axis",
#         "positions-off-by-one", "detached", "residual-missing", "keys-for-values"

# %% tags=["solution"]
### BEGIN SOLUTION
class CrossAttention(nn.Module):
    """Queries from x, keys and values from a context of another length and width; num_heads heads.

    context_dim: the width of the context, embed_dim when None.
    Raises ValueError if num_heads does not divide embed_dim.
    """

    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        context_dim = embed_dim if context_dim is None else context_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def split(self, features):
        """(B, L, E) to (B, H, L, E / H)."""
        return features.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def forward(self, x, context, context_mask=None):
        """x (B, L, embed_dim); context (B, S, context_dim); context_mask (B, S), True = may be attended to.

        Returns (B, L, embed_dim).
        """
        q = self.split(self.q_proj(x))
        k = self.split(self.k_proj(context))
        v = self.split(self.v_proj(context))
        scores = q @ k.transpose(-2, -1) * self.head_dim**-0.5
        if context_mask is not None:
            hidden = ~context_mask[:, None, None, :]
            scores = scores.masked_fill(hidden, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if context_mask is not None:
            weights = weights.masked_fill(hidden.all(dim=-1, keepdim=True), 0.0)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))


bugs = {"mask-inverted", "keys-for-values"}
### END SOLUTION

# %% tags=["demo"]
# Change one position of the context, and see how much the output changes; then train a little, and count which weights moved.
from grader import heatmap

torch.manual_seed(0)
attention = CrossAttention(embed_dim=8, num_heads=2)
x, context = torch.randn(2, 3, 8), torch.randn(2, 7, 8)
words = torch.tensor([[True] * 4 + [False] * 3, [True] * 6 + [False]])
with torch.no_grad():
    before, influence = attention(x, context, words), torch.zeros(2, 7)
    for j in range(7):
        changed = context.clone()
        changed[:, j] += 1.0
        influence[:, j] = (attention(x, changed, words) - before).norm(dim=(1, 2))

start = {name: parameter.clone() for name, parameter in attention.named_parameters() if name.endswith("weight")}
optimizer = torch.optim.SGD(attention.parameters(), lr=0.1)
for _ in range(20):
    optimizer.zero_grad()
    attention(x, context, words).pow(2).mean().backward()
    optimizer.step()
moved = sum(int((attention.get_parameter(name) != before).sum()) for name, before in start.items())
print(f"of {sum(weight.numel() for weight in start.values())} weights, 20 steps of training moved {moved}")
(
    heatmap(words, rows=["sentence 0", "sentence 1"], title="the context: words (filled), then padding")
    + heatmap(influence, rows=["sentence 0", "sentence 1"], title="how much the output changes with each position")
)

# %% [markdown]
# Check as often as you like. Stuck? `hint("debug_7")` gives a little more each time.
# What the interviewer asks next would name the bugs: `discuss("debug_7")` tells it when you are done.

# %% [markdown] lang="zh"
# 可以反复检查。卡住了？`hint("debug_7")` 每次多给一点提示。
# 面试官接下来的问题会说破错误所在：做完之后用 `discuss("debug_7")` 查看。

# %% tags=["check"]
from grader import check, discuss, hint

check(globals(), exercise="debug_7")

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Two conventions for boolean masks are in use in PyTorch. Which function has which?
#    > `F.scaled_dot_product_attention` takes True = may attend. `nn.MultiheadAttention` takes True = may *not* attend,
#    > in both its `attn_mask` and its `key_padding_mask`, and so do the layers of `nn.Transformer`. I name a mask by
#    > what its True means, `visible` or `hidden`, so that a missing `~` is seen where it is used.
# 2. Why does no error of shape, and no NaN, show an inverted padding mask?
#    > Because an inverted mask has the same shape, and nearly always something is left to attend to. In a batch some
#    > sentences are padded and some are not. A padded sentence then reads its padding, which exists, so the softmax is
#    > well defined. The longest sentence of the batch has no padding: everything in it is hidden, and here that gives
#    > zeros on purpose. So guarding against NaN also hides this bug: without the guard it would have been NaN at once.
# 3. Keys in place of values: what can the layer still learn, and what not?
#    > It can still look up, since queries and keys are intact, and `out_proj` can transform what is found. But what a
#    > position is found *by* and what it *gives* are then the same vector. A position cannot be easy to find and say
#    > something else: in translation, a word cannot be found by its place in the sentence and give its meaning.
#    > Features that are spent on matching say nothing about the content, and the other way round.
# 4. How do you test that every parameter takes part?
#    > After one backward pass, I list the parameters without a gradient: `[n for n, p in model.named_parameters() if
#    > p.grad is None]`. Here these are `v_proj`'s. The optimizer skips them silently, weight decay too;
#    > `DistributedDataParallel` raises an error, unless `find_unused_parameters=True` is set. A gradient of zeros is
#    > suspicious too, with one exception in this layer: `k_proj.bias` adds the same number to all scores of a row, which
#    > the softmax does not see, so its gradient is zero but for rounding.
# 5. You mended one bug and the result got worse. Is the fix wrong?
#    > Not necessarily. Two bugs can mask each other, so one fix alone may lower a score. I judge a fix by what it is
#    > about, with a test that isolates it: for the mask, that changing a padded position leaves the output as it is; for
#    > the values, that `v_proj` gets a gradient. Each test must fail before its fix and pass after it, whatever
#    > the loss does.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. PyTorch 里布尔掩码有两种约定，哪个函数用哪一种？
#    > `F.scaled_dot_product_attention` 中 True = 可以关注。`nn.MultiheadAttention` 的 `attn_mask` 和 `key_padding_mask` 都是 True = *不可以*关注，
#    > `nn.Transformer` 的各层也一样。给掩码起名时最好说明 True 的含义，例如 `visible` 或 `hidden`，这样用的地方漏了 `~` 一眼就能看出来。
# 2. 填充掩码取反之后，为什么形状不报错，也没有 NaN？
#    > 因为取反的掩码形状相同，而且几乎总还有东西可以关注。一个批里有的句子有填充，有的没有。有填充的句子改为读填充，填充确实存在，softmax 有定义。
#    > 批中最长的句子没有填充，于是全部被屏蔽，而这里特意让它输出零。所以防 NaN 的保护也掩盖了这个错误：没有保护，立刻就会出现 NaN。
# 3. 用键代替值之后，这个层还能学到什么，学不到什么？
#    > 查询和键没有问题，所以仍能查找；`out_proj` 也还能变换取出的内容。但一个位置*凭什么被找到*和它*给出什么*就成了同一个向量。
#    > 一个位置不能既容易被找到、又给出别的内容：例如翻译中，一个词不能凭它在句中的位置被找到，而给出它的词义。
#    > 用于匹配的特征不表达内容，反之亦然。
# 4. 怎样测试每个参数都起了作用？
#    > 一次反向传播之后，列出没有梯度的参数：`[n for n, p in model.named_parameters() if p.grad is None]`。
#    > 这里是 `v_proj` 的参数。优化器会悄悄跳过它们，权重衰减也跳过；`DistributedDataParallel` 则会报错，除非设置 `find_unused_parameters=True`。
#    > 梯度全为零同样可疑，但这个层里有一个例外：`k_proj.bias` 给一行的所有得分加上同一个数，softmax 感觉不到，所以它的梯度为零（舍入误差除外）。
# 5. 改好了一个错误，结果却变差了。是改错了吗？
#    > 不一定。两个错误可能互相掩盖，只改一个时指标可能下降。应当用单独的测试来判断每处修改：
#    > 对掩码，改动填充位置不应影响输出；对值，`v_proj` 应当得到梯度。每个测试在修改前失败、修改后通过，而不管损失怎么变。

# %% [markdown] tags=["hint"]
# There are two symptoms, and they have nothing to do with each other. Which positions move the output? And which weights did the training not move (`start` has them as they were)?

# %% [markdown] tags=["hint"] lang="zh"
# 有两个症状，彼此无关。哪些位置会影响输出？训练没有更新哪些权重（`start` 里有它们最初的值）？

# %% [markdown] tags=["hint"]
# `masked_fill` fills where its mask is True. And look at which layer makes each of q, k and v.

# %% [markdown] tags=["hint"] lang="zh"
# `masked_fill` 填的是掩码为 True 的地方。再看看 q、k、v 各由哪个层得到。

# %% [markdown] tags=["hint"]
# Hidden is what may not be attended to, `~context_mask[:, None, None, :]`; and `v` is made by `self.v_proj`.

# %% [markdown] tags=["hint"] lang="zh"
# 要屏蔽的是不可以关注的位置，即 `~context_mask[:, None, None, :]`；`v` 应由 `self.v_proj` 得到。

# %% [markdown] tags=["discussion"]
# **The sources.** One document's cross-attention is its multi-head attention under another name: one layer makes queries, keys and values, and
# there is no mask. Two others write masks as `masked_fill(mask == 0, …)`, so that 1 means a word. Whoever hands such a mask to
# `nn.MultiheadAttention` hides exactly the words.
#
# **Why two are harder than one.** The first fix does not make the symptom go away, and so looks wrong. Separate the symptoms first:
# for each, find an input that shows it alone, and a test that fails because of it alone. Here the influence of each position tells the mask,
# and the gradients tell the values; neither depends on the other.
#
# **Finding such bugs.** Two invariants: what is hidden must not change the output, and what is not hidden must; after one backward pass
# every parameter has a gradient.
#
# **Today.** Padding masks are used less than they were: training packs sequences end to end, with attention limited to
# each (`flash_attn_varlen_func`, or a document mask in FlexAttention; Dong et al., 2024), so there is no padding to
# hide. Both conventions for masks live on, in PyTorch and in Hugging Face's `attention_mask`, where 1 means a token. Sharing
# keys and values on purpose is rare; multi-head latent attention (DeepSeek-V2, 2024) makes both out of one small
# vector, but with a matrix for each.

# %% [markdown] tags=["discussion"] lang="zh"
# **出处。** 有一份资料的交叉注意力只是换了名字的多头注意力：查询、键、值由同一个层得到，而且没有掩码。
# 另外两份把掩码写成 `masked_fill(mask == 0, …)`，即 1 表示词。把这样的掩码交给 `nn.MultiheadAttention`，屏蔽的恰好是词。
#
# **为什么两个错误比一个难找。** 第一处修改并不能让症状消失，于是看起来像改错了。应当先把症状分开：
# 为每个症状找一个只显示它的输入，和一个只因它而失败的测试。这里，各位置的影响反映掩码，梯度反映值，二者互不相干。
#
# **怎样发现。** 两条不变量：被屏蔽的内容不得影响输出，没有屏蔽的必须影响；一次反向传播之后，每个参数都有梯度。
#
# **如今。** 填充掩码比过去用得少了：训练时把多个序列首尾相接打包在一起，注意力限制在各自之内
# （`flash_attn_varlen_func`，或 FlexAttention 的文档掩码；Dong 等，2024），没有填充可屏蔽。
# 两种掩码约定都还在用：PyTorch 里两种都有，Hugging Face 的 `attention_mask` 则用 1 表示词元。
# 有意让键和值共用一个投影的做法很少见；多头潜在注意力（MLA；DeepSeek-V2，2024）用同一个小向量生成键和值，但各有自己的矩阵。
