# %% [markdown]
# > *"Which kinds of attention do you know? No, not a list of names: tell me along which axes they differ."*
#
# Lists of "variants" tend to mix things that do not exclude each other: self-attention says where the keys come from,
# multi-head says how many times it is done, scaled dot-product says how a score is made. One model has all three.
# Position encodings, often on the list, are not attention at all: they change its input or its scores.
#
# **First, in words**, in the cell below (10 to 15 lines): along which axes does attention vary, which kinds are there
# on each, and what is each good for? Then the axis that can be put into one function, the score.
# When it is written, `self_review("attention_variants")` shows a model answer, and what yours should hold.
#
# **Write** `attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None) -> (..., L, S)`, the scores before the
# softmax:
#
# | `kind` | score of query i and key j | weights | from |
# |---|---|---|---|
# | `"dot"` | qᵢ · kⱼ | | Luong et al., 2015 |
# | `"scaled_dot"` | qᵢ · kⱼ / √d | | Vaswani et al., 2017 |
# | `"general"` | qᵢᵀ W kⱼ | `W: (d_q, d_k)` | Luong et al., 2015 |
# | `"additive"` | wᵀ tanh(W_q qᵢ + W_k kⱼ) | `W_q: (a, d_q)`, `W_k: (a, d_k)`, `w: (a,)` | Bahdanau et al., 2015 |
#
# - `q: (..., L, d_q)`, `k: (..., S, d_k)`, any number of leading axes, none included. The two dot kinds need d_q = d_k
#   = d; the others do not.
# - No softmax, no mask, no bias. Only `"scaled_dot"` is scaled.
# - Weights that a kind does not use may be given and are ignored. A kind not in the table, or a weight that its kind
#   needs and that is None, raises `ValueError`.
# - The result keeps the inputs' dtype and device; inputs are not changed; gradients flow to q, k and the weights used.
#
# **By hand.** q = [1, 0], k = [1, 2]. Dot: 1. Scaled: 1/√2 ≈ 0.707. General with W = [[0, 1], [3, 0]]: Wk = [2, 3],
# so the score is 2 (with W transposed it would be 6). Additive with W_q = W_k = [[1, 1]], w = [2]: 2·tanh(1 + 3) ≈
# 1.9987.

# %% [markdown] lang="zh"
# > *“你知道哪几种注意力？不要只报名字：告诉我它们在哪些维度上不同。”*
#
# “变体”清单往往把并不互斥的东西混在一起：自注意力说的是键从哪里来，多头说的是做几次，缩放点积说的是得分怎么算，
# 一个模型可以三者兼有。清单上常见的位置编码根本不是注意力：它改变的是注意力的输入或得分。
#
# **先用文字回答**（写在下面的单元里，10 到 15 行）：注意力可以沿哪些方面变化？每个方面有哪几种？各适合什么场合？
# 然后实现其中能写成一个函数的方面：得分。
# 写完之后，`self_review("attention_variants")` 会给出参考答案和应当包含的要点。
#
# **请实现** `attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None) -> (..., L, S)`，即 softmax 之前的得分：
#
# | `kind` | 查询 i 对键 j 的得分 | 参数 | 出处 |
# |---|---|---|---|
# | `"dot"` | qᵢ · kⱼ | | Luong 等，2015 |
# | `"scaled_dot"` | qᵢ · kⱼ / √d | | Vaswani 等，2017 |
# | `"general"` | qᵢᵀ W kⱼ | `W: (d_q, d_k)` | Luong 等，2015 |
# | `"additive"` | wᵀ tanh(W_q qᵢ + W_k kⱼ) | `W_q: (a, d_q)`、`W_k: (a, d_k)`、`w: (a,)` | Bahdanau 等，2015 |
#
# - `q: (..., L, d_q)`，`k: (..., S, d_k)`，任意多个前导维度，也可以没有。两种点积要求 d_q = d_k = d；另外两种不要求。
# - 没有 softmax，没有掩码，没有偏置。只有 `"scaled_dot"` 做缩放。
# - 某种得分用不到的参数也可以传入，忽略即可。`kind` 不在表中，或它所需的参数为 None，抛出 `ValueError`。
# - 结果保持输入的 dtype 和设备；不得修改输入；梯度流向 q、k 和用到的参数。
#
# **手算一例。** q = [1, 0]，k = [1, 2]。点积：1。缩放：1/√2 ≈ 0.707。general，W = [[0, 1], [3, 0]]：Wk = [2, 3]，
# 得分为 2（若 W 转置则为 6）。additive，W_q = W_k = [[1, 1]]，w = [2]：2·tanh(1 + 3) ≈ 1.9987。

