# %% [markdown]
# > *"Put together a small translation model: three attention layers, one source, one target. For each layer, tell me where the queries come from, where the keys and values come from, and what is hidden."*
#
# An encoder-decoder uses the same operation three times. What differs is where the queries come from, where the keys and
# values come from, and which of them are masked. A sketch that runs `attention(decoder, encoder, encoder)` and stops there
# has no masks, no path around the attention, and returns vectors where a translation needs a score for every word.
#
# **Write** the `forward` of `TranslationModel(src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512)`.
#
# | | shape | |
# |---|---|---|
# | `src` | `(B, S)` | int64; a token equal to `pad_id` is padding, wherever it stands; every row has a real token |
# | `tgt` | `(B, T)` | int64, without padding; T may differ from S |
# | returns | `(B, T, tgt_vocab)` | logits: no softmax |
#
# | | queries | keys and values | hidden |
# |---|---|---|---|
# | `encoder_attention` | x | x | source padding |
# | `decoder_attention` | y | y | the future: position t sees 0 … t, itself included |
# | `cross_attention` | y | memory | source padding |
#
# 1. x = `src_embedding`(src) + `positions`(0 … S−1)
# 2. memory = x + `encoder_attention`(x, x, x)
# 3. y = `tgt_embedding`(tgt) + `positions`(0 … T−1)
# 4. y = y + `decoder_attention`(y, y, y)
# 5. y = y + `cross_attention`(y, memory, memory)
# 6. return `head`(y)
#
# - The layers are built in the stub and allowed; `positions` is one table for both sides. The embeddings are not scaled, there are no norms and no dropout. S and T go up to `max_len`, inclusive.
# - **The boolean masks of `nn.MultiheadAttention` mean the opposite of this course's: True = may *not* attend.**
# - The encoder may look both ways. Padding in `src` must not change the logits: the weights that are loaded have *no* zeros in the embedding of `pad_id`.
# - The logits have the dtype of the parameters; `src` and `tgt` are not changed; gradients flow to every layer.
#
# **By hand.** A source of 2 words padded to 4 and 3 words of target. The encoder's mask, in the library's sense, is
# [F, F, T, T] for every query. The decoder's has rows [F, T, T], [F, F, T], [F, F, F]. The cross-attention's is
# [F, F, T, T] again, now for 3 queries: 3 × 4 weights, of which 6 may be non-zero.

# %% [markdown] lang="zh"
# > *“搭一个小的翻译模型：三层注意力，一个源句，一个目标句。请说明每一层：查询来自哪里，键和值来自哪里，屏蔽了什么。”*
#
# 编码器-解码器把同一种操作用了三次，不同之处在于查询来自哪里、键和值来自哪里、屏蔽了什么。
# 如果只写一句 `attention(decoder, encoder, encoder)` 就结束，那么既没有掩码，也没有残差连接，返回的又只是向量，而翻译需要的是词表中每个词的得分。
#
# **请实现** `TranslationModel(src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512)` 的 `forward`。
#
# | | 形状 | |
# |---|---|---|
# | `src` | `(B, S)` | int64；等于 `pad_id` 的词元就是填充，无论出现在哪里；每一行都有真实词元 |
# | `tgt` | `(B, T)` | int64，没有填充；T 可以与 S 不同 |
# | 返回值 | `(B, T, tgt_vocab)` | logits，不做 softmax |
#
# | | 查询 | 键和值 | 屏蔽 |
# |---|---|---|---|
# | `encoder_attention` | x | x | 源句的填充 |
# | `decoder_attention` | y | y | 未来：位置 t 能看到 0 … t，包括自己 |
# | `cross_attention` | y | memory | 源句的填充 |
#
# 1. x = `src_embedding`(src) + `positions`(0 … S−1)
# 2. memory = x + `encoder_attention`(x, x, x)
# 3. y = `tgt_embedding`(tgt) + `positions`(0 … T−1)
# 4. y = y + `decoder_attention`(y, y, y)
# 5. y = y + `cross_attention`(y, memory, memory)
# 6. 返回 `head`(y)
#
# - 各层已在代码框架中建好，可以使用；`positions` 是两边共用的一张表。嵌入不做缩放，没有归一化，也没有 dropout。S 和 T 最大可以等于 `max_len`。
# - **`nn.MultiheadAttention` 的布尔掩码与本课程的约定相反：True = *不可以*关注。**
# - 编码器可以看前后两个方向。`src` 中的填充不得改变 logits：评分时加载的权重里，`pad_id` 的嵌入*不是*零向量。
# - logits 的 dtype 与参数相同；不得修改 `src` 和 `tgt`；梯度流向每一层。
#
# **手算一例。** 2 个词的源句填充到 4，目标句 3 个词。按库的含义，编码器的掩码对每个查询都是 [F, F, T, T]；
# 解码器的掩码三行为 [F, T, T]、[F, F, T]、[F, F, F]；交叉注意力又是 [F, F, T, T]，但查询有 3 个：3 × 4 个权重，其中 6 个可以非零。

