# %% [markdown]
# > *"Classify sentences with one attention layer. The batch holds sentences of different lengths. Convince me that the padding changes nothing."*
#
# A common sketch of this model embeds the tokens, applies attention and takes `mean(dim=1)`. It looks right, it trains, and
# its answer for a sentence depends on how long the *other* sentences of the batch are: padding enters **twice**, as keys
# that the real tokens attend to, and as positions that the mean counts.
#
# **Write** the `forward` of `TextClassifier(vocab_size, embed_dim, num_heads, num_classes, pad_id=0)`.
#
# | | shape | |
# |---|---|---|
# | `tokens` | `(B, L)` | int64; a token equal to `pad_id` is padding, wherever it stands |
# | returns | `(B, num_classes)` | logits: no softmax |
#
# 1. x = `embedding`(tokens), shape `(B, L, E)`. There are no positions and no residual connection.
# 2. y = `attention`(x, x, x), in which no token attends to padding. The layer is the library's, built in the stub, and allowed.
# 3. Mean of y over the *real* tokens of each row; `classifier` of that.
#
# - Padding must not change the logits, however much of it there is and whatever `pad_id` is. The weights that are loaded have *no* zeros in the embedding of `pad_id`.
# - A row of nothing but padding has a mean of zeros, so that its logits are the classifier's bias. Neither they nor any gradient may be NaN.
# - **The boolean masks of `nn.MultiheadAttention` mean the opposite of this course's: True = may *not* attend.**
# - The logits have the dtype of the parameters; `tokens` is not changed; the names of the layers are part of the contract, because weights are loaded by name.
#
# **By hand.** One sentence of 2 tokens, padded to 4. If y is [2], [4] at the tokens and [1], [1] at the padding, the mean
# is (2 + 4)/2 = 3. The mean over all positions is 8/4 = 2, and zeros at the padding still give 6/4 = 1.5.

# %% [markdown] lang="zh"
# > *“用一层注意力给句子分类。一批里的句子长短不一。请证明：填充不会改变任何结果。”*
#
# 这个模型常见的写法是：词元嵌入，过注意力，再 `mean(dim=1)`。看起来没错，也能训练，但一个句子的结果会取决于同一批里*其他*句子有多长：
# 填充在**两处**混了进来，一处是作为键被真实词元关注，另一处是求平均时被计入。
#
# **请实现** `TextClassifier(vocab_size, embed_dim, num_heads, num_classes, pad_id=0)` 的 `forward`。
#
# | | 形状 | |
# |---|---|---|
# | `tokens` | `(B, L)` | int64；等于 `pad_id` 的词元就是填充，无论出现在哪里 |
# | 返回值 | `(B, num_classes)` | logits，不做 softmax |
#
# 1. x = `embedding`(tokens)，形状 `(B, L, E)`。没有位置编码，也没有残差连接。
# 2. y = `attention`(x, x, x)，任何词元都不关注填充。这一层是库里的，已在代码框架中建好，可以使用。
# 3. 对每一行的*真实*词元求 y 的平均，再过 `classifier`。
#
# - 无论填充有多少、`pad_id` 是几，填充都不得改变 logits。评分时加载的权重里，`pad_id` 的嵌入*不是*零向量。
# - 全是填充的一行，平均为零向量，因此 logits 等于分类器的偏置。logits 和任何梯度都不得出现 NaN。
# - **`nn.MultiheadAttention` 的布尔掩码与本课程的约定相反：True = *不可以*关注。**
# - logits 的 dtype 与参数相同；不得修改 `tokens`；权重按名字加载，所以各层的名字也是约定的一部分。
#
# **手算一例。** 一个 2 个词元的句子填充到 4。若 y 在词元处为 [2]、[4]，在填充处为 [1]、[1]，则平均为 (2 + 4)/2 = 3。
# 对所有位置求平均得 8/4 = 2；把填充处置零后再平均仍是 6/4 = 1.5。

# %% tags=["demo"]
# Three sentences of 5, 2 and 0 tokens in one batch; filled = a real token. The library wants the other picture.
import torch
from grader import heatmap

