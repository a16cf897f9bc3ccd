# %% [markdown]
# > *"You have an attention that takes a mask. Now make the masks: padding, causal, and both at once. In decoding, too."*
#
# A mask says which keys a query may see. Two kinds are needed nearly everywhere: sentences of a batch have different lengths
# and the rest is *padding*; and a language model must not look at what it is to predict, so it is *causal*. The errors here are
# silent: the model trains. When it sees the future, its training loss is far too good and it cannot generate text; when it
# reads padding, a sentence's result depends on how long the other sentences of the batch are.
#
# In this course masks are boolean, **True = may attend**, and broadcast to the scores `(..., L, S)`: L queries, S keys. **Write** three
# functions:
#
# | | returns | |
# |---|---|---|
# | `padding_mask(lengths, max_len=None)` | `(B, 1, S)` | `lengths`: `(B,)`, integers; True at the first `lengths[b]` keys of sequence b |
# | `causal_mask(L, S=None, device=None)` | `(L, S)` | query $i$ may see key $j$ if and only if $j \le i + (S - L)$ |
# | `combine_masks(*masks)` | broadcast shape | may attend where *all* masks allow it |
#
# - `padding_mask`: S is `max_len`, or the longest length when `max_len` is None (`max_len` is never shorter than that). The axis of
#   size 1 is for the queries. A length may be 0: nothing to see. `lengths` may be int64 or int32.
# - `causal_mask`: S is L when None. The *last* query stands at the *last* key, as in decoding, where the new queries come
#   after the S − L keys of the cache. With S < L the first L − S queries see nothing.
# - `combine_masks`: any number of masks, whose shapes broadcast. A `None` hides nothing and is skipped; with no masks at all, or
#   nothing but `None`, the result is `None`.
# - Masks are bool tensors. `padding_mask` answers on the device of `lengths`, `causal_mask` on `device` (PyTorch's default when None).
#   Inputs are not changed.
#
# **By hand.** `padding_mask(torch.tensor([2, 0, 3]))` is [[[T, T, F]], [[F, F, F]], [[T, T, T]]]. `causal_mask(2, 4)`: S − L = 2, so
# that query 0 sees the keys 0, 1, 2 and query 1 sees all four. `causal_mask(3)` is the lower triangle, diagonal included.

# %% [markdown] lang="zh"
# > *“你已经有了带掩码的注意力。现在来构造掩码：填充掩码、因果掩码，以及两者合一。解码时也要对。”*
#
# 掩码规定查询能看到哪些键。有两种几乎总会用到：同一批句子长短不一，短句后面补齐的部分是*填充*（padding）；语言模型不能看到自己要预测的内容，因此是*因果*的（causal）。
# 这里的错误不会报错，模型照样能训练：如果看到了未来，训练损失会好得离谱，却不会生成文本；
# 如果读进了填充，一个句子的结果就取决于同一批里其他句子有多长。
#
# 本课程的掩码是布尔型，**True = 可以关注**，可广播到得分 `(..., L, S)`：L 个查询，S 个键。**请实现**三个函数：
#
# | | 返回 | |
# |---|---|---|
# | `padding_mask(lengths, max_len=None)` | `(B, 1, S)` | `lengths`：`(B,)`，整数；序列 b 的前 `lengths[b]` 个键为 True |
# | `causal_mask(L, S=None, device=None)` | `(L, S)` | 查询 $i$ 能看到键 $j$，当且仅当 $j \le i + (S - L)$ |
# | `combine_masks(*masks)` | 广播后的形状 | *所有*掩码都允许之处才可关注 |
#
# - `padding_mask`：S 为 `max_len`；`max_len` 为 None 时取最长的长度（`max_len` 不会比它短）。大小为 1 的维度留给查询。长度可以为 0：什么都看不到。`lengths` 可以是 int64 或 int32。
# - `causal_mask`：S 为 None 时等于 L。*最后*一个查询对齐*最后*一个键，与解码一致：新的查询排在缓存中 S − L 个键之后。S < L 时，前 L − S 个查询什么都看不到。
# - `combine_masks`：任意多个掩码，形状可互相广播。`None` 不屏蔽任何内容，应跳过；一个掩码都没有，或者全是 `None`，结果为 `None`。
# - 掩码都是布尔张量。`padding_mask` 的结果在 `lengths` 所在的设备上，`causal_mask` 的结果在 `device` 上（None 时为 PyTorch 默认设备）。不得修改输入。
#
# **手算一例。** `padding_mask(torch.tensor([2, 0, 3]))` 为 [[[T, T, F]], [[F, F, F]], [[T, T, T]]]。
# `causal_mask(2, 4)`：S − L = 2，查询 0 能看到键 0、1、2，查询 1 能看到全部四个。`causal_mask(3)` 是含对角线的下三角。

