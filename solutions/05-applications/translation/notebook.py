# %% [markdown]
# > *"Wire a small translation model: three attention layers, one source, one target. For each layer, tell me who asks, who answers, and who is hidden."*
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
# > *“接一个小的翻译模型：三层注意力，一个源句，一个目标句。每一层请告诉我：谁在查询，谁被查询，谁被屏蔽。”*
#
# 编码器-解码器把同一种操作用了三次，不同之处在于查询来自哪里、键和值来自哪里、屏蔽了谁。
# 如果只写一句 `attention(decoder, encoder, encoder)` 就结束，那么既没有掩码，也没有绕过注意力的通路，而且返回的是向量，而翻译需要的是每个词的打分。
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
# The three masks of the example by hand, as this course draws them: dark = may attend.
import torch
from grader import heatmap

real = torch.tensor([True, True, False, False])
display(
    heatmap(real.expand(4, 4), title="encoder"),
    heatmap(torch.ones(3, 3, dtype=torch.bool).tril(), title="decoder"),
    heatmap(real.expand(3, 4), title="cross-attention"),
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
# 2. A model without the causal mask has an excellent training loss. What does it do when it translates?
# 3. Why does a target that is padded at its end need no padding mask here? (What sees the padding, and what does the loss ignore?)
# 4. Which of the three attentions can be cached while decoding, and which is computed once per source sentence?
# 5. What would be different in the masks of a decoder-only model that reads source and target as one sequence?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 训练时目标句要错开一位：位置 t 输入什么，t 处的 logits 与什么比较？
# 2. 没有因果掩码的模型，训练损失非常好。真正翻译时它会怎样？
# 3. 目标句若在末尾填充，为什么这里不需要填充掩码？（谁能看到填充？损失忽略了什么？）
# 4. 解码时，三个注意力中哪些可以缓存？哪一个每个源句只需计算一次？
# 5. 如果用 decoder-only 模型，把源句和目标句当作一个序列来读，掩码会有什么不同？

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
# embeddings by √d_model, and use sinusoids for positions; the wiring of the three attentions is the one here.

# %% [markdown] tags=["discussion"] lang="zh"
# **三个掩码，各有原因。** 屏蔽填充，因为它不是数据。屏蔽未来，因为翻译时它还不存在：没有这个掩码，“预测”下一个词就成了抄写。
# 交叉注意力不需要因果掩码，因为写第一个词之前，整个源句就已知道。
#
# **目标句的填充。** 填充在行尾时，因果掩码已经使真实位置看不到它；损失函数会忽略填充位置（`F.cross_entropy(..., ignore_index=pad_id)`）。
#
# **代价。** 每个头有 S² + T² + T·S 个打分。解码时，`memory` 的键和值只算一次，解码器自己的键和值每步增加一行（KV 缓存）。
#
# **与原始模型相比。** Vaswani 等（2017）堆叠了六层，带前馈网络和归一化，嵌入乘以 √d_model，位置用正弦编码；三个注意力的接法与这里相同。