# %% [markdown] tags=["answer"]
# **How a score is made.** Dot product (cheap: one matrix product), scaled by 1/√d so that its variance does not grow
# with d; general or bilinear, q W kᵀ, where query and key may have different sizes; additive, wᵀ tanh(W_q q + W_k k),
# a small network for every pair, which needs no scale at large d, but is slow and keeps L·S·a numbers.
#
# **Where queries, keys and values come from.** Self-attention: all from one sequence (causal in a decoder).
# Cross-attention: queries from one sequence, keys and values from another, as in translation or captioning.
#
# **How often it is done.** One head, or several in parallel on smaller projections, each with its own weights over the
# positions (multi-head); with keys and values shared by groups of heads (multi-query, grouped-query) to shrink the
# cache.
#
# **Which keys are seen, and how soft the choice is.** All (global), a window (local), the best k or a fixed pattern
# (sparse); softmax weights (soft, differentiable) or one sampled position (hard, trained by reinforcement learning); a kernel
# in place of the softmax makes it linear in length.
#
# **What is weighed.** Positions of a sequence, pixels, or channels; a gate (a sigmoid, weights that do not compete)
# is close to it, and selects without normalising. A position encoding tells positions apart; it changes the input or the
# scores, and is not a kind of attention.
#
# These axes combine: a Transformer decoder has scaled dot-product, multi-head, causal self-attention, and
# cross-attention.

# %% [markdown] tags=["answer"] lang="zh"
# **得分怎么算。** 点积（便宜：一次矩阵乘法），除以 √d 使方差不随 d 增长；general（双线性）q W kᵀ，
# 查询和键的维度可以不同；
# additive（加性）wᵀ tanh(W_q q + W_k k)，给每一对位置一个小网络，d 大时不缩放也稳定，但较慢，并需要 L·S·a 个数。
#
# **查询、键、值从哪里来。** 自注意力：都来自同一序列（解码器中带因果掩码）。交叉注意力：查询来自一个序列，
# 键和值来自另一个，如翻译、图像描述。
#
# **做几次。** 单头；或在较小的投影上并行做多次，每个头有自己的位置权重（多头）；多个头共用键和值（MQA、GQA）
# 以缩小缓存。
#
# **看到哪些键，软硬程度如何。** 全部（全局）、一个窗口（局部）、最高的 k 个或固定模式（稀疏）；softmax 权重（软，可微）
# 或采样一个位置（硬，用强化学习训练）；用核函数代替 softmax 则与长度成线性。
#
# **对什么加权。** 序列的位置、像素或通道；门控（sigmoid，各权重互不竞争）与注意力相近，但只做选择，不做归一化。
# 位置要靠编码来区分；位置编码改变的是输入或得分，本身不是一种注意力。
#
# 这些方面可以组合：Transformer 解码器同时有缩放点积、多头、因果自注意力和交叉注意力。

# %% [markdown] tags=["rubric"]
# - Names at least two different ways of making a score (dot, scaled dot, general/bilinear, additive) and says what
#   each costs or needs.
# - Says why the dot product is scaled by √d: its variance grows with d and the softmax saturates.
# - Distinguishes self- from cross-attention by where queries and keys come from, as a separate matter from the score.
# - Explains multi-head as several attentions in parallel on smaller projections, compatible with any score.
# - Names a kind that limits or replaces the all-pairs softmax (local, sparse, linear, hard, gated) with its purpose,
#   or says that position encoding changes the input or the scores, and is not a kind of attention.

