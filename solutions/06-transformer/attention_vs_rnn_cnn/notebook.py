# %% [markdown]
# > *"Attention, RNN, CNN: what is the difference? And please do not say 'global, temporal and local' and stop there."*
#
# All three turn a sequence of vectors into a sequence of vectors. They differ in four things that can be counted or
# tested: how far a signal has to travel, what has to wait for what, what it costs (for these three see Vaswani et al.,
# 2017, table 1), and whether order matters.
#
# **Part 1, code.** Three functions; `kind` is `"attention"`, `"rnn"` or `"cnn"`.
#
# | function | returns |
# |---|---|
# | `path_length(kind, n, kernel=3)` | int: the number of layers (for an RNN: steps) that information needs from the first of n positions to the last; 0 for n = 1 |
# | `sequential_steps(kind, n)` | int: operations of *one* layer over n positions that must wait for each other |
# | `is_permutation_equivariant(fn, x)` | bool: whether reordering the sequence merely reorders the result, tried out on `x` |
#
# - n is at least 1; kernels are odd, at least 3, and centred: one CNN layer (stride 1, no dilation) moves information
#   by (kernel − 1)/2 positions. `kernel` matters to the CNN only.
# - One attention layer lets every position see every other. An RNN passes its state from each position to the next;
#   over n positions it makes n steps, one after the other. Positions of attention and CNN layers do not wait for each
#   other.
# - An unknown `kind` raises `ValueError`, in both functions.
# - `fn` takes and returns `(B, L, E)`; L is the sequence. It is equivariant when fn(Px) = P fn(x) for reorderings P of
#   the sequence (the same for the whole batch). Compare with a tolerance: sums in another order round differently.
#   Try an order without symmetry: a reversal or a rotation alone can be fooled. x has at least 5 positions, all
#   different, and is not changed.
#
# **By hand.** n = 9, kernel 5: attention 1, RNN 8, CNN ⌈8/2⌉ = 4. n = 10: 1, 9, ⌈9/2⌉ = 5. One layer over 9 positions:
# 1, 9 and 1 steps that wait for each other.
#
# **Part 2, in words.** Compare the three: reach, parallelism, cost in n and in the width d, inductive bias (order,
# locality, translation), memory when generating. How do attention and CNNs go together? When would you not take
# attention? When it is written, `self_review("attention_vs_rnn_cnn")` shows a model answer, and what yours should hold.

# %% [markdown] lang="zh"
# > *“注意力、RNN、CNN 有什么区别？别只说‘全局、时序、局部’就完了。”*
#
# 三者都把一串向量变成一串向量。它们的区别在于四个可以计算或验证的方面：信号要走多远，谁必须等谁，开销多大
# （这三项见 Vaswani 等，2017，表 1），以及顺序是否重要。
#
# **第一部分：代码。** 三个函数；`kind` 为 `"attention"`、`"rnn"` 或 `"cnn"`。
#
# | 函数 | 返回 |
# |---|---|
# | `path_length(kind, n, kernel=3)` | int：信息从 n 个位置中的第一个到达最后一个所需的层数（RNN 为步数）；n = 1 时为 0 |
# | `sequential_steps(kind, n)` | int：*一层*处理 n 个位置时，必须依次等待的操作数 |
# | `is_permutation_equivariant(fn, x)` | bool：打乱序列是否只会同样地打乱结果，在 `x` 上试验 |
#
# - n 至少为 1；卷积核为奇数、至少为 3、居中：一层 CNN（步幅 1，无空洞）把信息移动 (kernel − 1)/2 个位置。`kernel` 只对
#   CNN 有意义。
# - 一层注意力让每个位置看到所有其他位置。RNN 把状态从一个位置传给下一个，n 个位置要依次走 n 步。
#   注意力层和 CNN 层的各个位置互不等待。
# - 未知的 `kind` 在这两个函数里都抛出 `ValueError`。
# - `fn` 的输入和输出都是 `(B, L, E)`，L 是序列维度。若对序列的重排 P（整批相同）有 fn(Px) = P fn(x)，它就是置换等变的。
#   比较时要留容差：求和次序不同，舍入也不同。要用没有对称性的次序：只试反转或循环移位，可能会误判。
#   x 至少有 5 个互不相同的位置，且不得修改。
#
# **手算一例。** n = 9，卷积核 5：注意力 1，RNN 8，CNN ⌈8/2⌉ = 4。n = 10：1、9、⌈9/2⌉ = 5。
# 一层处理 9 个位置：依次等待的步数为 1、9、1。
#
# **第二部分：文字。** 比较三者：作用范围，并行性，开销随 n 和宽度 d 的变化，归纳偏置（次序、局部性、平移），
# 生成时的显存。注意力与 CNN 如何结合？什么时候不用注意力？
# 写完之后，`self_review("attention_vs_rnn_cnn")` 会给出参考答案和应当包含的要点。

