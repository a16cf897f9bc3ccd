# %% [markdown]
# > *"Sentiment, generation, translation: attention is in all three. What exactly differs between them?"*
#
# "It focuses on the important words" is true of all three, and so it is no answer. What differs is
# **who may see whom**, and that is a mask. Say it in words, and then in one function.
#
# **Part 1, code.** `mask_for(task, src_lengths, tgt_lengths=None)` returns the boolean mask, **True = may attend**,
# that the attention of a task needs. The sequences of a batch are padded at the end to the length of the longest.
#
# | `task` | attention | what a query may see | shape |
# |---|---|---|---|
# | `"classification"` | of a text to itself | every real token of its text | `(B, 1, S)` |
# | `"generation"` | of a text to itself, decoding | the real tokens up to itself, itself included | `(B, S, S)` |
# | `"translation"` | cross-attention, target to source | every real token of the source | `(B, T, S)` |
#
# - `src_lengths` and `tgt_lengths` are int64 tensors `(B,)`, all at least 1; S is the longest source, T the longest
#   target.
# - For generation `src_lengths` are the lengths of the one text there is. For translation all T rows of a sequence are
#   alike: padding of the *target* is dealt with in the loss, not here.
# - An unknown task, and `"translation"` without `tgt_lengths`, raise `ValueError`.
# - The mask is of dtype bool, on the device of `src_lengths`, and has exactly the shape of the table. Inputs are not
#   changed.
#
# **By hand.** Lengths 2 and 3, so S = 3. Classification: [[T, T, F]] and [[T, T, T]]. Generation, first text: [T, F,
# F], [T, T, F], [T, T, F]; second: [T, F, F], [T, T, F], [T, T, T]. Translation with targets of lengths 1 and 2 (T =
# 2): the row [T, T, F] twice, and [T, T, T] twice.
#
# **Part 2, in words.** Take translation, text generation and sentiment analysis. For each: which attention is it (self
# or cross, masked or not), where do queries, keys and values come from, and what would go wrong with the wrong mask?

# %% [markdown] lang="zh"
# > *“情感分析、文本生成、机器翻译都用注意力。它们之间到底差在哪里？”*
#
# “关注重要的词”对三者都成立，因此等于没有回答。区别在于**谁可以看见谁**，也就是掩码。先用文字说清楚，再写成一个函数。
#
# **第一部分：代码。** `mask_for(task, src_lengths, tgt_lengths=None)` 返回某个任务的注意力所需的布尔掩码，
# **True = 可以关注**。一批序列在末尾填充到其中最长的长度。
#
# | `task` | 注意力 | 查询可以看见什么 | 形状 |
# |---|---|---|---|
# | `"classification"` | 文本对自身 | 本文本的所有真实词元 | `(B, 1, S)` |
# | `"generation"` | 文本对自身，解码 | 到自己为止（含自己）的真实词元 | `(B, S, S)` |
# | `"translation"` | 交叉注意力，目标对源 | 源文本的所有真实词元 | `(B, T, S)` |
#
# - `src_lengths` 和 `tgt_lengths` 是 int64 张量 `(B,)`，值至少为 1；S 是最长的源长度，T 是最长的目标长度。
# - 生成任务只有一段文本，`src_lengths` 就是它的长度。翻译任务中一个序列的 T 行全都相同：*目标*的填充在损失里处理，
#   不在这里。
# - 未知任务，以及没有 `tgt_lengths` 的 `"translation"`，抛出 `ValueError`。
# - 掩码的 dtype 为 bool，与 `src_lengths` 在同一设备上，形状与上表完全一致。不得修改输入。
#
# **手算一例。** 长度 2 和 3，S = 3。分类：[[T, T, F]] 和 [[T, T, T]]。生成，第一段：[T, F, F]、[T, T, F]、[T, T, F]；
# 第二段：[T, F, F]、[T, T, F]、[T, T, T]。翻译，目标长度 1 和 2（T = 2）：[T, T, F] 两行，[T, T, T] 两行。
#
# **第二部分：文字。** 以机器翻译、文本生成和情感分析为例，分别说明：用的是哪种注意力（自注意力还是交叉注意力，
# 有没有掩码），查询、键、值从哪里来，掩码用错会出什么问题。