# %% [markdown] tags=["rubric"] lang="zh"
# - 说出至少两种打分方式（点积、缩放点积、general/双线性、加性），并说明各自的开销或要求。
# - 说明为什么点积要除以 √d：方差随 d 增长，softmax 会饱和。
# - 按查询和键的来源区分自注意力与交叉注意力，并指出这与打分方式是两回事。
# - 把多头解释为在较小投影上并行的多个注意力，与打分方式无关。
# - 说出一种不对所有位置对做 softmax 的注意力（局部、稀疏、线性、硬、门控）及其目的，
#   或者指出位置编码改变的是输入或得分，本身不是一种注意力。

# %% tags=["given"]
import torch

# %% tags=["solution"]
def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    """Scores (..., L, S) of q (..., L, d_q) and k (..., S, d_k), before any softmax.

    kind: "dot", "scaled_dot", "general" (W: (d_q, d_k)) or "additive" (W_q: (a, d_q), W_k: (a, d_k), w: (a,)).
    An unknown kind or a missing weight raises ValueError.
    """
    ### BEGIN SOLUTION
    if kind == "dot":
        return q @ k.transpose(-2, -1)
    if kind == "scaled_dot":
        return q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
    if kind == "general":
        if W is None:
            raise ValueError("general scores need W")
        return q @ W @ k.transpose(-2, -1)
    if kind == "additive":
        if W_q is None or W_k is None or w is None:
            raise ValueError("additive scores need W_q, W_k and w")
        hidden = (q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)
        return torch.tanh(hidden) @ w
    raise ValueError(f"unknown kind {kind!r}")
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("attention_variants")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("attention_variants")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint, self_review