# %% tags=["demo"]
# What one layer lets position i (row) see of position j (column), n = 7: a CNN with kernel 3, and attention.
import torch
from grader import heatmap

steps = torch.arange(7)
heatmap((steps - steps[:, None]).abs() <= 1, title="CNN, kernel 3: one layer (attention would fill the square)")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def path_length(kind, n, kernel=3):
    """Layers (or steps) for information to go from the first of n positions to the last."""
    ### BEGIN SOLUTION
    if kind == "attention":
        return min(n - 1, 1)
    if kind == "rnn":
        return n - 1
    if kind == "cnn":
        reach = (kernel - 1) // 2
        return -(-(n - 1) // reach)
    raise ValueError(f"unknown kind {kind!r}")
    ### END SOLUTION


# %% tags=["solution"]
def sequential_steps(kind, n):
    """Operations of one layer over n positions that must wait for each other."""
    ### BEGIN SOLUTION
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(f"unknown kind {kind!r}")
    return n if kind == "rnn" else 1
    ### END SOLUTION


# %% tags=["solution"]
def is_permutation_equivariant(fn, x):
    """Whether fn: (B, L, E) -> (B, L, E) commutes with reorderings of the sequence, tried out on x."""
    ### BEGIN SOLUTION
    orders = [torch.randperm(x.shape[1], device=x.device) for _ in range(5)]
    result = fn(x)
    return all(torch.allclose(fn(x[:, order]), result[:, order], rtol=1e-4, atol=1e-5) for order in orders)
    ### END SOLUTION


# %% tags=["check"]
from grader import check, hint, self_review

check(path_length, sequential_steps, is_permutation_equivariant)

# %% [markdown] tags=["answer"]
# **Reach.** Attention connects any two positions in one layer, an RNN in as many steps as they are apart, a CNN with
# kernel k in about 2n/(k−1) layers (about log n when dilation doubles from layer to layer). Over a long path a signal
# and its gradient are multiplied many times: this is why plain RNNs forget (vanishing gradients); LSTM and GRU gates
# soften it.
#
# **Parallelism.** In training, attention and CNN compute all positions at once; an RNN needs n steps one after the
# other. When *generating*, all three go token by token.
#
# **Cost** of a layer of width d: attention O(n²·d) (plus O(n·d²) for its projections), RNN O(n·d²), CNN O(k·n·d²).
# Attention is thus not cheap for long sequences; by this count, which leaves out the projections, it is cheaper than an
# RNN only while n < d. When generating, an RNN carries a state of fixed size, attention a cache of keys and values that
# grows with n.
#
# **Inductive bias** (what is built in). RNN: order, and that what is recent counts more. CNN: locality, and the same
# filter everywhere (translation equivariance). Attention: nothing about order, it is permutation-equivariant until
# position information is added; its weights are computed from the input, where a CNN's are fixed after training. Less
# built in means more data needed.
#
# **Together.** CNNs are not for images only, nor attention for text only. Convolution first, attention on the feature
# map (DETR, many speech models such as Conformer); local attention is a convolution whose weights depend on the input;
# self-attention with relative positions can express a convolution (Cordonnier et al., 2020). Bahdanau et al. (2015)
# put attention on top of an RNN.
#
# **When not.** Very long streams under tight memory (state-space models and RNNs), small image datasets (CNN), purely
# local signals.

# %% [markdown] tags=["answer"] lang="zh"
# **作用范围。** 注意力一层就能连接任意两个位置；RNN 需要的步数等于它们的距离；卷积核为 k 的 CNN 约需 2n/(k−1)
# 层（空洞逐层加倍时约 log n 层）。路径长，信号和梯度要被连乘许多次：这就是普通 RNN 会遗忘（梯度消失）的原因，LSTM 和
# GRU 的门可以缓解。
#
# **并行性。** 训练时注意力和 CNN 同时计算所有位置，RNN 要依次走 n 步。*生成*时三者都是逐词元进行。
#
# **开销。** 宽度为 d 的一层：注意力 O(n²·d)（投影另需 O(n·d²)），RNN O(n·d²)，CNN O(k·n·d²)。
# 所以对长序列来说注意力并不便宜：照此计算（不计投影），只有 n < d 时才比 RNN 省。生成时 RNN 只带一个固定大小的状态，注意力则带着随 n
# 增长的键值缓存（KV cache）。
#
# **归纳偏置。** RNN：次序，以及最近的更重要。CNN：局部性，以及处处相同的滤波器（平移等变）。注意力：不含次序，
# 在加入位置信息之前是置换等变的；它的权重由输入算出，而 CNN 的权重训练后就固定了。归纳偏置越弱，需要的数据越多。
#
# **结合。** CNN 不只用于图像，注意力也不只用于文本。先卷积、再在特征图上做注意力，例如 DETR，以及 Conformer 等许多语音模型；
# 局部注意力相当于权重取决于输入的卷积；带相对位置的自注意力可以表达卷积（Cordonnier 等，2020）。Bahdanau 等（2015）
# 则把注意力加在 RNN 之上。
#
# **何时不用。** 显存紧张的超长流式数据（状态空间模型和 RNN）、小规模图像数据集（CNN）、纯局部的信号。

# %% [markdown] tags=["rubric"]
# - Reach: one layer for attention, n−1 steps for an RNN, about 2n/(k−1) layers for a CNN, and what a long path does to
#   gradients.
# - Parallelism: an RNN is sequential in training, the other two are not; all generate token by token.
# - Cost: quadratic in n for attention, linear for the other two, with the role of d or of the key-value cache; does
#   not call attention simply "efficient".
# - Order: attention ignores it unless positions are added; an RNN has it by construction, a CNN through relative
#   offsets.
# - Inductive bias (locality, translation, recency) against weights computed from the input, and what this means for
#   the amount of data.
# - How attention goes together with CNNs or RNNs, with an example, or a case where attention is not the choice.

# %% [markdown] tags=["rubric"] lang="zh"
# - 作用范围：注意力一层，RNN n−1 步，CNN 约 2n/(k−1) 层；以及长路径对梯度的影响。
# - 并行性：训练时 RNN 是串行的，另外两者不是；生成时都是逐词元。
# - 开销：注意力是 n 的平方，另外两者为线性，并说明 d 或键值缓存的作用；没有笼统地说注意力“计算效率高”。
# - 次序：不加位置信息的注意力不知道次序；RNN 天生有次序，CNN 通过相对偏移得到。
# - 归纳偏置（局部性、平移、近期优先）与由输入算出的权重之对比，以及这对数据量意味着什么。
# - 注意力与 CNN 或 RNN 如何结合并举例，或举出不该用注意力的情形。

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Dilations 1, 2, 4, …: how many CNN layers does a sequence of n positions need now?
#    > With kernel 3 and the dilations 1, 2, 4, …, m layers move information by 1 + 2 + … + 2^(m−1) = 2^m − 1 positions.
#    > That has to be at least n − 1, so m = ⌈log₂ n⌉. For n = 1,000 it is 10 layers in place of 999. WaveNet (van den
#    > Oord et al., 2016) doubles its dilations like this.
# 2. For which n is a self-attention layer cheaper than an RNN layer of the same width d?
#    > By the usual table n < d: it sets n²·d against n·d² and leaves out constants and attention's projections (Vaswani
#    > et al., 2017, table 1). Counted in full, per position: attention takes 4d² multiply-adds for its projections and
#    > 2nd for its two products, a plain RNN 2d², a GRU 6d², an LSTM 8d². So against an LSTM it is n < 2d, against a GRU
#    > n < d, and against a plain RNN attention never needs fewer operations. In training it is usually faster all the
#    > same, because nothing waits.
# 3. A causal mask and no position encoding: is the layer still permutation-equivariant?
#    > No. Position i sees the set of the first i tokens, and that set changes when tokens move: the first token sees
#    > only itself, and in second place it sees another one as well. `is_permutation_equivariant` says False for causal
#    > attention and True for the same attention without the mask. So a causal decoder can learn something about
#    > positions without any encoding (Haviv et al., 2022).
# 4. A bidirectional RNN: what are its path length and its sequential steps?
#    > The path length stays n − 1: from the first position to the last, information has to go through the whole forward
#    > RNN. The steps that wait for each other are n, not 2n, because the two directions do not wait for each other. The
#    > operations double. What is gained is that every position knows both sides, not a shorter path.
# 5. What does a state-space model such as Mamba take from each of the three?
#    > From the RNN: a state of fixed size, so that a step of generation costs the same at every position. From the CNN:
#    > training in parallel, since a state-space model with fixed coefficients (S4, Gu et al., 2022) is one long
#    > convolution; Mamba also has a short convolution in each block. From attention: what is written and kept depends
#    > on the content, since the coefficients are computed from the input (Gu & Dao, 2023), for which a parallel scan
#    > replaces the convolution. What it does not have is direct access to every earlier token.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 空洞率为 1、2、4……时，n 个位置的序列需要多少层 CNN？
#    > 卷积核为 3、空洞率为 1、2、4……时，m 层能把信息移动 1 + 2 + … + 2^(m−1) = 2^m − 1 个位置。
#    > 它至少要达到 n − 1，所以 m = ⌈log₂ n⌉。n = 1,000 时只需 10 层，而不是 999 层。
#    > WaveNet（van den Oord 等，2016）的空洞率就是这样逐层加倍的。
# 2. 对哪些 n，自注意力层比同样宽度 d 的 RNN 层便宜？
#    > 按常见的那张表是 n < d：它拿 n²·d 与 n·d² 相比，不计常数，也不计注意力的投影（Vaswani 等，2017，表 1）。
#    > 完整地数，每个位置：注意力的投影需要 4d² 次乘加，两次乘积需要 2nd 次；普通 RNN 是 2d²，GRU 是 6d²，LSTM 是 8d²。
#    > 所以与 LSTM 相比是 n < 2d，与 GRU 相比是 n < d；与普通 RNN 相比，注意力的运算次数从来不会更少。
#    > 但训练时它通常仍然更快，因为没有谁需要等待。
# 3. 有因果掩码、没有位置编码：这一层还是置换等变的吗？
#    > 不是。位置 i 看到的是前 i 个词元的集合，词元一移动，这个集合就变了：排在第一个时只看到自己，排在第二个时还能看到另一个。
#    > 对因果注意力，`is_permutation_equivariant` 返回 False；去掉掩码则返回 True。
#    > 所以没有位置编码的因果解码器也能学到一些位置信息（Haviv 等，2022）。
# 4. 双向 RNN 的路径长度和串行步数是多少？
#    > 路径长度仍是 n − 1：从第一个位置到最后一个，信息要走完整个前向 RNN。
#    > 必须依次等待的步数是 n，不是 2n，因为两个方向互不等待。运算量加倍。
#    > 得到的好处是每个位置都知道两侧的内容，而不是路径变短。
# 5. Mamba 之类的状态空间模型从三者各借鉴了什么？
#    > 来自 RNN：固定大小的状态，所以生成时每一步的开销与位置无关。
#    > 来自 CNN：训练可以并行，因为系数固定的状态空间模型（S4，Gu 等，2022）就是一个很长的卷积；
#    > Mamba 的每个模块里还有一个短卷积。来自注意力：写入什么、保留什么由内容决定，因为系数是由输入算出的（Gu & Dao，2023），
#    > 为此要用并行扫描（scan）代替卷积。它没有的，是对之前每个词元的直接访问。

# %% [markdown] tags=["hint"]
# From the first position to the last there are n − 1 hops. How many of them does one layer take at once, and which
# layers have to go through positions one by one?

# %% [markdown] tags=["hint"] lang="zh"
# 从第一个位置到最后一个共有 n − 1 格。一层一次能走几格？哪种层必须逐个位置处理？

# %% [markdown] tags=["hint"]
# The CNN needs (n − 1) divided by (kernel − 1)/2, rounded *up*; mind n = 1 for attention. For the test: permute the
# input and call, or call and permute the output, and compare with `torch.allclose`.

# %% [markdown] tags=["hint"] lang="zh"
# CNN 需要 (n − 1) 除以 (kernel − 1)/2，*向上*取整；注意力要当心 n = 1。测试时：先打乱输入再调用，与先调用再打乱输出，
# 用 `torch.allclose` 比较。

# %% [markdown] tags=["hint"]
# `-(-(n - 1) // reach)` rounds up with integers. `order = torch.randperm(x.shape[1])`, then compare `fn(x[:, order])`
# with `fn(x)[:, order]`, for a few orders, within about 1e-4.

# %% [markdown] tags=["hint"] lang="zh"
# `-(-(n - 1) // reach)` 用整数向上取整。`order = torch.randperm(x.shape[1])`，然后比较 `fn(x[:, order])` 与
# `fn(x)[:, order]`，试几个次序，容差约 1e-4。

# %% [markdown] tags=["discussion"]
# **The test is one-sided.** One order that fails disproves equivariance; orders that pass only make it likely. A
# reversal commutes with everything symmetric, a rotation with every circular convolution, and a random order of L
# positions is the identity once in L! draws.
#
# **Traps.** `fn(x[:, order]) == fn(x)` asks for *invariance*, which pooling has and attention has not. `torch.equal`
# fails on rounding. A causal mask breaks equivariance, so a decoder knows something about order even without position
# encodings (Haviv et al., 2022).
#
# **Inductive bias** is the term for what an architecture takes for granted before it sees data: a CNN locality and
# translation equivariance, an RNN order and recency, attention almost nothing. A strong bias that fits the data saves
# examples; a weak one wins when there are enough of them. The Vision Transformer was behind comparable ResNets when it
# was trained on ImageNet alone, and ahead after training on hundreds of millions of images (Dosovitskiy et al., 2021).
#
# **Today.** Hybrids are common. Vision mixes both: ConvNeXt (Liu et al., 2022) is a CNN with the training and layout of
# a Transformer and about as good as one, Swin (Liu et al., 2021) gives attention local windows. In language, layers of
# Mamba or of linear attention do most of the work and a few layers of full attention recall details (Jamba, Lieber et
# al., 2024; Qwen3-Next, 2025). The border has become thin: linear attention is an RNN (Katharopoulos et al., 2020), and
# Mamba-2 is a form of it (Dao & Gu, 2024).

# %% [markdown] tags=["discussion"] lang="zh"
# **这个测试只能证伪。** 有一个次序不成立就否定了等变性；若干次序成立只说明很可能。反转与一切对称的东西可交换，
# 循环移位与一切循环卷积可交换，而 L 个位置的随机次序每 L! 次就有一次是恒等。
#
# **陷阱。** `fn(x[:, order]) == fn(x)` 问的是*不变性*，池化有，注意力没有。`torch.equal` 会因舍入而失败。
# 因果掩码会破坏等变性，所以没有位置编码的解码器也知道一些次序（Haviv 等，2022）。
#
# **归纳偏置**（inductive bias）指一种结构在看到数据之前就默认成立的东西：CNN 是局部性和平移等变，RNN 是次序和近期优先，
# 注意力几乎没有。与数据相符的强偏置能节省样本；样本足够多时，弱偏置反而胜出。
# Vision Transformer 只在 ImageNet 上训练时不如同等规模的 ResNet，
# 在几亿张图像上训练之后则超过了它（Dosovitskiy 等，2021）。
#
# **如今。** 混合结构很常见。视觉领域两者兼用：ConvNeXt（Liu 等，2022）是采用 Transformer 的训练方式和布局的 CNN，
# 效果与 Transformer 相当；Swin（Liu 等，2021）给注意力加上了局部窗口。
# 语言领域里，大部分层是 Mamba 或线性注意力，少数几层用完整注意力来找回细节，
# 例如 Jamba（Lieber 等，2024）和 Qwen3-Next（2025）。
# 界线也变得模糊：线性注意力就是一种 RNN（Katharopoulos 等，2020），而 Mamba-2 是线性注意力的一种形式（Dao & Gu，2024）。
