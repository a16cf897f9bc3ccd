# %% [markdown]
# > *"You have an attention that takes a mask. Now make the masks: padding, causal, and both at once. In decoding, too."*
#
# A mask says which keys a query may see. Two kinds are needed nearly everywhere: sentences of a batch have different lengths
# and the rest is *padding*; and a language model must not look at what it is to predict, so it is *causal*. The errors here are
# silent: the model trains, a little too well when it sees the future, a little too badly when it reads padding.
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
# **By hand.** `padding_mask([2, 0, 3])` is [[[T, T, F]], [[F, F, F]], [[T, T, T]]]. `causal_mask(2, 4)`: S − L = 2, so that query 0 sees the keys
# 0, 1, 2 and query 1 sees all four. `causal_mask(3)` is the lower triangle, diagonal included.

# %% [markdown] lang="zh"
# > *“你已经有了带掩码的注意力。现在来造掩码：填充掩码、因果掩码，以及两者合一。解码时也要对。”*
#
# 掩码规定查询能看到哪些键。有两种几乎处处要用：同一批句子长短不一，多出的部分是*填充*（padding）；语言模型不能看到自己要预测的内容，因此是*因果*的（causal）。
# 这里的错误不会报错：模型照样训练，看到未来时好得可疑，读进填充时差上一点。
#
# 本课程的掩码是布尔型，**True = 可以关注**，可广播到打分 `(..., L, S)`：L 个查询，S 个键。**请实现**三个函数：
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
# **手算一例。** `padding_mask([2, 0, 3])` 为 [[[T, T, F]], [[F, F, F]], [[T, T, T]]]。`causal_mask(2, 4)`：S − L = 2，查询 0 能看到键 0、1、2，
# 查询 1 能看到全部四个。`causal_mask(3)` 是含对角线的下三角。

# %% tags=["demo"]
# Three new queries after five keys in the cache. True (dark) = may attend: the last query sees the last key.
import torch
from grader import heatmap

heatmap(torch.ones(3, 8, dtype=torch.bool).tril(5), title="causal, L = 3, S = 8")

# %% tags=["demo"]
# The same where the last key is padding: a key is seen if both masks allow it.
heatmap(torch.ones(3, 8, dtype=torch.bool).tril(5) & (torch.arange(8) < 7), title="causal, and only 7 keys are real")

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
# 2. Decoding one token at a time with a cache: which causal mask does each step need?
# 3. Sequences are padded on the left for batched generation. Which of your masks still hold, and what else has to change?
# 4. How would you write a sliding window of the last w keys? A document mask for several texts packed into one sequence?
# 5. How much memory does a `(B, 1, L, S)` boolean mask take for L = S = 32k, and how do fused kernels avoid it?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 填充掩码屏蔽的是*键*。填充位置上的*查询*会得到什么输出？由谁来忽略它们？
# 2. 带缓存逐个词元解码时，每一步需要什么样的因果掩码？
# 3. 批量生成时在左侧填充。你的掩码哪些仍然成立，还有什么要改？
# 4. 只看最近 w 个键的滑动窗口怎么写？多篇文本打包成一个序列时的文档掩码呢？
# 5. L = S = 32k 时，`(B, 1, L, S)` 的布尔掩码占多少内存？融合算子如何避免它？

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
# **Traps.** `tril()` without an offset aligns at the top left: in decoding with a cache (L = 1) the new token would see key 0 alone. It is
# also what `is_causal=True` of `F.scaled_dot_product_attention` does when L ≠ S (its documentation gives the equivalent code, with
# `diagonal=0`); use a mask there. FlashAttention changed to the bottom right in version 2.1.
#
# **Padding hides keys, not queries.** A padded query still attends to something, and its output is garbage that the loss must skip.
# Hiding it as well makes a row of nothing but −∞, which a plain softmax turns into NaN.
#
# **True or False?** `F.scaled_dot_product_attention`: True = may attend. `nn.MultiheadAttention` (`attn_mask`, `key_padding_mask`): True = hidden. Hugging Face:
# integers, 1 = real token. Additive float masks (0 and −∞) mean the same in all of them, and cannot be combined with `&`.

# %% [markdown] tags=["discussion"] lang="zh"
# **陷阱。** 不带偏移的 `tril()` 对齐左上角：带缓存解码（L = 1）时，新词元只能看到键 0。`F.scaled_dot_product_attention` 的 `is_causal=True` 在 L ≠ S 时正是如此
# （其文档给出的等价代码用的是 `diagonal=0`），这时应当自己传掩码。FlashAttention 从 2.1 版起改为对齐右下角。
#
# **填充掩码屏蔽键，不屏蔽查询。** 填充位置的查询照样会关注到一些键，其输出没有意义，应由损失函数跳过。若连它也屏蔽，就会出现全是 −∞ 的一行，普通的 softmax 会得到 NaN。
#
# **True 还是 False？** `F.scaled_dot_product_attention`：True = 可以关注。`nn.MultiheadAttention`（`attn_mask`、`key_padding_mask`）：True = 屏蔽。
# Hugging Face：整数，1 = 真实词元。加性浮点掩码（0 与 −∞）在各处含义一致，但不能用 `&` 合并。