check(attention_scores)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. How many numbers does each kind keep in memory on the way, for L = S = n? Which one cannot be a single matrix
#    product?
#    > The two dot kinds make the n² scores and nothing else. "General" makes n·d_k numbers more, the product qW.
#    > "Additive" makes a vector of size a for every pair, n²·a numbers: for n = 1,024 and a = 64 that is 67 million,
#    > 256 MiB in float32, against 4 MiB for the scores. It cannot be one matrix product, because the tanh stands
#    > between the sum and w: it has to be taken for every pair on its own.
# 2. A W of rank r: write "general" as a dot product of two projections. What does that say about q_proj and k_proj?
#    > Write W = U Vᵀ with U of shape (d_q, r) and V of shape (d_k, r). Then qᵀ W k = (Uᵀ q)·(Vᵀ k): a dot product of
#    > two vectors of size r. So q_proj and k_proj are the two factors of one bilinear form, and a head of size d is
#    > "general" with a W of rank at most d. Only the product counts: U A and V A⁻ᵀ give the same scores for any
#    > invertible A.
# 3. Britz et al. (2017) compared additive and dot-product scores, and Vaswani et al. (2017) cite them where they explain
#    their scale. Why should an unscaled dot product suffer from a large d, and an additive score not?
#    > For entries of variance 1 the dot product has standard deviation √d: about 8 for d = 64 and 32 for d = 1,024.
#    > Such scores saturate the softmax, and hardly any gradient is left. In the additive score each tanh lies between
#    > −1 and 1, so the score is never larger than the sum of the |w|, whatever d is. Vaswani et al. write that
#    > additive attention does better than unscaled dot products for larger d, and scale by 1/√d instead of giving up
#    > the fast matrix product.
# 4. Does adding the same number to all scores of one query change anything? And to all scores of one key?
#    > For one query: nothing, because the softmax of a row does not change when one number is added to all of it. For
#    > one key: yes. Adding c multiplies that key's weight by eᶜ before normalising, in the row of every query, so the
#    > key becomes more or less popular. With c = −∞ this is the padding mask. So a term of the score that depends on
#    > the query alone can be left out, and one that depends on the key alone cannot.
# 5. Is a sigmoid gate attention? What does one lose, and gain, when weights need not sum to 1?
#    > It is close to it: it weighs by content too, but every weight is decided on its own, without competition.
#    > One loses the average: a sum of n values grows with n, and must be kept in check; sigmoid attention starts with
#    > a bias of about −log n for that (Ramapuram et al., 2024). One gains that a query may take several things in
#    > full, or nothing at all; with a softmax it has to put its weight somewhere, often on the first token (attention
#    > sinks, Xiao et al., 2023).

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. L = S = n 时，每种得分在计算中途需要保存多少个数？哪一种不能写成单个矩阵乘法？
#    > 两种点积只产生 n² 个得分。general 多出 n·d_k 个数，即乘积 qW。
#    > additive 给每一对位置产生一个 a 维向量，共 n²·a 个数：
#    > n = 1,024、a = 64 时约 6,700 万个，float32 下占 256 MiB，而得分本身只有 4 MiB。
#    > 它不能写成一个矩阵乘法，因为求和与 w 之间隔着 tanh，必须对每一对分别计算。
# 2. 如果 W 的秩为 r：把 general 写成两个投影的点积。这说明 q_proj 与 k_proj 是什么关系？
#    > 写成 W = U Vᵀ，U 的形状为 (d_q, r)，V 的形状为 (d_k, r)。
#    > 于是 qᵀ W k = (Uᵀ q)·(Vᵀ k)，是两个 r 维向量的点积。
#    > 所以 q_proj 和 k_proj 是同一个双线性形式的两个因子；维度为 d 的头就是 W 的秩不超过 d 的 general。
#    > 起作用的只是乘积：对任何可逆的 A，U A 与 V A⁻ᵀ 给出同样的得分。
# 3. Britz 等（2017）比较了加性得分与点积得分，Vaswani 等（2017）在说明缩放时引用了他们。
#    为什么 d 较大时不缩放的点积会变差，而加性得分不会？
#    > 分量方差为 1 时，点积的标准差是 √d：d = 64 时约为 8，d = 1,024 时约为 32。
#    > 这么大的得分会使 softmax 饱和，几乎没有梯度。
#    > 加性得分中每个 tanh 都在 −1 与 1 之间，得分的绝对值不超过各 |w| 之和，与 d 无关。
#    > Vaswani 等写道，d 较大时加性注意力优于不缩放的点积；他们选择除以 √d，而不是放弃快速的矩阵乘法。
# 4. 给某个查询的所有得分加上同一个数会改变什么吗？给某个键的所有得分加上同一个数呢？
#    > 对一个查询：什么都不变，因为一整行加上同一个数，softmax 不变。
#    > 对一个键：会变。加上 c 相当于在每个查询的那一行里，把这个键归一化之前的权重乘以 eᶜ，使它更受或更不受关注。
#    > c = −∞ 就是填充掩码。
#    > 所以得分中只取决于查询的项可以去掉，只取决于键的项则不能。
# 5. sigmoid 门控是注意力吗？权重之和不必为 1，会失去什么，又得到什么？
#    > 它与注意力很接近：同样按内容加权，但每个权重独立决定，没有竞争。
#    > 失去的是“平均”：n 个值之和随 n 增长，必须加以控制；sigmoid 注意力为此用约 −log n 的初始偏置（Ramapuram 等，2024）。
#    > 得到的是：一个查询可以完整地取几样东西，也可以什么都不取；
#    > 用 softmax 时，权重总得有个去处，常常落在第一个词元上（attention sink，Xiao 等，2023）。

# %% [markdown] tags=["hint"]
# Three of the four are matrix products. For the additive one every pair (i, j) needs its own vector of size a: make a
# tensor (..., L, S, a) by broadcasting.

# %% [markdown] tags=["hint"] lang="zh"
# 四种中有三种是矩阵乘法。加性得分中每一对 (i, j) 都有自己的 a 维向量：用广播得到 (..., L, S, a) 的张量。

# %% [markdown] tags=["hint"]
# The weights are stored (out, in), so `q @ W_q.T` projects every query. `unsqueeze(-2)` gives queries an axis for the
# keys, `unsqueeze(-3)` gives keys an axis for the queries. W is (d_q, d_k): it stands between q and kᵀ as it is.

# %% [markdown] tags=["hint"] lang="zh"
# 参数按 (输出, 输入) 存放，所以 `q @ W_q.T` 投影每个查询。`unsqueeze(-2)` 给查询加上键的维度，
# `unsqueeze(-3)` 给键加上查询的维度。
# W 是 (d_q, d_k)：直接放在 q 与 kᵀ 之间，不转置。