# %% tags=["demo"]
# The three masks of the example by hand, as this course draws them: filled = may attend.
import torch
from grader import heatmap

real = torch.tensor([True, True, False, False])
(
    heatmap(real.expand(4, 4), title="encoder")
    + heatmap(torch.ones(3, 3, dtype=torch.bool).tril(), title="decoder")
    + heatmap(real.expand(3, 4), title="cross-attention")
)

# %% tags=["given"]
import torch
import torch.nn.functional as F
from torch import nn

# %% tags=["solution"]
class TranslationModel(nn.Module):
    """One attention layer of an encoder, and one each of a decoder's self- and cross-attention."""

    def __init__(self, src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512):
        super().__init__()
        self.pad_id = pad_id
        self.src_embedding = nn.Embedding(src_vocab, embed_dim, padding_idx=pad_id)
        self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim, padding_idx=pad_id)
        self.positions = nn.Embedding(max_len, embed_dim)
        self.encoder_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.decoder_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.head = nn.Linear(embed_dim, tgt_vocab)

    def forward(self, src, tgt):
        """src: int64 (B, S), ``pad_id`` where there is none. tgt: int64 (B, T). Returns logits (B, T, tgt_vocab)."""
        ### BEGIN SOLUTION
        S, T = src.shape[1], tgt.shape[1]
        padding = src == self.pad_id
        future = torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(1)
        x = self.src_embedding(src) + self.positions(torch.arange(S, device=src.device))
        memory = x + self.encoder_attention(x, x, x, key_padding_mask=padding)[0]
        y = self.tgt_embedding(tgt) + self.positions(torch.arange(T, device=tgt.device))
        y = y + self.decoder_attention(y, y, y, attn_mask=future)[0]
        y = y + self.cross_attention(y, memory, memory, key_padding_mask=padding)[0]
        return self.head(y)
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("translation")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("translation")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(TranslationModel)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. In training the target is shifted by one: what goes in at position t, and what is the logit at t compared with?
#    > At position t goes the target's word t − 1, and at position 0 a start token; the logits at t are compared with
#    > word t. So input and answer are the same sentence, one step apart: input `[BOS, w0, w1, w2]`, answer `[w0, w1,
#    > w2, EOS]`. With the causal mask no position sees its answer, and all T predictions are trained in one pass.
#    > Forgetting the shift trains the model to copy its input.
# 2. A model without the causal mask has an excellent training loss. What does it do when it translates?
#    > It fails. In training the input at position t + 1 is exactly the word that position t has to predict, so without
#    > the mask the decoder learns to copy its right neighbour, and it need not even read the source. When it
#    > translates, there is no right neighbour yet, and what it learned is of no use: it typically repeats words or
#    > writes text unrelated to the source. A training loss that is far too good is itself the warning.
# 3. Why does a target that is padded at its end need no padding mask here? (What sees the padding, and what does the
#    loss ignore?)
#    > Because the causal mask hides it already. All padding stands after the last real word, and a position sees only
#    > itself and what is before it, so no real position sees padding. The rows of the padding do see padding, but
#    > their logits are left out of the loss, with `F.cross_entropy(..., ignore_index=pad_id)`. The answer would change
#    > with padding at the start, or in a decoder without a causal mask.
# 4. Which of the three attentions can be cached while decoding, and which is computed once per source sentence?
#    > The decoder's self-attention has the cache that grows: each step adds one row to its keys and values, and only
#    > the new word's query is computed. The encoder attention is computed once per source sentence. The keys and
#    > values of the cross-attention come from the memory, so they too are computed once and kept; only its query is
#    > new at each step. A step then costs about t + S scores a head instead of computing all t² + t·S again.
# 5. What would be different in the masks of a decoder-only model that reads source and target as one sequence?
#    > There would be one mask of (S + T) × (S + T) instead of three. In the plain form it is causal throughout, so a
#    > source word no longer sees the source words after it. A prefix-LM mask keeps the source bidirectional: position
#    > i may see j if j < S or j ≤ i. Cross-attention disappears, since target rows see the source columns in the same
#    > softmax. Padding between source and target, or at the start, still has to be hidden.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 训练时目标句要错开一位：位置 t 输入什么，t 处的 logits 与什么比较？
#    > 位置 t 输入目标句的第 t − 1 个词，位置 0 输入起始词元；t 处的 logits 与第 t 个词比较。
#    > 所以输入和答案是同一个句子错开一步：输入 `[BOS, w0, w1, w2]`，答案 `[w0, w1, w2, EOS]`。有了因果掩码，任何位置都看不到自己的答案，一次前向就能训练全部 T 个预测。
#    > 如果忘了错开，模型学到的就是照抄输入。
# 2. 没有因果掩码的模型，训练损失非常好。真正翻译时它会怎样？
#    > 会失败。训练时，位置 t + 1 的输入恰好是位置 t 要预测的词，没有掩码，解码器学到的就是照抄右边的词，甚至不必读源句。翻译时右边还没有词，学到的东西就没有用了：它往往重复某些词，或写出与源句无关的内容。
#    > 训练损失好得反常，本身就是警告。
# 3. 目标句若在末尾填充，为什么这里不需要填充掩码？（谁能看到填充？损失忽略了什么？）
#    > 因为因果掩码已经把它挡住了。填充全在最后一个真实词之后，而每个位置只能看到自己和之前的位置，所以真实位置都看不到填充。
#    > 填充所在的行能看到填充，但它们的 logits 不计入损失，用 `F.cross_entropy(..., ignore_index=pad_id)` 即可。如果填充在开头，或者解码器没有因果掩码，答案就不同了。
# 4. 解码时，三个注意力中哪些可以缓存？哪一个每个源句只需计算一次？
#    > 解码器自注意力的缓存会不断增长：每一步给键和值各增加一行，只需计算新词的查询。编码器注意力每个源句只计算一次。交叉注意力的键和值来自 memory，也只需计算一次并保存下来，每一步只有查询是新的。
#    > 这样每一步每个头约有 t + S 个得分，而不必重新计算全部 t² + t·S 个。
# 5. 如果用 decoder-only 模型，把源句和目标句当作一个序列来读，掩码会有什么不同？
#    > 三个掩码变成一个 (S + T) × (S + T) 的掩码。最简单的形式是整体因果，这时源句的词看不到它后面的源句词。
#    > 前缀语言模型（prefix LM）的掩码让源句保持双向：当 j < S 或 j ≤ i 时，位置 i 可以看到 j。交叉注意力不复存在，目标句的行在同一个 softmax 里就能看到源句的列。
#    > 源句与目标句之间或开头的填充仍然需要屏蔽。

