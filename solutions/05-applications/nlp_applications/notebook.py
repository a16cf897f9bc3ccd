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
# When it is written, `self_review("nlp_applications")` shows a model answer, and what yours should hold.

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
# 写完之后，`self_review("nlp_applications")` 会给出参考答案和应当包含的要点。

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
from grader import check, hint, self_review

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
# alignment, the use that made attention known (Bahdanau et al., 2015). It has no causal mask: the source is known as a
# whole. It hides the source's padding.
#
# **What attention is not**: by itself it does not know the order of the words, that takes position information; and a
# large weight shows where a value was taken from, not why the model decided as it did (Jain and Wallace, 2019).

# %% [markdown] tags=["answer"] lang="zh"
# **情感分析**（分类）：不带因果掩码的自注意力。查询、键、值都是同一段文本的投影，所以“不”可以从任意方向影响“好”；
# 最后对真实词元的输出取平均，或读出类别词元。没有填充掩码，同一段文本与更长的文本放在一批里，logits 就会变。
#
# **文本生成**：带因果掩码的自注意力，也是文本对自身。每个位置预测下一个词元，训练时所有位置同时进行；
# 如果查询能看到未来，它只需照抄答案，损失几乎降为零；而真正生成时没有未来可看，模型就会失败。
#
# **机器翻译**：有三处注意力。编码器自注意力（只有填充掩码），解码器自注意力（因果），以及交叉注意力：
# 查询来自目标端，键和值来自编码器的输出，这是一种软对齐，注意力正是由此而广为人知（Bahdanau 等，2015）。
# 交叉注意力没有因果掩码，因为源文本整段已知；它屏蔽的是源端填充。
#
# **注意力做不到的事**：它本身不知道词序，需要位置信息；
# 权重大只说明值取自哪里，不说明模型为什么这样决定（Jain 和 Wallace，2019）。

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
# 1. With padding at the end and a causal mask, does generation need the padding mask at all? Who would be the first
#    to see padding?
#    > Not for the real tokens: a real token at position i sees only positions up to i, and all padding stands after
#    > it. The first to see padding are the rows of the padding itself, whose outputs are thrown away, and the loss has
#    > to leave them out anyway. So it is a safeguard here, not a necessity: it keeps the function right when the
#    > padding moves to the start, as in batched generation. It has a price, a stored mask instead of `is_causal=True`;
#    > with padding at the end, real code often leaves it out.
# 2. Padding at the *start* of the texts, as is usual when generating in batches: which rows of the mask become empty?
#    > The rows of the padding itself. With p padding tokens at the start, row i < p may see only positions 0 … i, and
#    > all of these are hidden padding. A softmax over nothing but −∞ is NaN. Every real row sees at least itself. One
#    > lets the padding rows see something, for example themselves, since nobody reads their outputs, or sets their
#    > weights to zero. And positions must be counted from the first real token.
# 3. BERT and GPT: what differs besides the mask, and what can each of them do that the other cannot?
#    > The objective differs too. BERT (Devlin et al., 2019) sees both sides and is trained to restore the 15 % of its
#    > input tokens that were chosen for prediction, most of them replaced by [MASK]; GPT (Radford et al., 2018) sees
#    > only the left side and predicts every next token. So GPT gives the probability of a text and can write one token
#    > after another, with a KV cache; BERT cannot do that directly. BERT's token vectors use the words on both sides,
#    > which helps tagging, retrieval and classification at a given size. Changing the mask of a trained model does not
#    > turn one into the other.
# 4. A prefix language model lets the prompt see itself in both directions. Draw its mask.
#    > With a prompt of P tokens: position i may see position j if j < P or j ≤ i. For P = 2 and four tokens the rows
#    > are [T, T, F, F], [T, T, F, F], [T, T, T, F], [T, T, T, T]. So the first P columns are all True, and the rest is
#    > the causal triangle. The loss is taken on the tokens after the prompt only, because within the prompt the answer
#    > is visible. T5 (Raffel et al., 2020) studied this form; PaliGemma (Beyer et al., 2024) uses it for image and
#    > prompt.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 填充在末尾，掩码又是因果的，生成任务还需要填充掩码吗？最先看到填充的是谁？
#    > 对真实词元来说不需要：位置 i 的真实词元只能看到 i 及之前的位置，而填充全在它之后。最先看到填充的是填充自己所在的行，它们的输出会被丢弃，损失本来也要排除它们。
#    > 所以在这里它是一种保险，而不是必需：当填充移到开头（例如批量生成）时，函数依然正确。它也有代价：要存储掩码，不能只用 `is_causal=True`；填充在末尾时，实际的代码常常不加它。
# 2. 批量生成时通常在文本*开头*填充：掩码的哪些行会变空？
#    > 填充自己所在的行。开头有 p 个填充词元时，第 i 行（i < p）只能看到位置 0 … i，而这些全是被屏蔽的填充。对全是 −∞ 的一行做 softmax 会得到 NaN。真实词元的行至少能看到自己。
#    > 处理办法是让填充行能看到点什么，例如它自己，反正没有人读它的输出；或者把它的权重置为零。另外，位置编号要从第一个真实词元算起。
# 3. BERT 与 GPT：除了掩码还有什么不同？它们各自能做什么对方做不到的事？
#    > 训练目标也不同。BERT（Devlin 等，2019）能看到两侧，训练目标是还原被选中的 15 % 的词元，其中大部分被换成了 [MASK]；GPT（Radford 等，2018）只看左侧，每个位置都预测下一个词元。
#    > 所以 GPT 能给出一段文本的概率，能借助 KV 缓存逐词生成，BERT 无法直接做到。BERT 的词向量利用了两侧的上下文，在同等规模下更适合序列标注、检索和分类。只换掉训练好的模型的掩码，并不能把一种变成另一种。
# 4. 前缀语言模型（prefix LM）允许提示部分双向可见。画出它的掩码。
#    > 设提示有 P 个词元：当 j < P 或 j ≤ i 时，位置 i 可以看到位置 j。
#    > P = 2、共四个词元时，各行为 [T, T, F, F]、[T, T, F, F]、[T, T, T, F]、[T, T, T, T]。即前 P 列全为 True，其余是因果三角。
#    > 损失只在提示之后的词元上计算，因为在提示内部答案是可见的。T5（Raffel 等，2020）研究过这种形式；PaliGemma（Beyer 等，2024）对图像和提示用的就是它。

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
# **Size.** A mask (B, 1, S) has one row for all queries, and PyTorch repeats it without storing it again. A mask (B, S,
# S) takes one byte for each pair: 4,096² bytes = 16 MiB for a sequence of 4,096 tokens. This is why libraries prefer
# `is_causal=True` and a list of lengths (variable-length attention) to a stored mask.
#
# **Traps.** In `nn.MultiheadAttention` `key_padding_mask` means the opposite, True = hidden. With padding at the end,
# causality alone already hides it from all real queries; the padding rows still attend to something, and the loss must
# leave them out. With padding at the start the first rows see nothing at all: a softmax over nothing but −∞ is NaN.
#
# **Today.** All three tasks are now mostly done by decoder-only models with a causal mask; the task is written into
# the prompt. In training, several documents are packed into one sequence, and the mask lets a token see only its own
# document (Llama 3, Grattafiori et al., 2024); FlashAttention's variable-length form and FlexAttention (Dong et al., 2024)
# do this without storing the mask. Where an encoder is still the better choice, as in retrieval and classification,
# ModernBERT (Warner et al., 2024) removes the padding altogether. On attention as explanation, read Jain and Wallace
# (2019, "Attention is not Explanation") together with the reply of Wiegreffe and Pinter (2019, "Attention is not not
# Explanation"): it depends on what one calls an explanation.

