# %% [markdown]
# > *"What is the difference between self-attention and multi-head attention? And what do eight heads cost, compared
# > with one?"*
#
# It is tempting to answer that multi-head attention is self-attention done several times. But the two names answer
# different questions: one says where queries, keys and values come from, the other how often attention is done in
# parallel. Cross-attention can have heads, and self-attention can do without.
#
# **First, in words**, in the cell below (8 to 12 lines): what does each of the two names say, how do they combine,
# what do heads buy, and what do they cost in parameters and computation? Then two functions that check your answer.
# When it is written, `self_review("self_vs_multi_head")` shows a model answer, and what yours should hold.
#
# **Write** `parameter_count(embed_dim, num_heads, bias=True) -> int`, the number of parameters of the module of
# `multi_head_attention`: `q_proj`, `k_proj`, `v_proj` and `out_proj`, each an `nn.Linear` from embed_dim to embed_dim,
# `bias` for all four or for none. A Python int.
#
# **Write** `head_weights(q, k, num_heads) -> (B, H, L, S)`: the weights of every head (after the softmax), from
# queries and keys that are projected already.
#
# | | shape | |
# |---|---|---|
# | `q` | `(B, L, E)` | projected queries |
# | `k` | `(B, S, E)` | projected keys; S may differ from L |
# | result | `(B, H, L, S)` | head h sees the features h·E/H … (h+1)·E/H − 1 of q and k; each row sums to 1 |
#
# - Scores are scaled by the size of one head, $1/\sqrt{E/H}$. There is no mask.
# - H divides E in every call; you need not check.
# - The weights keep the inputs' dtype and device, inputs are not changed, gradients flow to q and k. Scores may be as
#   large as ±10,000.
# - PyTorch's ready-made attention may not be used; counting the parameters of an `nn.Linear` that you build is fine.
#
# **By hand.** E = 4 with biases: four times 4·4 + 4 = 20, so 80 parameters, for 1, 2 or 4 heads alike. A query [2, 0,
# 0, 2] and keys [1, 0, 0, 0] and [0, 0, 0, 1] in two heads of size 2: head 0 scores 2 and 0, divided by √2 they are
# 1.41 and 0, and the weights are 0.804 and 0.196. Head 1 prefers the other key: 0.196 and 0.804. One head of size 4
# scores 2 and 2: half and half.

# %% [markdown] lang="zh"
# > *“自注意力和多头注意力有什么区别？八个头与一个头相比，开销是多少？”*
#
# 人们很容易回答：多头注意力就是把自注意力做几遍。但这两个名字回答的是不同的问题：一个说查询、键、值从哪里来，
# 另一个说并行做几次注意力。交叉注意力也可以有多个头，自注意力也可以只有一个头。
#
# **先用文字回答**（写在下面的单元里，8 到 12 行）：这两个名字各说的是什么？如何组合？多头带来什么？
# 参数量和计算量各是多少？
# 然后用两个函数检验你的回答。
# 写完之后，`self_review("self_vs_multi_head")` 会给出参考答案和应当包含的要点。
#
# **请实现** `parameter_count(embed_dim, num_heads, bias=True) -> int`，即 `multi_head_attention` 一题中模块的参数量：
# `q_proj`、`k_proj`、`v_proj` 和 `out_proj`，每个都是 embed_dim 到 embed_dim 的 `nn.Linear`；
# `bias` 决定四个都有或都没有偏置。返回 Python 整数。
#
# **请实现** `head_weights(q, k, num_heads) -> (B, H, L, S)`：由已经投影好的查询和键得到每个头的权重（softmax 之后）。
#
# | | 形状 | |
# |---|---|---|
# | `q` | `(B, L, E)` | 投影后的查询 |
# | `k` | `(B, S, E)` | 投影后的键；S 可以与 L 不同 |
# | 结果 | `(B, H, L, S)` | 第 h 个头看 q 和 k 的第 h·E/H … (h+1)·E/H − 1 个特征；每行之和为 1 |
#
# - 得分按单个头的维度缩放，$1/\sqrt{E/H}$。没有掩码。
# - 每次调用中 H 都整除 E，不需要检查。
# - 权重保持输入的 dtype 和设备，不得修改输入，梯度流向 q 和 k。得分可能大到 ±10,000。
# - 不能调用 PyTorch 现成的注意力；自己建一个 `nn.Linear` 来数参数是可以的。
#
# **手算一例。** E = 4、带偏置：4 × (4·4 + 4) = 80 个参数，1、2、4 个头都一样。查询 [2, 0, 0, 2]，
# 键 [1, 0, 0, 0] 和 [0, 0, 0, 1]，
# 分成两个大小为 2 的头：头 0 的得分为 2 和 0，除以 √2 得 1.41 和 0，权重为 0.804 和 0.196。头 1 偏向另一个键：
# 0.196 和 0.804。
# 如果只用一个大小为 4 的头，得分为 2 和 2：各占一半。

