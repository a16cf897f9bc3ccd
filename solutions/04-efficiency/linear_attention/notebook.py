# %% [markdown]
# > *"Make attention linear in the length. What do you have to give up, and what does the causal version turn into?"*
#
# Softmax ties every query to every key: exp(q·k) does not split into a part of q and a part of k. Replace it by a product
# of features, φ(q)·φ(k), and the sum over keys can be taken first, once for all queries (Katharopoulos et al., 2020):
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
# - Outputs keep the inputs' dtype and device; inputs are not changed; gradients flow to q, k and v.
# - PyTorch's ready-made attention (`F.scaled_dot_product_attention`, `nn.MultiheadAttention`, …) is off limits; `F.elu` is not.
#
# **By hand.** d = 2, one query q = [1, 0], so φ(q) = [2, 1]; keys [0, 0] and [2, 0], so φ is [1, 1] and [3, 1]; values 1 and 5.
# Sums over keys: Σφ(k)v = [1 + 15, 1 + 5] = [16, 6] and Σφ(k) = [4, 2]. Output: (2·16 + 1·6) / (2·4 + 1·2) = 38/10 = 3.8.
# Key by key it is the same: similarities 3 and 7, (3·1 + 7·5)/10.

# %% [markdown] lang="zh"
# > *“让注意力的代价随长度线性增长。要放弃什么？因果版本又变成了什么？”*
#
# softmax 把每个查询与每个键绑在一起：exp(q·k) 不能拆成 q 的部分和 k 的部分。换成特征的乘积 φ(q)·φ(k)，就可以先对键求和，
# 一次求和供所有查询使用（Katharopoulos 等，2020）：
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
# - 过程中**不得生成含 L·S 个元素的张量**（就单个头而言），掩码也不行。测量时 `L` 和 `S` 都不小于 `4·d·d_v`，因此外积的累加和
#   （L·d·d_v 个元素）没有问题。
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
# 2. Write the causal version as a recurrent network: what is its state, how large is it, and what does one step cost?
# 3. At which length does this become cheaper than softmax attention, for d = d_v = 64?
# 4. What can softmax attention express that this cannot? Think of a look-up of one key among thousands.
# 5. A cumulative sum keeps L states of d·d_v numbers. How would you train on long sequences without them?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. φ 为什么要取正值？φ(x) = x 或 relu 会出什么问题？
# 2. 把因果版本写成循环网络：状态是什么、多大？走一步的代价是多少？
# 3. d = d_v = 64 时，从多长开始比 softmax 注意力便宜？
# 4. softmax 注意力能表达而它不能表达的是什么？想想在几千个键中只查一个。
# 5. 累加和要保留 L 个 d·d_v 的状态。训练长序列时怎样避免？

# %% [markdown] tags=["hint"]
# Matrix products may be bracketed as one likes. Never multiply queries with keys: multiply keys with values first.

# %% [markdown] tags=["hint"] lang="zh"
# 矩阵乘法的括号可以随意放。不要先拿查询乘键：先拿键乘值。

# %% [markdown] tags=["hint"]
# Two sums over the keys are needed: of φ(k)ᵀv, a d×d_v matrix, and of φ(k), a vector of d. Every query is multiplied with both.
# For the causal version both sums become *running* sums along the sequence.

# %% [markdown] tags=["hint"] lang="zh"
# 需要对键求两个和：φ(k)ᵀv（d×d_v 的矩阵）和 φ(k)（d 维向量）。每个查询都与这两者相乘。因果版本中，两个和都变成沿序列的*累加*和。

# %% [markdown] tags=["hint"]
# Not causal: `q @ (k.mT @ v)` over `(q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps`, with φ applied to q and k.
# Causal: `einsum("...sd,...se->...sde", k, v).cumsum(-3)` holds the matrix for every position, `k.cumsum(-2)` the vector.

# %% [markdown] tags=["hint"] lang="zh"
# 非因果：对 q 和 k 做 φ 之后，`q @ (k.mT @ v)` 除以 `(q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True) + eps`。
# 因果：`einsum("...sd,...se->...sde", k, v).cumsum(-3)` 是每个位置的矩阵，`k.cumsum(-2)` 是每个位置的向量。

# %% [markdown] tags=["discussion"]
# **Cost.** (L + S)·d·d_v multiply-adds in place of L·S·(d + d_v); the gain begins where the length passes roughly d. The causal
# version is a recurrent network with a state of d·d_v + d numbers (the paper's title: "Transformers are RNNs"), so a step of
# decoding costs the same however long the past is. The running sum here stores every state, L·d·d_v numbers; real kernels work in
# blocks: the product of queries and keys inside a block, the state between blocks (as in flash-linear-attention).
#
# **Traps.** Normalising with a causal numerator and a total that is not causal (or the other way round) leaks the future quietly.
# relu makes φ exactly zero for many queries: the denominator is then nothing but eps. A long running sum in bfloat16 stops growing,
# because what is added is too small beside what is there: accumulate in float32.
#
# **What is given up.** The weights φ(q)·φ(k) form a matrix of rank d at most and cannot be sharply peaked; recall of one item among many
# suffers. Gates and the delta rule (RetNet, Mamba-2, Gated DeltaNet) work on what the state forgets.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** (L + S)·d·d_v 次乘加，取代 L·S·(d + d_v) 次；长度超过大约 d 时开始划算。因果版本是一个状态为 d·d_v + d 个数的循环网络
# （论文标题就叫“Transformers are RNNs”），因此解码每一步的代价与过去的长度无关。这里的累加和保存了所有状态，共 L·d·d_v 个数；
# 实际的算子按块计算：块内用查询与键的乘积，块间传递状态（如 flash-linear-attention）。
#
# **陷阱。** 分子因果而分母不因果（或反之）会悄悄泄露未来。relu 会让许多查询的 φ 恰好为零：分母只剩 eps。在 bfloat16 中做很长的累加会停止增长，
# 因为加数相对已有的和太小：应当用 float32 累加。
#
# **放弃了什么。** 权重 φ(q)·φ(k) 构成的矩阵秩至多为 d，也无法非常尖锐；从许多项中准确找回一项的能力会变差。门控和 delta 规则
# （RetNet、Mamba-2、Gated DeltaNet）改进的正是状态该忘记什么。
