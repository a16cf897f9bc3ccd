# %% [markdown]
# > *"Attention was made for sentences. What is it good for in images, and how do you make a sequence out of one?"*
#
# "It helps the model to focus on the key regions" is the answer that everybody gives, for classification, detection and
# segmentation alike, and it says nothing. Say what the tokens are, what asks what, and what it costs.
#
# **Part 1, code.** A Vision Transformer (Dosovitskiy et al., 2021) cuts the image into squares and takes every square
# as a token.
#
# - `patchify(images, patch_size)`: `(B, C, H, W)` → `(B, N, C·p·p)` with p = `patch_size` and N = (H/p)·(W/p).
# - `unpatchify(patches, patch_size, channels, height, width)`: the exact inverse, back to
#   `(B, channels, height, width)`.
#
# Patches are numbered like reading a page: row by row, from left to right. Inside a patch the numbers stand as in the
# image: channel first, then row, then column (`F.unfold` with stride p gives the same order). Both raise `ValueError`
# when height or width is not a multiple of `patch_size`; nothing is cropped or padded. H and W may differ. dtype and
# device stay, inputs are not changed, gradients flow.
#
# **By hand.** One channel, 2 × 4 pixels, rows [0, 1, 2, 3] and [4, 5, 6, 7], p = 2. Two patches: [0, 1, 4, 5] and [2,
# 3, 6, 7]. (`images.view(1, 2, 4)` has the right shape as well, and gives [0, 1, 2, 3] and [4, 5, 6, 7]: two rows, no
# patches.)
#
# **Part 2, in words.** Name at least three uses of attention in vision, and say for each what the queries, the keys
# and the values are. Then: why patches and not pixels, what position information is for, and when you would rather
# take a CNN.

# %% [markdown] lang="zh"
# > *“注意力是为句子发明的。它在图像里有什么用？怎样把一幅图像变成一个序列？”*
#
# “帮助模型关注图像中的关键区域”是人人都会给的答案，分类、检测、分割通用，等于什么也没说。
# 请说明词元是什么，谁向谁提问，代价是多少。
#
# **第一部分：代码。** Vision Transformer（Dosovitskiy 等，2021）把图像切成方块，每个方块作为一个词元。
#
# - `patchify(images, patch_size)`：`(B, C, H, W)` → `(B, N, C·p·p)`，其中 p = `patch_size`，N = (H/p)·(W/p)。
# - `unpatchify(patches, patch_size, channels, height, width)`：精确的逆运算，还原为 `(B, channels, height, width)`。
#
# 图像块（patch）的编号如同读书：逐行，从左到右。块内各数的次序与图像相同：先通道，再行，再列（步长为 p 的 `F.unfold`
# 给出同样的次序）。高或宽不是 `patch_size` 的整数倍时，两者都抛出 `ValueError`；不裁剪也不填充。H 与 W 可以不同。保持
# dtype 和设备，不修改输入，梯度可以通过。
#
# **手算一例。** 一个通道，2 × 4 个像素，两行为 [0, 1, 2, 3] 和 [4, 5, 6, 7]，p = 2。两个块：[0, 1, 4, 5] 和 [2, 3, 6,
# 7]。（`images.view(1, 2, 4)` 的形状也对，得到的却是 [0, 1, 2, 3] 和 [4, 5, 6, 7]：那是两行，不是两个块。）
#
# **第二部分：文字。** 举出注意力在视觉中的至少三种用法，并说明每种用法的查询、键和值各是什么。
# 再回答：为什么用图像块而不用像素，位置信息有什么用，什么时候你宁可用 CNN。

# %% tags=["demo"]
# Which patch each pixel of a 4 × 6 image belongs to, for p = 2: six patches, numbered like reading a page.
import torch
from grader import heatmap

heatmap(torch.arange(6.0).view(2, 3).repeat_interleave(2, 0).repeat_interleave(2, 1), title="patch of each pixel")

# %% tags=["given"]
import torch