# %% [markdown] tags=["answer"]
# **Two questions.** "Self" says where things come from: queries, keys and values are projections of one and the same
# sequence. "Multi-head" says how often: attention is done H times in parallel, and the results are concatenated and
# mixed by an output projection. The opposite of self is cross, the opposite of multi-head is single-head; all four
# combinations exist.
#
# **What a head is.** Queries, keys *and* values are projected to H pieces of size E/H. Every head has its own scores,
# scaled by 1/√(E/H), and its own softmax over the positions. Heads do not see each other before the output
# projection.
#
# **What heads buy.** One softmax gives one average per query: a position that needs a near word and a far one gets a
# mixture of both. H heads can look at H places, each with its own measure of similarity.
#
# **What they cost.** No further parameters: four E×E projections (and 4E biases), whatever H is, because the heads share E
# between them. The two matrix products cost 2·L·S·E multiply-adds for any H. The weights cost more: H·L·S numbers
# instead of L·S.
#
# **What they lose.** A head compares in E/H dimensions: the scores of one head have rank at most E/H. With too many
# heads, each is too small.

# %% [markdown] tags=["answer"] lang="zh"
# **两个问题。** “自”（self）说的是来源：查询、键、值是同一个序列的投影。“多头”说的是次数：并行做 H 次注意力，结果拼接起来，
# 再由输出投影混合。
# “自”的反面是“交叉”，“多头”的反面是“单头”；四种组合都存在。
#
# **什么是一个头。** 查询、键*和*值都被投影成 H 段，每段大小 E/H。每个头有自己的得分（按 1/√(E/H) 缩放），
# 也有自己沿位置的 softmax。
# 在输出投影之前，各个头互不影响。
#
# **多头带来什么。** 一个 softmax 对每个查询只给出一个平均：既需要近处的词又需要远处的词时，只能得到两者的混合。
# H 个头可以按各自的相似性标准，关注 H 个不同的地方。
#
# **开销。** 参数不变：四个 E×E 的投影（加 4E 个偏置），与 H 无关，因为各头平分这 E 个特征。
# 两次矩阵乘法对任何 H 都是 2·L·S·E 次乘加。
# 权重更多：H·L·S 个数而不是 L·S 个。
#
# **失去什么。** 每个头只在 E/H 维里比较：单个头的得分矩阵的秩不超过 E/H。头太多，每个头就太小。

# %% [markdown] tags=["rubric"]
# - Says that "self" is about the source of queries, keys and values, and "multi-head" about the number of attentions
#   in parallel.
# - Says that they combine freely (multi-head self-, multi-head cross-, single-head attention), not that one is a case
#   of the other.
# - Describes a head: queries, keys and values projected to size E/H, own softmax, outputs concatenated and projected.
# - Gives the benefit: several places or kinds of relation per query, where one softmax gives one average.
# - Gives the cost: parameters and multiply-adds do not grow with H; the weights do (H·L·S), and heads get smaller.