# %% [markdown] tags=["hint"]
# Six lines, one for each step. Two masks are enough: one about the source's padding, used twice, and one about the target's future.

# %% [markdown] tags=["hint"] lang="zh"
# 六行，一步一行。两个掩码就够了：一个关于源句的填充，用两次；一个关于目标句的未来。

# %% [markdown] tags=["hint"]
# In `nn.MultiheadAttention` a mask over keys, `(B, S)`, is `key_padding_mask`, and one over query and key, `(T, T)`, is
# `attn_mask`; True hides. The call returns a pair. Positions 0 … S−1 come from `torch.arange` on the tokens' device.

# %% [markdown] tags=["hint"] lang="zh"
# 在 `nn.MultiheadAttention` 中，只关于键的掩码 `(B, S)` 是 `key_padding_mask`，关于查询和键的 `(T, T)` 是 `attn_mask`；True 表示屏蔽。
# 调用返回一对值。位置 0 … S−1 用 `torch.arange` 生成，设备与词元相同。

# %% [markdown] tags=["hint"]
# `padding = src == pad_id` goes to the encoder and to the cross-attention. `torch.ones(T, T, dtype=torch.bool).triu(1)`, on
# the tokens' device, goes to the decoder. Each attention's first element is added to its own queries, and `head` ends it.