# %% tags=["solution"]
def patchify(images, patch_size):
    """Cut images (B, C, H, W) into patches (B, N, C·p·p): row by row; in a patch channel, row, column."""
    ### BEGIN SOLUTION
    batch, channels, height, width = images.shape
    p = patch_size
    if height % p or width % p:
        raise ValueError(f"{height} × {width} is no multiple of {p}")
    grid = images.reshape(batch, channels, height // p, p, width // p, p)
    grid = grid.permute(0, 2, 4, 1, 3, 5)
    return grid.reshape(batch, (height // p) * (width // p), channels * p * p)
    ### END SOLUTION


# %% tags=["solution"]
def unpatchify(patches, patch_size, channels, height, width):
    """The inverse of patchify: patches (B, N, C·p·p) back to images (B, channels, height, width)."""
    ### BEGIN SOLUTION
    p = patch_size
    if height % p or width % p:
        raise ValueError(f"{height} × {width} is no multiple of {p}")
    blocks = patches.reshape(patches.shape[0], height // p, width // p, channels, p, p)
    blocks = blocks.permute(0, 3, 1, 4, 2, 5)
    return blocks.reshape(patches.shape[0], channels, height, width)
    ### END SOLUTION


# %% tags=["check"]
from grader import check, hint

check(patchify, unpatchify)

# %% [markdown] tags=["answer"]
# **Uses.** (1) *Classification*: in a Vision Transformer the tokens are patches, and self-attention lets every patch
# ask all others, from the first layer on; queries, keys and values are projections of the same patches, and a class
# token (or the mean) is read out. (2) *Detection*: in DETR (Carion et al., 2020) some hundred learned object queries
# ask the image's feature positions, which are keys and values; each query answers with a box and a class. (3)
# *Segmentation*: in Mask2Former (Cheng et al., 2022) queries stand for segments, and the dot product of a query with
# every pixel's feature is its mask. (4) *Text and image*: words are the queries and image positions the keys and
# values (captioning), or the other way round (diffusion models). Channel attention and gates (SE, CBAM) also carry the
# name; they scale features by learned weights, with no queries and keys.
#
# **Patches, not pixels.** The scores grow with the square of the number of tokens. A 224 × 224 image has 50,176
# pixels, 2.5 billion scores a head; with 16 × 16 patches it has 196 tokens and 38,416 scores. For larger maps
# attention is kept to windows (Swin, Liu et al., 2021).
#
# **Positions.** Without position information self-attention does not know where a patch was: shuffled patches give
# shuffled outputs. Learned, sinusoidal or relative position encodings put the grid back.
#
# **When a CNN.** A convolution is built for neighbourhood and translation: with few training images it learns faster,
# and it costs linear time in pixels. ViT overtakes it with large-scale pretraining or strong augmentation. Hybrids
# take a CNN's feature map as tokens.

# %% [markdown] tags=["answer", "discussion"] lang="zh"
# **用法。**（1）*分类*：Vision Transformer 以图像块为词元，自注意力从第一层起就让每个块询问所有其他块；查询、键、
# 值都是这些块的投影，最后读出类别词元（或取平均）。（2）*检测*：DETR（Carion 等，2020）
# 用约一百个可学习的目标查询去问图像特征的各个位置（键和值），每个查询回答一个框和一个类别。（3）*分割*：
# Mask2Former（Cheng 等，2022）的每个查询代表一个区域，它与每个像素特征的点积就是该区域的掩码。（4）*图文*：以词为查询、
# 以图像位置为键和值（图像描述），或者反过来（扩散模型）。通道注意力和门（SE、CBAM）也叫注意力，
# 但它们只是用学到的权重缩放特征，没有查询和键。
#
# **用图像块而不用像素。** 打分个数是词元数的平方。224 × 224 的图像有 50,176 个像素，每个头 25 亿个打分；用 16 × 16
# 的块只有 196 个词元、38,416 个打分。更大的特征图则把注意力限制在窗口内（Swin；Liu 等，2021）。
#
# **位置。** 没有位置信息，自注意力不知道块原来在哪里：打乱输入的块，输出只是同样地被打乱。可学习的、
# 正弦的或相对的位置编码把网格结构补回来。
#
# **何时用 CNN。** 卷积天生就有局部性和平移等变性：训练图像少时学得更快，计算量与像素数成线性。
# 有大规模预训练或强数据增广时，ViT 会反超。混合做法是把 CNN 的特征图当作词元。

# %% [markdown] tags=["rubric"]
# - Names at least three uses (classification, detection, segmentation, captioning, generation) and, for each, what the
#   queries, keys and values are; "focuses on important regions" alone is not enough.
# - Says how an image becomes a sequence: patches or positions of a feature map as tokens.
# - Gives the cost: quadratic in the number of tokens, hence patches, windows or downsampled maps; with a number or a
#   formula.
# - Says that position information must be added, because self-attention by itself ignores the arrangement of the
#   patches.
# - Compares with a CNN: locality and translation built in against global mixing learned from data; names a case for
#   each, or a hybrid.

# %% [markdown] tags=["rubric"] lang="zh"
# - 至少举出三种用法（分类、检测、分割、图像描述、生成），并说明每种用法的查询、键和值；只说“关注重要区域”不够。
# - 说明图像如何变成序列：以图像块或特征图的位置为词元。
# - 给出代价：与词元数的平方成正比，因此要用图像块、窗口或降采样的特征图；要有数字或公式。
# - 指出必须加入位置信息，因为自注意力本身不关心图像块的排列。
# - 与 CNN 比较：一个内建局部性和平移等变性，一个从数据中学习全局混合；各举一个适用场景，或说明混合做法。

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Your patch embedding is a linear layer on `patchify(images, 16)`. Which convolution is it the same as?
# 2. Halve the patch size: what happens to the number of tokens, and to the cost of one attention layer?
# 3. A model trained on 224 × 224 gets 384 × 384. What breaks, and what do you do with its position embeddings?
# 4. Masked autoencoders (He et al., 2022) drop 75 % of the patches before the encoder. Why can they, where a CNN
#    cannot?

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 你的 patch embedding 是对 `patchify(images, 16)` 做线性变换。它等价于怎样的卷积？
# 2. 块边长减半：词元数和一层注意力的代价各变为多少？
# 3. 在 224 × 224 上训练的模型拿到 384 × 384 的图像，哪里会出问题？位置嵌入怎么处理？
# 4. 掩码自编码器（MAE；He 等，2022）在编码器之前丢掉 75 % 的块。为什么它可以，而 CNN 不行？

# %% [markdown] tags=["hint"]
# Give height and width two axes each, which patch and which pixel inside it, and only then change their order. A
# `view` alone never moves a number.

# %% [markdown] tags=["hint"] lang="zh"
# 把高和宽各拆成两个维度：第几个块、块内第几个像素，然后再调整次序。单靠 `view` 不会移动任何一个数。

# %% [markdown] tags=["hint"]
# `(B, C, H/p, p, W/p, p)`: which of these six axes belong to the number of the patch, and which to its content?
# `permute` brings the first kind to the front.

# %% [markdown] tags=["hint"] lang="zh"
# `(B, C, H/p, p, W/p, p)`：这六个维度中，哪些属于块的编号，哪些属于块的内容？用 `permute` 把前一类移到前面。

# %% [markdown] tags=["hint"]
# Forward: reshape to `(B, C, H//p, p, W//p, p)`, `permute(0, 2, 4, 1, 3, 5)`, reshape. Back: reshape to
# `(B, H//p, W//p, C, p, p)`, `permute(0, 3, 1, 4, 2, 5)`, reshape. First of all, `ValueError` if `H % p or W % p`.

# %% [markdown] tags=["hint"] lang="zh"
# 正向：reshape 成 `(B, C, H//p, p, W//p, p)`，`permute(0, 2, 4, 1, 3, 5)`，再 reshape。逆向：reshape 成
# `(B, H//p, W//p, C, p, p)`，`permute(0, 3, 1, 4, 2, 5)`，再 reshape。最前面先检查：`H % p or W % p` 时抛出
# `ValueError`。

# %% [markdown] tags=["discussion"]
# **Cost.** Nothing is computed, B·C·H·W numbers are copied once. Halving p gives 4 times the tokens and 16 times the
# scores.
#
# **Traps.** A wrong order trains, too, since the first linear layer can learn any fixed order of the numbers *inside*
# a patch. It breaks when weights come from elsewhere. Pixels that went to the wrong patch (`view` without `permute`)
# are lost to it for good. Conventions differ: the masked-autoencoder code has the channel last inside a patch.
#
# **In real libraries** patching and the first linear layer are one `nn.Conv2d(C, E, kernel_size=p, stride=p)`, whose
# weight `(E, C, p, p)` flattens to this very order.

# %% [markdown] tags=["discussion"] lang="zh"
# **代价。** 不做任何计算，只把 B·C·H·W 个数复制一遍。p 减半，词元数变为 4 倍，打分个数变为 16 倍。
#
# **陷阱。** 次序错了也能训练，因为第一个线性层可以适应*块内*任何固定的次序；换用别处的权重时才会出错。
# 而分错了块的像素（只 `view` 不 `permute`）就再也找不回来。约定并不统一：MAE 的代码在块内把通道放在最后。
#
# **实际的库。** 切块与第一个线性层合并为一个 `nn.Conv2d(C, E, kernel_size=p, stride=p)`，它的权重 `(E, C, p, p)`
# 展平后正是这里的次序。