# %% [markdown] tags=["rubric"] lang="zh"
# - 指出“自”说的是查询、键、值的来源，“多头”说的是并行的注意力的个数。
# - 指出二者可以自由组合（多头自注意力、多头交叉注意力、单头注意力），而不是一个是另一个的特例。
# - 描述一个头：查询、键、值投影到 E/H 维，各自做 softmax，输出拼接后再投影。
# - 说明好处：每个查询可以关注多个位置或多种关系，而一个 softmax 只给出一个平均。
# - 说明开销：参数和乘加次数不随 H 增长；权重会（H·L·S 个数），而且每个头变小。

# %% tags=["given"]
import torch
from torch import nn

# %% tags=["solution"]
def parameter_count(embed_dim, num_heads, bias=True):
    """The number of parameters of multi-head attention with q_proj, k_proj, v_proj and out_proj, as an int."""
    ### BEGIN SOLUTION
    return 4 * embed_dim * (embed_dim + int(bias))
    ### END SOLUTION


# %% tags=["solution"]
def head_weights(q, k, num_heads):
    """The attention weights (B, H, L, S) of projected queries (B, L, E) and keys (B, S, E)."""
    ### BEGIN SOLUTION
    queries = q.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    keys = k.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    scores = queries @ keys.transpose(-2, -1) * queries.shape[-1] ** -0.5
    return torch.softmax(scores, dim=-1)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("self_vs_multi_head")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("self_vs_multi_head")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint, self_review