# %% [markdown] tags=["hint"] lang="zh"
# `padding = src == pad_id` 传给编码器和交叉注意力；`torch.ones(T, T, dtype=torch.bool).triu(1)`（与词元同设备）传给解码器。
# 每个注意力的第一个返回值加到它自己的查询上，最后过 `head`。

# %% [markdown] tags=["discussion"]
# **Three masks, three reasons.** Padding is hidden because it is not data. The future is hidden because at translation time
# it does not exist yet: without that mask, predicting the next word is copying it. The cross-attention needs no causal
# mask, since the whole source is known before the first word is written.
#
# **Target padding.** At the end of a row, the causal mask already keeps it from every real position; the loss ignores the
# padded positions (`F.cross_entropy(..., ignore_index=pad_id)`).
#
# **Cost.** S² + T² + T·S scores a head. While decoding, `memory`'s keys and values are computed once, and the decoder's own
# grow by one row a step (the KV cache).
#
# **Next to the original.** Vaswani et al. (2017) stack six such layers with feed-forward networks and norms, multiply the
# embeddings by √d_model, and use sinusoids for positions; the three attentions are connected as here.
#
# **Today.** Translation has moved to large language models: they led the WMT24 evaluation (Kocmi et al., 2024), and
# Tower (Alves et al., 2024) is an open model trained for it; they read source and target as one sequence. The
# encoder-decoder is still used where the input is fixed and long or comes from another modality: NLLB (2022) for 200
# languages, Whisper (Radford et al., 2022) for speech. Its parts have changed: pre-norm instead of post-norm, relative
# positions (T5, Raffel et al., 2020) or RoPE instead of sinusoids. Training by teacher forcing, as here, leaves
# exposure bias (Ranzato et al., 2016): when translating, the model reads its own words, which may be wrong.

# %% [markdown] tags=["discussion"] lang="zh"
# **三个掩码，各有原因。** 屏蔽填充，因为它不是数据。屏蔽未来，因为翻译时它还不存在：没有这个掩码，“预测”下一个词就成了抄写。
# 交叉注意力不需要因果掩码，因为写第一个词之前，整个源句就已经知道了。
#
# **目标句的填充。** 填充在行尾时，因果掩码已经使真实位置看不到它；
# 损失函数会忽略填充位置（`F.cross_entropy(..., ignore_index=pad_id)`）。
#
# **开销。** 每个头有 S² + T² + T·S 个得分。解码时，`memory` 的键和值只算一次，解码器自己的键和值每步增加一行（KV 缓存）。
#
# **与原始模型相比。** Vaswani 等（2017）堆叠了六层，带前馈网络和归一化，嵌入乘以 √d_model，位置用正弦编码；
# 三个注意力的组装方式与这里相同。
#
# **如今。** 翻译已转向大语言模型：它们在 WMT24 评测中领先（Kocmi 等，2024），Tower（Alves 等，2024）是专为翻译训练的开源模型；它们把源句和目标句当作一个序列来读。
# 在输入固定且较长、或来自其他模态时，编码器-解码器仍在使用：NLLB（2022）支持 200 种语言，Whisper（Radford 等，2022）用于语音。
# 各部件也变了：用前置归一化取代后置归一化，用相对位置（T5；Raffel 等，2020）或旋转位置编码（RoPE）取代正弦编码。
# 像这里这样用 teacher forcing 训练，会带来暴露偏差（exposure bias；Ranzato 等，2016）：翻译时模型读到的是自己写的词，而这些词可能是错的。
