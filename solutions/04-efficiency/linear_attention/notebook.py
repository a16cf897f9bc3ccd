# %% [markdown]
# > *"Make attention linear in the length. What do you have to give up, and what does the causal version turn into?"*
#
# Softmax ties every query to every key: exp(q·k) cannot be written as φ(q)·φ(k) with a finite number of features.
# Replace it by such a product, φ(q)·φ(k), and the sum over keys can be taken first, once for all queries (Katharopoulos
# et al., 2020):
#
# $$\text{output}_i = \frac{\varphi(q_i)\,\sum_j \varphi(k_j)^\top v_j}{\varphi(q_i)\cdot\sum_j \varphi(k_j) + \epsilon},
# \qquad \varphi(x) = \operatorname{elu}(x) + 1$$
#
# Nothing of size L·S is left: the first sum is a d×d_v matrix, the second a vector of d.
#
# **Write** `linear_attention(q, k, v, causal=False, eps=1e-6) -> output`.
#
# | | shape | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` is any number of leading axes, none included; the same for q, k and v |
# | `k`, `v` | `(..., S, d)`, `(..., S, d_v)` | S may differ from L (when not causal), d_v from d |
# | `output` | `(..., L, d_v)` | the output alone, there are no weights |
#
# - φ(x) = elu(x) + 1, entry by entry, on queries *and* keys: x + 1 for x > 0, eˣ otherwise. There is no 1/√d.
# - `eps` is added to every denominator, and may be larger than the default.
# - `causal=True`: query i uses the keys j ≤ i, in both sums. It is only asked for with L = S.
# - **No tensor with L·S elements** (for a single head) is made on the way, not even a mask. This is measured with
#   `L` and `S` at least `4·d·d_v`, so that a running sum of outer products, L·d·d_v elements, is fine.
#   It is watched inside your own process, as PyTorch makes the tensors: a check that helps you, and no proof against
#   somebody who hides them.
# - Outputs keep the inputs' dtype and device; inputs are not changed; gradients flow to q, k and v.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) may not be used; `F.elu` is allowed.
#
# **By hand.** d = 2, one query q = [1, 0], so φ(q) = [2, 1]; keys [0, 0] and [2, 0], so φ is [1, 1] and [3, 1]; values 1 and 5.
# Sums over keys: Σφ(k)v = [1 + 15, 1 + 5] = [16, 6] and Σφ(k) = [4, 2]. Output: (2·16 + 1·6) / (2·4 + 1·2) = 38/10 = 3.8.
# Key by key it is the same: similarities 3 and 7, (3·1 + 7·5)/10.