# %% tags=["demo"]
# Generation, a text of 4 tokens padded to 6: the causal triangle without the columns of the padding.
import torch
from grader import heatmap

heatmap(torch.ones(6, 6).tril().bool() & (torch.arange(6) < 4), title="token (row) may attend to token (column)")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def mask_for(task, src_lengths, tgt_lengths=None):
    """The boolean mask (True = may attend) of "classification" (B, 1, S), "generation" (B, S, S), "translation" (B, T, S)."""
    ### BEGIN SOLUTION
    steps = torch.arange(int(src_lengths.max()), device=src_lengths.device)
    real = (steps < src_lengths[:, None])[:, None, :]
    if task == "classification":
        return real
    if task == "generation":
        causal = steps <= steps[:, None]
        return real & causal
    if task == "translation":
        if tgt_lengths is None:
            raise ValueError("translation needs tgt_lengths")
        return real.repeat(1, int(tgt_lengths.max()), 1)
    raise ValueError(f"unknown task {task!r}")
    ### END SOLUTION


# %% tags=["check"]
from grader import check, hint

check(mask_for)

# %% [markdown] tags=["answer"]
# **Sentiment analysis** (classification): self-attention without a causal mask. Queries, keys and values are all
# projections of the one text, so "not" can reach "good" from either side; the outputs are averaged over the real
# tokens, or a class token is read. Without the padding mask the same text gets other logits in a batch with a longer
# one.
#
# **Generation**: self-attention with a causal mask, again of the text to itself. Each position predicts the next
# token, all positions at once in training; if a query could see the future, it would copy its answer, the loss would
# fall to almost nothing, and generation, where there is no future to see, would fail.
#
# **Translation**: three attentions. The encoder's self-attention (padding mask only), the decoder's (causal), and
# cross-attention, whose queries come from the target and whose keys and values come from the encoder's output: a soft
# alignment, the first use of attention (Bahdanau et al., 2015). It has no causal mask: the source is known as a whole.
# It hides the source's padding.
#
# **What attention is not**: by itself it does not know the order of the words, that takes position information; and a
# large weight shows where a value was taken from, not why the model decided as it did (Jain and Wallace, 2019).

# %% [markdown] tags=["answer", "discussion"] lang="zh"
# **情感分析**（分类）：不带因果掩码的自注意力。查询、键、值都是同一段文本的投影，所以“不”可以从任意方向影响“好”；
# 最后对真实词元的输出取平均，或读出类别词元。没有填充掩码，同一段文本与更长的文本放在一批里，logits 就会变。
#
# **文本生成**：带因果掩码的自注意力，也是文本对自身。每个位置预测下一个词元，训练时所有位置同时进行；
# 如果查询能看到未来，它只需抄答案，损失几乎降为零，而真正生成时没有未来可看，就会失败。
#
# **机器翻译**：有三处注意力。编码器自注意力（只有填充掩码），解码器自注意力（因果），以及交叉注意力：
# 查询来自目标端，键和值来自编码器的输出，这是一种软对齐，也是注意力最早的用途（Bahdanau 等，2015）。
# 交叉注意力没有因果掩码，因为源文本整段已知；它屏蔽的是源端填充。
#
# **注意力做不到的事**：它本身不知道词序，需要位置信息；权重大只说明值取自哪里，不说明模型为什么这样决定（Jain 和
# Wallace，2019）。

# %% [markdown] tags=["rubric"]
# - Translation: cross-attention with queries from the target (decoder), keys and values from the source (encoder).
# - Generation: causal self-attention, with the reason: training predicts all next tokens at once, and the future must
#   not leak.
# - Classification or sentiment: self-attention in both directions, then pooling over real tokens or a class token.
# - Padding: it is hidden in every task, and what goes wrong otherwise (results depend on the batch).
# - Goes beyond "focuses on important words": a concrete example, the need for position information, or the limits of
#   weights as explanations.