# %% [markdown] tags=["hint"]
# general: `q @ W @ k.transpose(-2, -1)`. additive:
# `torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) @ w`. Raise ValueError for a needed weight that is
# None, and at the end for a kind that no branch took.

# %% [markdown] tags=["hint"] lang="zh"
# general：`q @ W @ k.transpose(-2, -1)`。additive：
# `torch.tanh((q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)) @ w`。所需参数为 None 时抛出 ValueError；
# 没有任何分支匹配 kind 时，在末尾抛出 ValueError。

# %% [markdown] tags=["discussion"]
# **Cost.** Dot kinds: L·S·d multiply-adds and L·S numbers. General: one more product, L·d_q·d_k. Additive: L·S·a
# tanh's and as many numbers to keep. That is why it is slow for long sequences: the nonlinearity has to be computed
# for every pair, and no matrix product can do that.
#
# **How they relate.** W = W_qᵀW_k makes "general" the dot product of two projections; multi-head attention is this
# with a W of rank at most E/H for every head. As scores, Luong's "dot" and Vaswani's differ in nothing but the scale.
#
# **In real models** scaled dot-product has won because it consists of two matrix products, which can be computed block
# by block (FlashAttention, Dao et al., 2022). Additive scores remain in pointer networks (Vinyals et al., 2015) and in
# graph attention, which scores only the edges of a graph: GATv2 (Brody et al., 2022) has a LeakyReLU for the tanh; in
# GAT (Veličković et al., 2018) nothing stands between the sum and w, and the LeakyReLU comes after w.
#
# **Today.** Large models use the scaled dot product and vary the rest. To keep scores in bounds: *QK-norm* (Henry et
# al., 2020; Gemma 3 and Qwen3, 2025) or *logit soft-capping*, c·tanh(s/c), which Gemma 2 (2024) has with c = 50 for
# the scores. Fewer keys: sliding windows (Mistral 7B, 2023), or keys chosen by content, as in NSA (Yuan et al., 2025)
# and DeepSeek sparse attention (DeepSeek-V3.2, 2025). Linear attention with gates or the delta rule (GLA, Yang et al.,
# 2023; DeltaNet, Schlag et al., 2021; Gated DeltaNet, Yang et al., 2024), mostly in hybrids that keep some softmax
# layers. Hard attention with sampling (Xu et al., 2015) is rare.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 点积类：L·S·d 次乘加，L·S 个数。general：多一次乘积，L·d_q·d_k。
# 加性：L·S·a 次 tanh，要保存的数也同样多。所以序列长时它很慢：每一对都要单独计算非线性，矩阵乘法做不到。
#
# **它们的关系。** 取 W = W_qᵀW_k，general 就是两个投影的点积；多头注意力就是每个头有一个秩不超过 E/H 的 W。
# Luong 的 dot 与 Vaswani 的得分只差一个缩放。
#
# **实际的模型。** 缩放点积胜出，是因为它由两次矩阵乘法构成，可以分块计算（FlashAttention，Dao 等，2022）。
# 加性得分仍用于指针网络（Vinyals 等，2015）；
# 图注意力网络也用它，并且只给图中的边计算得分：GATv2（Brody 等，2022）把 tanh 换成 LeakyReLU；
# GAT（Veličković 等，2018）则先求和、乘以 w，最后才取 LeakyReLU。
#
# **如今。** 大模型都用缩放点积，变化的是其他方面。
# 控制得分大小：*QK-norm*（Henry 等，2020；Gemma 3 与 Qwen3，2025），
# 或 *logit soft-capping*，即 c·tanh(s/c)，Gemma 2（2024）对得分取 c = 50。
# 减少键：滑动窗口（Mistral 7B，2023），或按内容选择键，
# 如 NSA（Yuan 等，2025）和 DeepSeek 稀疏注意力（DSA，DeepSeek-V3.2，2025）。
# 带门控或 delta 规则的线性注意力（GLA，Yang 等，2023；DeltaNet，Schlag 等，2021；Gated DeltaNet，Yang 等，2024），
# 大多用在保留部分 softmax 层的混合模型中。靠采样的硬注意力（Xu 等，2015）已很少见。