check(parameter_count, head_weights)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. With H heads, by which factor does the memory of the weights grow? And that of queries, keys and values?
#    > The weights grow by the factor H, from L·S to H·L·S numbers, because every head has a table of its own. Queries,
#    > keys and values do not grow: H heads of E/H features are E again. With L = S = 2,048 and 16 bits one table is
#    > 2,048² × 2 bytes = 8 MiB, and 8 heads are 64 MiB, for each sequence and layer. A fused kernel such as
#    > FlashAttention does not store the weights, and then nothing grows.
# 2. Is a head of a trained model always needed? How would you find out which ones can be removed?
#    > No. Set the output of one head to zero, measure the loss on validation data, and put it back: the heads whose
#    > removal costs least go first. Faster is one backward pass with a factor of 1 on each head: the size of the
#    > factor's gradient estimates what the head is worth (Michel et al., 2019). Or train such factors with a penalty
#    > that drives them to zero: Voita et al. (2019) removed 38 of 48 encoder heads and lost 0.15 BLEU. Check after
#    > each step, since heads can stand in for each other.
# 3. Could the heads be averaged instead of concatenated and projected? What would be lost?
#    > They could: graph attention does so in its last layer (Veličković et al., 2018). But concatenating and
#    > projecting is the sum of head_h · W_h with a matrix of its own for each head, and averaging is the case in which
#    > all W_h are the same. What is lost is who said what: the next layer could not tell "found by head 1" from "found
#    > by head 2". And the result has E/H features, or each head needs values of width E.
# 4. Multi-query attention shares keys and values between the heads. Give its parameter count.
#    > q_proj and out_proj stay E×E; k_proj and v_proj become E×(E/H). With biases that is 2·(E² + E) + 2·(E²/H + E/H)
#    > = 2·(E² + E)·(1 + 1/H). For E = 512 and H = 8: 590,976 instead of 1,050,624. The parameters are not the point,
#    > though: the cache shrinks by the factor H (Shazeer, 2019).
# 5. Why do large models grow the number of heads and keep the head size (64 or 128)?
#    > Because a head needs enough dimensions to compare well, but not more and more. The scores of a head have rank at
#    > most d, so very small heads are a bottleneck (Bhojanapalli et al., 2020); above that, practice is to add heads
#    > instead. Fused kernels also have a limit: FlashAttention-2 takes heads of up to 256. GPT-3 175B has 96 heads of
#    > 128 (Brown et al., 2020), Llama 2 70B has 64 heads of 128.
# 6. How do you choose the number of heads?
#    > Choose the head size, and the number follows: 64 or 128, so H = E/64 or E/128, and H has to divide E. At the
#    > same cost Vaswani et al. (2017, table 3) got 24.9 BLEU with 1 head, 25.5 with 4, 25.8 with 8 and with 16, 25.4
#    > with 32: one head is too few, 32 heads of 16 features are too small, and in between it hardly matters. So try
#    > two or three values and compare on validation data. The number of key-value heads is a second choice, made for
#    > the size of the cache.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 有 H 个头时，权重占用的显存增长多少倍？查询、键、值呢？
#    > 权重增长到 H 倍，从 L·S 个数变成 H·L·S 个，因为每个头都有自己的一张表。
#    > 查询、键、值不变：H 个头各 E/H 个特征，合起来还是 E。
#    > L = S = 2,048、16 位精度时，一张表是 2,048² × 2 字节 = 8 MiB，8 个头就是 64 MiB（每个序列、每层）。
#    > FlashAttention 这样的融合算子不保存权重，也就没有增长。
# 2. 训练好的模型里每个头都必要吗？怎样找出可以剪掉的头？
#    > 不是。把某个头的输出置零，在验证集上测损失，再放回去：去掉后损失增加最少的头先剪。
#    > 更快的办法是给每个头乘上系数 1，做一次反向传播，用系数的梯度大小估计这个头的重要性（Michel 等，2019）。
#    > 也可以加惩罚项训练这些系数，让它们趋于零：Voita 等（2019）剪掉了编码器 48 个头中的 38 个，只损失 0.15 BLEU。
#    > 每剪一步都要重新检查，因为头与头之间可以互相替代。
# 3. 能否把各头求平均，而不是拼接再投影？会失去什么？
#    > 可以：图注意力网络的最后一层就是这样做的（Veličković 等，2018）。
#    > 但“拼接再投影”等于 head_h · W_h 之和，每个头有自己的矩阵；求平均只是所有 W_h 都相同的特例。
#    > 失去的是来源：后面的层分不清内容是第 1 个头找到的，还是第 2 个头找到的。
#    > 而且结果只有 E/H 个特征，否则每个头的值都要有 E 维。
# 4. MQA 让所有头共用键和值。它的参数量是多少？
#    > q_proj 和 out_proj 仍是 E×E，k_proj 和 v_proj 变成 E×(E/H)。
#    > 带偏置时是 2·(E² + E) + 2·(E²/H + E/H) = 2·(E² + E)·(1 + 1/H)。
#    > E = 512、H = 8 时为 590,976 个，而多头注意力是 1,050,624 个。
#    > 不过重点不在参数，而在缓存：它缩小到 1/H（Shazeer，2019）。
# 5. 为什么大模型增加的是头的个数，而头的大小保持 64 或 128？
#    > 因为一个头要有足够的维度才能比较得好，但维度不必越来越大。
#    > 一个头的得分矩阵的秩不超过 d，太小的头会成为瓶颈（Bhojanapalli 等，2020）；
#    > 够大之后，通常的做法是增加头数。融合算子也有上限：FlashAttention-2 支持的头最大为 256 维。
#    > GPT-3 175B 有 96 个 128 维的头（Brown 等，2020），Llama 2 70B 有 64 个 128 维的头。
# 6. 头的个数怎么选？
#    > 先选头的维度，头数随之而定：取 64 或 128，则 H = E/64 或 E/128，并且 H 必须整除 E。
#    > Vaswani 等（2017，表 3）在计算量相同的条件下，1 个头得 24.9 BLEU，4 个头 25.5，8 个和 16 个头都是 25.8，32 个头 25.4：
#    > 1 个头太少，32 个 16 维的头又太小，两者之间差别不大。
#    > 所以试两三个值，用验证集比较。键值头的个数是另一个选择，取决于缓存的大小。

# %% [markdown] tags=["hint"]
# What shape has the weight of each of the four layers? Does it change when the E output features are called "8 heads
# of E/8"?

# %% [markdown] tags=["hint"] lang="zh"
# 四个层的权重各是什么形状？把 E 个输出特征称作“8 个 E/8 维的头”，形状会变吗？