# %% [markdown] lang="zh"
# > *“让注意力的开销随长度线性增长。要放弃什么？因果版本又变成了什么？”*
#
# softmax 把每个查询与每个键绑在一起：用有限个特征，exp(q·k) 写不成 φ(q)·φ(k) 的形式。把它换成这样的乘积 φ(q)·φ(k)，
# 就可以先对键求和，求一次供所有查询使用（Katharopoulos 等，2020）：
#
# $$\text{output}_i = \frac{\varphi(q_i)\,\sum_j \varphi(k_j)^\top v_j}{\varphi(q_i)\cdot\sum_j \varphi(k_j) + \epsilon},
# \qquad \varphi(x) = \operatorname{elu}(x) + 1$$
#
# 不再有 L·S 大小的东西：第一个和是 d×d_v 的矩阵，第二个是 d 维向量。
#
# **请实现** `linear_attention(q, k, v, causal=False, eps=1e-6) -> output`。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(..., L, d)` | `...` 是任意多个前导维度，也可以没有；q、k、v 三者相同 |
# | `k`、`v` | `(..., S, d)`、`(..., S, d_v)` | 非因果时 S 可以与 L 不同，d_v 可以与 d 不同 |
# | `output` | `(..., L, d_v)` | 只返回输出，没有权重 |
#
# - φ(x) = elu(x) + 1，逐元素，查询*和*键都要做：x > 0 时为 x + 1，否则为 eˣ。没有 1/√d。
# - 每个分母都要加上 `eps`，它可能比默认值大。
# - `causal=True`：查询 i 在两个和中都只用 j ≤ i 的键。只在 L = S 时使用。
# - 过程中**不得生成含 L·S 个元素的张量**（就单个头而言），掩码也不行。测量时 `L` 和 `S` 都不小于 `4·d·d_v`，
#   因此外积的累加和（L·d·d_v 个元素）没有问题。
#   这是在你自己的进程里、随 PyTorch 创建张量时观察的：它用来帮助你，并不能防住刻意隐藏的人。
# - 输出保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k、v。
# - 不能调用 PyTorch 现成的注意力（`F.scaled_dot_product_attention`、`nn.MultiheadAttention` 等）；`F.elu` 可以用。
#
# **手算一例。** d = 2，一个查询 q = [1, 0]，φ(q) = [2, 1]；键 [0, 0] 和 [2, 0]，φ 为 [1, 1] 和 [3, 1]；值为 1 和 5。
# 对键求和：Σφ(k)v = [1 + 15, 1 + 5] = [16, 6]，Σφ(k) = [4, 2]。输出：(2·16 + 1·6) / (2·4 + 1·2) = 38/10 = 3.8。
# 逐个键来算也一样：相似度为 3 和 7，(3·1 + 7·5)/10。

# %% [markdown]
# The same three factors, multiplied in another order:
#
# ```
# (φ(q) φ(k)ᵀ) v      (L×d · d×S) · S×d_v     an L×S matrix on the way
# φ(q) (φ(k)ᵀ v)      L×d · (d×S · S×d_v)     a d×d_v matrix on the way
# ```

# %% [markdown] lang="zh"
# 同样的三个因子，换一种相乘的顺序：
#
# ```
# (φ(q) φ(k)ᵀ) v      (L×d · d×S) · S×d_v     中间是 L×S 的矩阵
# φ(q) (φ(k)ᵀ v)      L×d · (d×S · S×d_v)     中间是 d×d_v 的矩阵
# ```

# %% tags=["given"]
import torch
import torch.nn.functional as F