tokens = torch.tensor([[7, 3, 9, 4, 2], [5, 8, 0, 0, 0], [0, 0, 0, 0, 0]])
heatmap(tokens != 0, title="real tokens") + heatmap(tokens == 0, title="key_padding_mask")

# %% tags=["given"]
import torch
import torch.nn.functional as F
from torch import nn

# %% tags=["solution"]
class TextClassifier(nn.Module):
    """Logits for sentences: embedding, self-attention, mean over the real tokens, a linear layer."""

    def __init__(self, vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.classifier = nn.Linear(embed_dim, num_classes)

    def forward(self, tokens):
        """tokens: int64 (B, L), ``pad_id`` where there is none. Returns logits (B, num_classes)."""
        ### BEGIN SOLUTION
        real = tokens != self.pad_id
        empty = ~real.any(dim=1, keepdim=True)
        x = self.embedding(tokens)
        # An empty row may attend to everything: its softmax is finite, and the mean below leaves it out.
        y, _ = self.attention(x, x, x, key_padding_mask=~real & ~empty)
        total = y.masked_fill(~real.unsqueeze(-1), 0.0).sum(dim=1)
        return self.classifier(total / real.sum(dim=1, keepdim=True).clamp(min=1))
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("text_classifier")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("text_classifier")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(TextClassifier)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. `nn.Embedding(..., padding_idx=0)` keeps the padding's embedding at zero. Why is that not enough to hide it from
#    attention?
#    > Because a score of 0 is not a weight of 0. A zero embedding gives a key equal to the bias of the projection, so
#    > the score is about 0, which is an average score, and e⁰ = 1. I measured it with a freshly built layer (embed_dim
#    > 64, 4 heads): with 4 real tokens and 12 of padding, the padding gets 73 % of the weight. Its values are not zero
#    > either once the bias is trained, and the mean still counts the positions. Also, `padding_idx` only sets the row
#    > to zero at the start and blocks its gradient; loaded weights can hold anything there.
# 2. Without positions, what does the model say about "dog bites man" and "man bites dog"?
#    > The same: the logits are equal up to rounding. Self-attention without positions is permutation equivariant, so
#    > reordering the words only reorders the outputs, and the mean does not depend on order at all. The model sees a
#    > bag of words. Position embeddings, sinusoids or RoPE would tell the two apart.
# 3. BERT reads its answer off a [CLS] token instead of a mean. What does the mean have that [CLS] has not, and the
#    reverse?
#    > The mean needs no extra token and no training of its own: every real token counts equally, and each gets
#    > gradient directly. [CLS] can learn what to collect: it is a query of its own, so its weights over the words
#    > depend on the input and on the task, where the mean gives each position 1/n. But an untuned [CLS] is not a good
#    > summary: for sentence similarity, means of BERT's vectors did better than its [CLS] vector (Reimers and
#    > Gurevych, 2019).
# 4. Why return logits, when `F.softmax` is one line?
#    > Because the loss needs them. `F.cross_entropy` takes the log-softmax itself, by log-sum-exp, which is stable. In
#    > float32 the softmax of the logits 0 and 200 has an exact 0 in it, and its log is −∞, where log-softmax gives
#    > −200. If you return probabilities and still call `F.cross_entropy`, a second softmax is applied: with two
#    > classes the loss can then never fall below 0.31. Whoever needs probabilities can take the softmax afterwards.
# 5. How would you test in production that padding has no effect?
#    > By comparing a sentence alone with the same sentence in a batch. I take real sentences, compute each one without
#    > padding, then in a batch with a much longer one, and require equal logits up to rounding (`torch.allclose`, not
#    > equality, since other shapes may use other kernels). I add more padding and expect no change. I put noise into
#    > the embedding of `pad_id`, which must not matter. And I run all this in `eval()` under `no_grad`, with an empty
#    > row too, because PyTorch then takes another code path.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. `nn.Embedding(..., padding_idx=0)` 让填充的嵌入保持为零。为什么这还不足以让注意力看不到它？
#    > 因为得分为 0 不等于权重为 0。零嵌入得到的键等于投影的偏置，得分约为 0，只是一个中等的得分，而 e⁰ = 1。
#    > 用新建的层实测（embed_dim 64，4 个头）：4 个真实词元加 12 个填充，填充得到了 73 % 的权重。偏置经过训练后，填充的值也不是零，求平均时还会计入这些位置。
#    > 另外，`padding_idx` 只是在初始化时把这一行置零并阻断它的梯度；加载的权重里这一行可以是任何数。
# 2. 没有位置编码，模型怎么看待“狗咬人”和“人咬狗”？
#    > 完全一样：除舍入误差外，logits 相同。没有位置编码的自注意力是置换等变的，打乱词序只会同样地打乱输出，而平均根本与次序无关。模型看到的是一个词袋。加上位置嵌入、正弦编码或旋转位置编码（RoPE）才能区分两者。
# 3. BERT 不用平均，而用 [CLS] 词元的输出。平均有什么是 [CLS] 没有的？反过来呢？
#    > 平均不需要额外的词元，本身也不需要训练：每个真实词元的分量相同，都能直接得到梯度。[CLS] 则可以学习该收集什么：它有自己的查询，对各个词的权重取决于输入和任务，而平均给每个位置的都是 1/n。
#    > 但未经微调的 [CLS] 并不是好的句子表示：在句子相似度任务上，BERT 词向量的平均好于 [CLS] 向量（Reimers 和 Gurevych，2019）。
# 4. softmax 只要一行，为什么要返回 logits？
#    > 因为损失函数需要的就是 logits。`F.cross_entropy` 内部用 log-sum-exp 计算 log-softmax，数值稳定。
#    > float32 下，logits 为 0 和 200 时 softmax 的结果里有一个恰好是 0，再取 log 就是 −∞，而 log-softmax 得到的是 −200。
#    > 如果返回概率又照样调用 `F.cross_entropy`，就等于做了两次 softmax：二分类时损失永远降不到 0.31 以下。需要概率的人可以自己再做 softmax。
# 5. 在生产环境中，怎样测试填充没有影响？
#    > 把单独计算的句子与放在批里的同一句子比较。取真实的句子，先不加填充逐句计算，再与长得多的句子放在一批里计算，
#    > 要求 logits 在舍入误差内相同（用 `torch.allclose` 而不是逐位相等，因为形状不同时用的算子可能不同）。再多加一些填充，结果应当不变。
#    > 给 `pad_id` 的嵌入加上噪声，也应当没有影响。以上都要在 `eval()` 加 `no_grad` 下再跑一遍，并包含全是填充的一行，因为这时 PyTorch 走的是另一条代码路径。

# %% [markdown] tags=["hint"]
# One boolean tensor, "is a real token", is all you need: it goes into the attention (turned round) and into the mean.
# Then ask what each of the two steps does with a row that has no real token.

# %% [markdown] tags=["hint"] lang="zh"
# 只需要一个布尔张量“是否为真实词元”：它（取反后）用于注意力，也用于求平均。
# 然后想一想：没有真实词元的一行，这两步各会得到什么？

# %% [markdown] tags=["hint"]
# `key_padding_mask` is `(B, L)`, True at padding. The mean is a sum over real positions divided by their number, which is
# kept at 1 or more. A row whose keys are all hidden is a softmax over nothing but −∞, and replacing the NaN afterwards
# comes too late for the gradients.

# %% [markdown] tags=["hint"] lang="zh"
# `key_padding_mask` 的形状是 `(B, L)`，填充处为 True。平均等于真实位置之和除以它们的个数，个数至少取 1。
# 键全被屏蔽的一行相当于对全是 −∞ 的数做 softmax；事后再替换 NaN，对梯度来说已经太迟。

# %% [markdown] tags=["hint"]
# `real = tokens != pad_id`. Pass `~real` as the mask, but all False in rows where `real.any(dim=1)` is False. Fill y with 0
# where it is not real, sum over axis 1, divide by `real.sum(dim=1, keepdim=True).clamp(min=1)`, and classify.

# %% [markdown] tags=["hint"] lang="zh"
# `real = tokens != pad_id`。掩码传 `~real`，但在 `real.any(dim=1)` 为 False 的行全部改为 False。把 y 的非真实位置填 0，沿维度 1 求和，
# 除以 `real.sum(dim=1, keepdim=True).clamp(min=1)`，再分类。

# %% [markdown] tags=["discussion"]
# **Why zero embeddings do not hide padding.** A key of zeros (plus the bias of the projection) has *some* score, about
# as high as an average token's, and e⁰ = 1 is not 0. With 4 real tokens and 12 of padding, a freshly built layer
# (embed_dim 64, 4 heads) puts 73 % of the weight on the padding.
#
# **The empty row.** With `need_weights=True`, the default, a row without keys comes out of `nn.MultiheadAttention` as
# NaN, and so do the gradients of its projections even if the output is patched with `nan_to_num` or `where`. With
# `need_weights=False` it depends on the mode (tried with PyTorch 2.13): as long as gradients are recorded, or in
# `train()`, the context is zero and `out_proj`'s bias comes out; in `eval()` under `no_grad`, or with frozen
# parameters, self-attention takes a fast path of its own, and the row is NaN. So a model can pass every test in
# training and give NaN when it is deployed. Hiding nothing in that row is right in all these cases.
#
# **What the model cannot see.** Without positions, attention treats a sentence as a bag of words, and the mean does too: every
# order of the words gives the same logits. Real classifiers add positions and a few blocks.
#
# **In real libraries** sentence-embedding models pool with exactly this masked mean, and divide by a clamped count.
# `F.cross_entropy` takes logits because log-softmax of logits is stable and the log of a softmax is not.
#
# **Today.** One fine-tunes a pretrained encoder, from BERT (Devlin et al., 2019) to ModernBERT (Warner et al., 2024),
# which removes the padding before its layers and packs the tokens of a batch into one sequence; or one asks a large
# language model. For embeddings, mean pooling became the habit with Sentence-BERT (Reimers and Gurevych, 2019);
# embedding models made from decoders often read the last token instead (E5-Mistral, Wang et al., 2024), because under
# a causal mask only that one has seen the whole text.

# %% [markdown] tags=["discussion"] lang="zh"
# **为什么零嵌入不能屏蔽填充。** 全零的键（再加上投影的偏置）也有*某个*得分，大约与普通词元相当，而 e⁰ = 1 并不是 0。
# 4 个真实词元加 12 个填充时，新建的层（embed_dim 64，4 个头）会把 73 % 的权重放在填充上。
#
# **全是填充的行。** 默认的 `need_weights=True` 下，没有可见键的一行从 `nn.MultiheadAttention` 出来是 NaN；
# 即使再用 `nan_to_num` 或 `where` 修补输出，投影的梯度仍是 NaN。`need_weights=False` 时要看模式（在 PyTorch 2.13 上实测）：
# 只要在记录梯度，或处于 `train()`，上下文就是零，输出等于 `out_proj` 的偏置；
# 而在 `eval()` 且 `no_grad`（或参数被冻结）时，自注意力会走另一条快速路径，这一行就是 NaN。
# 所以模型可能通过训练时的所有测试，一上线却给出 NaN。在该行什么都不屏蔽，以上各种情况下都是对的。
#
# **模型看不到什么。** 没有位置编码，注意力把句子当作词袋，求平均也是：词的任何顺序都得到同样的 logits。
# 实际使用的分类器会加上位置编码，并堆叠若干层。
#
# **实际的库。** 句向量模型用的正是这种带掩码的平均，除数也做了下限截断。
# `F.cross_entropy` 接收 logits，因为对 logits 做 log-softmax 是稳定的，而对 softmax 再取 log 则不是。
#
# **如今。** 通常的做法是微调预训练的编码器，从 BERT（Devlin 等，2019）到 ModernBERT（Warner 等，2024）；后者在进入各层之前就去掉填充，把一批的词元拼成一个序列。
# 或者直接让大语言模型来回答。句向量方面，Sentence-BERT（Reimers 和 Gurevych，2019）之后平均池化成为惯例；
# 由解码器改造的向量模型则常取最后一个词元（E5-Mistral；Wang 等，2024），因为在因果掩码下只有它看过整段文本。