# %% [markdown] tags=["hint"]
# Split the last axis: (B, L, E) → (B, L, H, E/H). Heads then stand after the positions; they must stand before them,
# since the matrix product works on the last two axes. A direct view to (B, H, L, E/H) would cut positions apart.

# %% [markdown] tags=["hint"] lang="zh"
# 拆分最后一个维度：(B, L, E) → (B, L, H, E/H)。这时头排在位置之后，而矩阵乘法作用在最后两个维度上，
# 所以头必须移到位置之前。
# 直接 view 成 (B, H, L, E/H) 会把位置切碎。

# %% [markdown] tags=["hint"]
# Count: `4 * (E * E + E)` with biases, `4 * E * E` without. Weights: `q.view(B, L, H, E // H).transpose(1, 2)`, the
# same for k, then `softmax(q @ k.transpose(-2, -1) / (E // H) ** 0.5, dim=-1)`.

# %% [markdown] tags=["hint"] lang="zh"
# 参数：有偏置时 `4 * (E * E + E)`，没有时 `4 * E * E`。权重：`q.view(B, L, H, E // H).transpose(1, 2)`，k 同样处理，
# 然后 `softmax(q @ k.transpose(-2, -1) / (E // H) ** 0.5, dim=-1)`。

# %% [markdown] tags=["discussion"]
# **Where the confusion comes from.** Self-attention is often introduced without heads and multi-head attention right
# after it, as if one extended the other; some texts even say that each position has one query and several keys. In
# Vaswani et al. (2017, section 3.2.2) queries, keys and values are all projected once per head, and the
# encoder–decoder attention has heads too.
#
# **Heads and parameters.** The E×E matrix for all heads is the same as H matrices of E×(E/H) side by side. Keeping the
# head size d fixed while adding heads is another design: the projections are then E×(H·d), and the number of
# parameters is proportional to H.
#
# **In real models** many heads can be pruned after training (Michel et al., 2019; Voita et al., 2019): that they were
# trained does not mean that all of them are used.
#
# **Today.** "Multi-head" has become two numbers: query heads and key-value heads. Llama 3 8B has 32 and 8
# (grouped-query attention, Ainslie et al., 2023), which makes its cache a quarter: 128 KiB instead of 512 KiB per
# token in 16 bits. DeepSeek-V2 (2024) keeps many heads and caches one short latent vector for all of them, with one
# small rotary key (multi-head latent attention). Single-head attention of full width is still found in some small
# parts, for example in the published code of the autoencoder of latent diffusion (Rombach et al., 2022).

# %% [markdown] tags=["discussion"] lang="zh"
# **混淆从何而来。** 教材往往先讲不分头的自注意力，紧接着讲多头注意力，好像后者是前者的扩展；
# 有的文章甚至说每个位置有一个查询和多个键。
# 在 Vaswani 等（2017，第 3.2.2 节）中，查询、键、值每个头都各投影一次，编码器–解码器注意力同样有多个头。
#
# **头与参数。** 所有头合在一起的 E×E 矩阵，就是 H 个 E×(E/H) 的矩阵并排。
# 固定头的维度 d 而增加头的个数则是另一种设计：投影是 E×(H·d)，参数量与 H 成正比。
#
# **实际的模型。** 训练之后许多头可以剪掉（Michel 等，2019；Voita 等，2019）：训练过不等于都用得上。
#
# **如今。** “多头”已经变成两个数：查询头数和键值头数。
# Llama 3 8B 分别是 32 和 8（分组查询注意力 GQA，Ainslie 等，2023），缓存因此只有四分之一：
# 16 位精度下每个词元 128 KiB 而不是 512 KiB。
# DeepSeek-V2（2024）保留许多头，但所有头共用一个缓存的短向量，外加一个维度较小、带旋转位置编码的键（多头潜在注意力，MLA）。
# 全宽的单头注意力仍用在一些小部件里，例如潜在扩散模型公开代码中的自编码器（Rombach 等，2022）。