# %% tags=["demo"]
# Three new queries after five keys in the cache. True (filled) = may attend: the last query sees the last key.
import torch
from grader import heatmap

heatmap(torch.ones(3, 8, dtype=torch.bool).tril(5), title="causal, L = 3, S = 8")

# %% tags=["demo"]
# The same where the last key is padding: a key is seen if both masks allow it.
heatmap(torch.ones(3, 8, dtype=torch.bool).tril(5) & (torch.arange(8) < 7), title="causal, and only 7 keys are real")

# %% tags=["demo"]
# What leaks without a mask. Two small models learn to predict the next token of *random* texts, which nobody can. One
# of them may see everything: it looks at the token to the right, which is the answer. Its loss is low for that reason
# alone; without such a leak it stays at ln 8 = 2.08, that of guessing among 8 tokens.
from torch import nn


def trained(mask):
    """The weights of one attention over 6 tokens, averaged over texts, and the loss, after 100 steps."""
    torch.manual_seed(0)
    words, places, head = nn.Embedding(8, 16), nn.Embedding(6, 16), nn.Linear(16, 8)
    q, k, v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
    optimizer = torch.optim.Adam(nn.ModuleList([words, places, head, q, k, v]).parameters(), lr=0.03)
    for _ in range(100):
        texts = torch.randint(8, (32, 7))
        x = words(texts[:, :-1]) + places(torch.arange(6))
        scores = (q(x) @ k(x).mT / 4).masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        loss = nn.functional.cross_entropy(head(weights @ v(x)).mT, texts[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.mean(dim=0), loss.item()


threads = torch.get_num_threads()
torch.set_num_threads(1)  # tensors as small as these are faster in one thread
seeing_all, low = trained(torch.ones(6, 6, dtype=torch.bool))
causal, honest = trained(torch.ones(6, 6, dtype=torch.bool).tril())
torch.set_num_threads(threads)
heatmap(seeing_all, title=f"no mask: loss {low:.2f}") + heatmap(causal, title=f"causal mask: loss {honest:.2f}")

# %% tags=["given"]
import torch


# %% tags=["solution"]
def padding_mask(lengths, max_len=None):
    """(B, 1, S), True at the first lengths[b] keys of sequence b; S is max_len, or the longest length."""
    ### BEGIN SOLUTION
    size = int(lengths.max()) if max_len is None else max_len
    positions = torch.arange(size, device=lengths.device)
    return (positions < lengths.unsqueeze(-1)).unsqueeze(-2)
    ### END SOLUTION


# %% tags=["solution"]
def causal_mask(L, S=None, device=None):
    """(L, S), True where query i may see key j: j <= i + (S - L). S is L when None."""
    ### BEGIN SOLUTION
    S = L if S is None else S
    queries = torch.arange(L, device=device).unsqueeze(-1)
    keys = torch.arange(S, device=device)
    return keys <= queries + (S - L)
    ### END SOLUTION


# %% tags=["solution"]
def combine_masks(*masks):
    """True where all masks are; None is skipped. None if there is no mask at all."""
    ### BEGIN SOLUTION
    combined = None
    for mask in masks:
        if mask is not None:
            combined = mask if combined is None else combined & mask
    return combined
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("attention_masks")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("attention_masks")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(padding_mask, causal_mask, combine_masks)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Padding hides *keys*. What happens to the outputs of padded *queries*, and who has to ignore them?
#    > They are computed like all others: a padded query attends to the real keys and gets an output that means
#    > nothing. In the next layers nobody reads it, because there too its position is hidden as a key. Whatever
#    > combines positions has to skip it: the loss (`ignore_index` in cross-entropy), the mean over a sequence, and
#    > statistics over a batch.
# 2. Decoding one token at a time with a cache: which causal mask does each step need?
#    > None. The only query stands at the last key, so row `causal_mask(1, S)` is all True; padding in the batch still
#    > has to be hidden. With several new tokens at once, as when a prompt is read in pieces or drafted tokens are
#    > verified, the mask is needed and must be aligned at the bottom right: query i sees the keys up to i + (S − L).
#    > `is_causal=True` of `F.scaled_dot_product_attention` aligns at the top left and is wrong there.
# 3. Sequences are padded on the left for batched generation. Which of your masks still hold, and what else has to
#    change?
#    > The causal mask holds, because all sequences still end at the last key. The padding mask does not: the real
#    > keys are now the last `lengths[b]` ones, positions ≥ S − `lengths[b]`. Learned or sinusoidal positions must be
#    > counted from the first real token; with rotary positions (RoPE) only differences count, so they may stay. And
#    > with both masks the padded queries at the start see nothing at all, so the softmax must survive fully hidden
#    > rows.
# 4. How would you write a sliding window of the last w keys? A document mask for several texts packed into one
#    sequence?
#    > With the key positions j as a row and the query positions p = i + (S − L) as a column, the window is
#    > `(j <= p) & (j > p - w)`. For packing, give every token the number of its text:
#    > `(doc[:, None] == doc[None, :])` combined with the causal mask. Positions should then start anew in every text,
#    > at least where they are absolute.
# 5. How much memory does a `(B, 1, L, S)` boolean mask take for L = S = 32k, and how do fused kernels avoid it?
#    > A bool takes one byte, so it is 32,768² bytes = 1 GiB for every sequence of the batch. Fused kernels compute
#    > the mask from positions inside the kernel: they are told that it is causal, how wide the window is, or where
#    > each packed sequence begins, and they skip blocks that are hidden altogether. FlexAttention compiles such a
#    > rule and keeps one entry per block of 128 × 128: (32,768 / 128)² = 65,536 of them.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 填充掩码屏蔽的是*键*。填充位置上的*查询*会得到什么输出？由谁来忽略它们？
#    > 它们和其他查询一样参与计算：填充位置的查询关注真实的键，得到一个没有意义的输出。
#    > 后面的层不会读到它，因为在那里这个位置作为键同样被屏蔽。
#    > 凡是要汇总各个位置的地方都必须跳过它：损失（交叉熵的 `ignore_index`）、对序列求平均、按批计算的统计量。
# 2. 带缓存逐个词元解码时，每一步需要什么样的因果掩码？
#    > 不需要。唯一的查询对着最后一个键，`causal_mask(1, S)` 这一行全是 True；批里的填充仍然要屏蔽。
#    > 如果一次有多个新词元，例如分段读入提示词，或者验证草稿词元（投机解码），就需要掩码，而且必须对齐右下角：
#    > 查询 i 能看到键 0 到 i + (S − L)。`F.scaled_dot_product_attention` 的 `is_causal=True` 对齐左上角，在这里是错的。
# 3. 批量生成时在左侧填充。你的掩码哪些仍然成立，还有什么要改？
#    > 因果掩码仍然成立，因为所有序列仍在最后一个键处结束。填充掩码不成立：真实的键成了最后 `lengths[b]` 个，
#    > 即位置 ≥ S − `lengths[b]` 的键。可学习的或正弦的位置编码要从第一个真实词元数起；
#    > 旋转位置编码（RoPE）只看位置之差，可以不改。
#    > 另外，两个掩码合用时，开头的填充查询什么都看不到，所以 softmax 必须能处理整行被屏蔽的情况。
# 4. 只看最近 w 个键的滑动窗口怎么写？多篇文本打包成一个序列时的文档掩码呢？
#    > 把键的位置 j 写成一行，查询的位置 p = i + (S − L) 写成一列，滑动窗口就是 `(j <= p) & (j > p - w)`。
#    > 打包时，给每个词元标上所属文本的编号：`(doc[:, None] == doc[None, :])`，再与因果掩码合并。
#    > 这时每篇文本的位置应当重新从头计数，至少使用绝对位置编码时如此。
# 5. L = S = 32k 时，`(B, 1, L, S)` 的布尔掩码占多少显存？融合算子如何避免它？
#    > 一个布尔值占一个字节，所以批里每个序列需要 32,768² 字节 = 1 GiB。
#    > 融合算子在内部根据位置直接算出掩码：只需告诉它是否因果、窗口多宽、打包的各个序列从哪里开始；
#    > 整块都被屏蔽时就直接跳过。FlexAttention 把这样的规则编译进算子，每个 128 × 128 的块只记一项：
#    > 共 (32,768 / 128)² = 65,536 项。

# %% [markdown] tags=["hint"]
# Every mask is a comparison of positions: write the positions of the keys as a row, what they are compared with as a column.

# %% [markdown] tags=["hint"] lang="zh"
# 每个掩码都是位置的比较：把键的位置写成一行，与之比较的写成一列。

# %% [markdown] tags=["hint"]
# `torch.arange(S)` against `lengths[:, None]`, with < (length 2 allows the keys 0 and 1). Causal: query i stands at position
# i + (S − L) among the keys, and sees itself, so ≤. A `device` goes into every `arange`.

# %% [markdown] tags=["hint"] lang="zh"
# 用 `torch.arange(S)` 与 `lengths[:, None]` 比较，取 <（长度 2 允许键 0 和 1）。因果：查询 i 在键中的位置是 i + (S − L)，能看到自己，故取 ≤。
# 每个 `arange` 都要带上 `device`。

# %% [markdown] tags=["hint"]
# Padding: `(arange(S, device=lengths.device) < lengths[:, None])[:, None]`. Causal: `ones(L, S, dtype=bool).tril(S - L)` does it.
# Combine: keep those that are not None; return None if none is left; else `&` them one after another, into a new tensor (not `&=`).

# %% [markdown] tags=["hint"] lang="zh"
# 填充：`(arange(S, device=lengths.device) < lengths[:, None])[:, None]`。因果：`ones(L, S, dtype=bool).tril(S - L)` 即可。
# 合并：只留下不是 None 的；一个不剩就返回 None；否则逐个做 `&`，得到新张量（不要用 `&=`）。

# %% [markdown] tags=["discussion"]
# **Traps.** `tril()` without an offset aligns at the top left: in decoding with a cache (L = 1) the new token would
# see key 0 alone. It is also what `is_causal=True` of `F.scaled_dot_product_attention` does when L ≠ S (its
# documentation gives the equivalent code, with `diagonal=0`); use a mask there. FlashAttention changed to the bottom
# right in version 2.1.
#
# **Padding hides keys, not queries.** A padded query still attends to something, and its output is meaningless, so
# the loss must skip it. Hiding it as well makes a row of nothing but −∞, which a plain softmax turns into NaN.
#
# **True or False?** `F.scaled_dot_product_attention`: True = may attend. `nn.MultiheadAttention` (`attn_mask`,
# `key_padding_mask`): True = hidden. Hugging Face: integers, 1 = real token. Additive float masks (0 and −∞) mean the
# same in both PyTorch functions, and cannot be combined with `&`.
#
# **Today.** Language models are trained on several texts packed into one sequence. Llama 3 (Grattafiori et al., 2024)
# masks attention between different documents, and reports that this matters little in standard pre-training but much
# when the model is trained further on very long sequences. Such masks are seldom stored: FlashAttention takes the
# lengths of the packed sequences and the width of a window as arguments, and FlexAttention (Dong et al., 2024)
# compiles a rule written in Python. Many models mix layers with a sliding window and layers that see everything, such
# as Gemma 2 (2024). For the alignment at the bottom right PyTorch has `torch.nn.attention.bias.causal_lower_right`.

# %% [markdown] tags=["discussion"] lang="zh"
# **陷阱。** 不带偏移的 `tril()` 对齐左上角：带缓存解码（L = 1）时，新词元只能看到键 0。
# `F.scaled_dot_product_attention` 的 `is_causal=True` 在 L ≠ S 时正是如此（其文档给出的等价代码用的是 `diagonal=0`），
# 这时应当自己传掩码。FlashAttention 从 2.1 版起改为对齐右下角。
#
# **填充掩码屏蔽键，不屏蔽查询。** 填充位置的查询照样会关注到一些键，其输出没有意义，应由损失函数跳过。
# 若连它也屏蔽，就会出现全是 −∞ 的一行，普通的 softmax 会得到 NaN。
#
# **True 还是 False？** `F.scaled_dot_product_attention`：True = 可以关注。
# `nn.MultiheadAttention`（`attn_mask`、`key_padding_mask`）：True = 屏蔽。
# Hugging Face：整数，1 = 真实词元。加性浮点掩码（0 与 −∞）在 PyTorch 的这两处含义一致，但不能用 `&` 合并。
#
# **如今。** 训练语言模型时，通常把多篇文本打包成一个序列。Llama 3（Grattafiori 等，2024）屏蔽了不同文档之间的注意力，
# 并报告说：这在普通预训练中影响不大，但在超长序列上继续预训练时很重要。
# 这样的掩码很少真的存下来：FlashAttention 以参数的形式接收各序列的长度和窗口的宽度；
# FlexAttention（Dong 等，2024）则编译用 Python 写成的规则。
# 许多模型交替使用滑动窗口层和能看到全部内容的层，例如 Gemma 2（2024）。
# 需要对齐右下角时，PyTorch 有 `torch.nn.attention.bias.causal_lower_right`。