# %% [markdown] tags=["discussion"] lang="zh"
# **大小。** 掩码 (B, 1, S) 只有一行，供所有查询共用，PyTorch 广播时不会另外占用空间。
# 掩码 (B, S, S) 每对位置占一个字节：4,096 个词元时每个序列 4,096² 字节 = 16 MiB。
# 所以实际的库宁可用 `is_causal=True` 和长度列表（变长注意力），而不存储掩码。
#
# **陷阱。** `nn.MultiheadAttention` 的 `key_padding_mask` 含义相反，True = 屏蔽。
# 填充在末尾时，因果掩码本身已经让真实查询看不到填充；填充行自己仍会关注某些位置，要在损失中排除。
# 填充在开头时，最前面几行什么都看不到：对全是 −∞ 的一行做 softmax 会得到 NaN。
#
# **如今。** 这三类任务大多由带因果掩码的 decoder-only 模型完成，任务写在提示里。训练时把多篇文档拼进一个序列，用掩码让词元只看到自己所在的文档（Llama 3；Grattafiori 等，2024）；
# FlashAttention 的变长接口和 FlexAttention（Dong 等，2024）都能做到这一点而不必存储掩码。
# 在检索和分类等编码器更合适的场合，ModernBERT（Warner 等，2024）则干脆去掉填充。
# 关于注意力能否作为解释，Jain 和 Wallace（2019，“Attention is not Explanation”）认为不能，
# Wiegreffe 和 Pinter（2019，“Attention is not not Explanation”）提出了反驳：结论取决于把什么称为解释。