# %% tags=["solution"]
def linear_attention(q, k, v, causal=False, eps=1e-6):
    """Linear attention of q (..., L, d) over k (..., S, d) and v (..., S, d_v), with φ(x) = elu(x) + 1.

    causal: query i uses the keys up to i (L = S). eps is added to the denominators.
    Returns the output (..., L, d_v).
    """
    ### BEGIN SOLUTION
    q, k = F.elu(q) + 1, F.elu(k) + 1
    if causal:
        states = torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)
        totals = k.cumsum(dim=-2)
        numerator = torch.einsum("...ld,...lde->...le", q, states)
    else:
        state = k.transpose(-2, -1) @ v
        totals = k.sum(dim=-2, keepdim=True)
        numerator = q @ state
    denominator = (q * totals).sum(dim=-1, keepdim=True)
    return numerator / (denominator + eps)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("linear_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("linear_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(linear_attention)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why must φ be positive? What goes wrong with φ(x) = x, and with relu?
#    > The weights are φ(q)·φ(k) over their sum; with positive features they are positive and sum to 1 (up to eps), so
#    > the output is an average. With φ(x) = x similarities may be negative, they can cancel, and the denominator can
#    > come near zero, so that the output explodes. relu is not negative, but it can be zero: if the query and all its
#    > keys share no positive entry, nothing but eps is left in the denominator. With random entries and a single key,
#    > as for the first token of a causal layer, that happens with probability (3/4)^d: 32% at d = 4, never in practice
#    > at d = 64. Where an entry is negative, relu also passes no gradient, which is why Katharopoulos et al. (2020)
#    > prefer elu.
# 2. Write the causal version as a recurrent network: what is its state, how large is it, and what does one step cost?
#    > The state is a d × d_v matrix S and a vector z of size d. A step does S ← S + φ(k)ᵀv, z ← z + φ(k), and returns
#    > φ(q)S / (φ(q)·z + eps). That is about 2·d·d_v multiply-adds at every position. For d = d_v = 64 the state has
#    > 64·64 + 64 = 4,160 numbers, while a cache of keys and values has 128 for each token: it is larger from 33 tokens
#    > on.
# 3. At which length does this become cheaper than softmax attention, for d = d_v = 64?
#    > Counted in multiply-adds and without causality, at L = 64: softmax needs 2·L²·d, this 2·L·d². A causal softmax
#    > kernel that skips the hidden half needs only L²·d, so the balance is at L = 2d = 128. In seconds it is later, and
#    > must be measured. On one CPU core (PyTorch 2.13, float32, four heads) the version without causality overtakes
#    > `F.scaled_dot_product_attention` between 128 and 256 tokens; the causal running sum is still slower at 4,096,
#    > because it writes L·d·d_v numbers.
# 4. What can softmax attention express that this cannot? Think of a look-up of one key among thousands.
#    > A sharp look-up for many queries. Let each of S queries look for a key of its own. The weights form an S × S
#    > matrix of rank d at most with rows that sum to at most 1; its eigenvalues are at most 1 in size and at most d of
#    > them are not zero, so its diagonal sums to at most d. On average a query can give its own key only d/S, for d =
#    > 64 and S = 4,096 that is 1.6%. The exponential breaks this limit on the rank: a softmax of scores q·k of the same
#    > size d can come as close to 100% as you like. In tests of recall and copying, models with a state of fixed size
#    > fall behind (Arora et al., 2023; Jelassi et al., 2024).
# 5. A cumulative sum keeps L states of d·d_v numbers. How would you train on long sequences without them?
#    > In chunks of C tokens: keep the state only at the start of each chunk, and inside a chunk compute the masked
#    > products φ(q)φ(k)ᵀ directly, C × C of them. At L = 8,192 and d = d_v = 64 in float32, all states take
#    > 8,192·64·64·4 bytes = 128 MiB per head; with C = 64 there are 128 of them, 2 MiB. The backward pass computes the
#    > rest again. Both parts are matrix products, which GPUs do well (Yang et al., 2023).

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. φ 为什么要取正值？φ(x) = x 或 relu 会出什么问题？
#    > 权重是 φ(q)·φ(k) 除以它们之和；特征为正，权重就为正，且和为 1（不计 eps），输出才是平均。
#    > φ(x) = x 时相似度可能为负，会互相抵消，分母可能接近零，输出就会爆炸。
#    > relu 不为负，但可能为零：如果查询与它能看到的所有键没有共同的正分量，分母就只剩 eps。
#    > 分量随机、只有一个键时（例如因果版本的第一个词元），概率是 (3/4)^d：d = 4 时为 32%，d = 64 时几乎不会发生。
#    > 另外，分量为负时 relu 不传梯度，这正是 Katharopoulos 等（2020）选用 elu 的理由。
# 2. 把因果版本写成循环网络：状态是什么、多大？每走一步的计算量是多少？
#    > 状态是 d × d_v 的矩阵 S 和 d 维向量 z。
#    > 每一步做 S ← S + φ(k)ᵀv，z ← z + φ(k)，返回 φ(q)S / (φ(q)·z + eps)。
#    > 无论在哪个位置，都约需 2·d·d_v 次乘加。d = d_v = 64 时，状态有 64·64 + 64 = 4,160 个数，
#    > 而键值缓存每个词元就要 128 个数：从第 33 个词元起，缓存就比状态大了。
# 3. d = d_v = 64 时，从多长开始比 softmax 注意力便宜？
#    > 按乘加次数算，非因果时是 L = 64：softmax 需要 2·L²·d 次，这里需要 2·L·d² 次。
#    > 如果因果的 softmax 算子会跳过被屏蔽的一半，它只需 L²·d 次，平衡点就是 L = 2d = 128。
#    > 按时间算则更晚，必须实测。在单个 CPU 核上（PyTorch 2.13，float32，四个头），
#    > 非因果版本在 128 到 256 个词元之间开始快于 `F.scaled_dot_product_attention`；
#    > 因果的累加和到 4,096 个词元仍然更慢，因为它要写出 L·d·d_v 个数。
# 4. softmax 注意力能表达而它不能表达的是什么？想想在几千个键中只查一个。
#    > 让许多查询各自准确地查到一个键。设 S 个查询各找自己的那个键。权重构成 S × S 的矩阵，秩至多为 d，每行之和不超过 1；
#    > 它的特征值的绝对值都不超过 1，非零的至多 d 个，所以对角线之和不超过 d。
#    > 平均下来，每个查询最多只能给自己的键 d/S 的权重：d = 64、S = 4,096 时只有 1.6%。
#    > 指数打破了秩的限制：用同样大小的 d，对得分 q·k 做 softmax 可以任意接近 100%。
#    > 在检索和复制任务的实测中，状态大小固定的模型确实落后（Arora 等，2023；Jelassi 等，2024）。
# 5. 累加和要保留 L 个 d·d_v 的状态。训练长序列时怎样避免？
#    > 把序列分成每块 C 个词元：只保留每块开头的状态，块内直接计算带掩码的乘积 φ(q)φ(k)ᵀ，共 C × C 个。
#    > L = 8,192、d = d_v = 64、float32 时，全部状态每个头要 8,192·64·64·4 字节 = 128 MiB；
#    > C = 64 时只有 128 个状态，共 2 MiB。其余的在反向传播时重计算。
#    > 两部分都是矩阵乘法，正是 GPU 擅长的（Yang 等，2023）。

# %% [markdown] tags=["hint"]
# A product of three matrices may be computed in either order, (AB)C or A(BC). Never multiply queries with keys: multiply keys with values first.

# %% [markdown] tags=["hint"] lang="zh"
# 三个矩阵相乘，先算 (AB)C 还是先算 A(BC) 结果都一样。不要先拿查询乘键：先拿键乘值。

# %% [markdown] tags=["hint"]
# Two sums over the keys are needed: of φ(k)ᵀv, a d×d_v matrix, and of φ(k), a vector of d. Every query is multiplied with both.
# For the causal version both sums become *running* sums along the sequence.

# %% [markdown] tags=["hint"] lang="zh"
# 需要对键求两个和：φ(k)ᵀv（d×d_v 的矩阵）和 φ(k)（d 维向量）。每个查询都与这两者相乘。
# 因果版本中，两个和都变成沿序列的*累加*和。

# %% [markdown] tags=["hint"]
# Not causal: `q @ (k.mT @ v)` over `(q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps`, with φ applied to q and k.
# Causal: `einsum("...sd,...se->...sde", k, v).cumsum(-3)` holds the matrix for every position, `k.cumsum(-2)` the vector.

# %% [markdown] tags=["hint"] lang="zh"
# 非因果：对 q 和 k 做 φ 之后，`q @ (k.mT @ v)` 除以 `(q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps`。
# 因果：`einsum("...sd,...se->...sde", k, v).cumsum(-3)` 是每个位置的矩阵，`k.cumsum(-2)` 是每个位置的向量。

# %% [markdown] tags=["discussion"]
# **Cost.** (L + S)·d·d_v multiply-adds in place of L·S·(d + d_v). Without causality, with L = S and d = d_v, that is
# fewer from L = d on; with causality a softmax kernel does half as much, and the balance is at 2d. This counts
# operations, not seconds. The causal version is a recurrent network with a state of d·d_v + d numbers (the paper's
# title: "Transformers are RNNs"), so a step of decoding costs the same however long the past is. The running sum here
# stores every state, L·d·d_v numbers; real kernels work in blocks: the product of queries and keys inside a block, the
# state between blocks (as in flash-linear-attention).
#
# **Traps.** Normalising with a causal numerator and a total that is not causal (or the other way round) leaks the
# future without an error. With relu the denominator can be nothing but eps: a random query has no positive entry at all
# with probability 2^(−d), which is 1 in 16 at d = 4 and never in practice at d = 64. A state that is carried from step
# to step in bfloat16 stops growing, because what is added is too small beside what is there: adding 1 a thousand times
# gives 256. Carry it in float32. (`torch.cumsum` on a CPU carries its sum at a higher precision inside and rounds only
# the results.)
#
# **What is given up.** The weights φ(q)·φ(k) form a matrix of rank d at most. One query can still be sharp, but not
# thousands of queries, each at another key, so exact recall of one item among many suffers. Random features that
# approximate exp(q·k) itself (Performer, Choromanski et al., 2021) have the same limit, with the number of features in
# the place of d.
#
# **Today.** The plain sum, which never forgets, has been replaced. *Gates* let the state decay: by a fixed factor in
# RetNet (Sun et al., 2023), by one computed from the input in Mamba-2 (Dao & Gu, 2024) and gated linear attention (GLA,
# Yang et al., 2023). The *delta rule* (DeltaNet, Schlag et al., 2021) first takes away what the state returns for a key
# and then writes the new value, so that a key is overwritten and not added to; Gated DeltaNet (Yang et al., 2024) has
# both. Most of these leave out the denominator and normalise the output. Large models mix: a few layers of softmax
# attention for recall among many linear ones (MiniMax-01, 2025, one in eight; Qwen3-Next and Kimi Linear, 2025, one in
# four).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** (L + S)·d·d_v 次乘加，取代 L·S·(d + d_v) 次。非因果且 L = S、d = d_v 时，L 超过 d 就更少；
# 有因果时 softmax 算子可以只做一半，平衡点是 2d。这里数的是运算次数，不是时间。
# 因果版本是一个状态为 d·d_v + d 个数的循环网络，论文标题就叫“Transformers are RNNs”，
# 因此解码每一步的开销与过去的长度无关。这里的累加和保存了所有状态，共 L·d·d_v 个数；
# 实际的算子按块计算：块内用查询与键的乘积，块间传递状态（如 flash-linear-attention）。
#
# **陷阱。** 分子因果而分母不因果（或反之），会在不报错的情况下泄露未来。
# 用 relu 时，分母可能只剩 eps：随机查询的所有分量都不为正的概率是 2^(−d)，d = 4 时为 1/16，d = 64 时几乎不会发生。
# 在 bfloat16 中逐步累加的状态会停止增长，因为加数相对已有的和太小：把 1 加一千次，得到的是 256。应当用 float32 保存状态。
# （`torch.cumsum` 在 CPU 上内部用更高的精度累加，只对结果做舍入。）
#
# **放弃了什么。** 权重 φ(q)·φ(k) 构成的矩阵秩至多为 d。单个查询的权重仍可以很集中，但几千个查询不可能各自集中在不同的键上，
# 所以从许多项中准确找回一项的能力会变差。
# 用随机特征去近似 exp(q·k) 本身的做法（Performer，Choromanski 等，2021）也有同样的限制，只是 d 换成特征的个数。
#
# **如今。** 只加不忘的累加和已经被取代。*门控*让状态衰减：RetNet（Sun 等，2023）用固定的系数，
# Mamba-2（Dao & Gu，2024）和门控线性注意力（GLA，Yang 等，2023）由输入算出系数。
# *delta 规则*（DeltaNet，Schlag 等，2021）先减去状态对某个键已有的输出，再写入新的值，于是同一个键是被覆盖，而不是累加；
# Gated DeltaNet（Yang 等，2024）两者兼有。这些方法大多去掉了分母，改为对输出做归一化。
# 大模型通常混合使用：多数层是线性注意力，少数层保留 softmax 注意力来负责检索：
# MiniMax-01（2025）每八层有一层，Qwen3-Next 和 Kimi Linear（2025）每四层有一层。