# %% [markdown] tags=["rubric"] lang="zh"
# - 翻译：交叉注意力，查询来自目标端（解码器），键和值来自源端（编码器）。
# - 生成：因果自注意力，并说明理由：训练时同时预测所有下一个词元，不能泄露未来。
# - 分类或情感分析：双向自注意力，然后对真实词元做池化或读出类别词元。
# - 填充：每个任务都要屏蔽，并说明否则会怎样（结果取决于同批的其他文本）。
# - 不止于“关注重要的词”：举出具体例子，或提到位置信息的必要性、权重作为解释的局限。

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Why does the mask of a generation task also need the padding, if padding stands at the end and the mask is causal?
# 2. Padding at the *start* of the texts, as is usual when generating in batches: which rows of the mask become empty?
# 3. BERT and GPT differ in one mask. What can each of them do that the other cannot?
# 4. A prefix language model lets the prompt see itself in both directions. Draw its mask.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 填充在末尾，掩码又是因果的，为什么生成任务的掩码还要考虑填充？
# 2. 批量生成时通常在文本*开头*填充：掩码的哪些行会变空？
# 3. BERT 与 GPT 的区别只在一个掩码。它们各自能做什么对方做不到的事？
# 4. 前缀语言模型（prefix LM）允许提示部分双向可见。画出它的掩码。

# %% [markdown] tags=["hint"]
# All three start from the same thing: which source positions are real. Compare positions 0 … S−1 with the lengths.

# %% [markdown] tags=["hint"] lang="zh"
# 三种任务的出发点相同：源端哪些位置是真实的。把位置 0 … S−1 与长度比较。

# %% [markdown] tags=["hint"]
# `torch.arange(S) < src_lengths[:, None]` is (B, S); put an axis for the queries in the middle. Generation also needs
# j ≤ i, and both conditions have to hold. Translation repeats the row T times.

# %% [markdown] tags=["hint"] lang="zh"
# `torch.arange(S) < src_lengths[:, None]` 的形状是 (B, S)；在中间加一个查询维度。生成还要求 j ≤ i，两个条件要同时成立。
# 翻译把这一行重复 T 次。

# %% [markdown] tags=["hint"]
# `real = (torch.arange(S) < src_lengths[:, None])[:, None, :]`. Classification: `real`. Generation: `real & tril`,
# with a lower triangle of ones (diagonal included). Translation: `real` expanded to T rows. Anything else:
# `ValueError`.

# %% [markdown] tags=["hint"] lang="zh"
# `real = (torch.arange(S) < src_lengths[:, None])[:, None, :]`。分类：`real`。生成：`real & tril`，下三角含对角线。
# 翻译：把 `real` 扩展为 T 行。其他情况：`ValueError`。

# %% [markdown] tags=["discussion"]
# **Size.** (B, 1, S) broadcasts over queries for nothing; (B, S, S) costs a byte a pair, 16 MiB a sequence at 4,096
# tokens, which is why libraries prefer `is_causal=True` and lengths (variable-length attention) to a mask.
#
# **Traps.** In `nn.MultiheadAttention` `key_padding_mask` means the opposite, True = hidden. With padding at the end,
# causality alone already hides it from all real queries; the padding rows still attend to something, and the loss must
# leave them out. With padding at the start the first rows see nothing at all: a softmax over nothing is NaN.

# %% [markdown] tags=["discussion"] lang="zh"
# **大小。** (B, 1, S) 可沿查询维度广播，不花代价；(B, S, S) 每对一个字节，4,096 个词元时每个序列 16 MiB，
# 所以实际的库宁可用 `is_causal=True` 和长度（变长注意力），而不用掩码。
#
# **陷阱。** `nn.MultiheadAttention` 的 `key_padding_mask` 含义相反，True = 屏蔽。填充在末尾时，
# 因果掩码本身已经让真实查询看不到填充；填充行自己仍会关注某些位置，要在损失中排除。填充在开头时，
# 最前面几行什么都看不到：对空集做 softmax 会得到 NaN。
