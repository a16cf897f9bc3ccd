# %% [markdown]
# > *"Attention was made for sentences. What is it good for in images, and how do you make a sequence out of one?"*
#
# "It helps the model to focus on the key regions" is the answer that everybody gives, for classification, detection and
# segmentation alike, and it says nothing. Say what the tokens are, where queries, keys and values come from, and what
# it costs.
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
# When it is written, `self_review("vision_applications")` shows a model answer, and what yours should hold.

# %% [markdown] lang="zh"
# > *“注意力是为句子发明的。它在图像里有什么用？怎样把一幅图像变成一个序列？”*
#
# “帮助模型关注图像中的关键区域”是人人都会给的答案，分类、检测、分割通用，等于什么也没说。
# 请说明词元是什么，查询、键和值来自哪里，开销有多大。
#
# **第一部分：代码。** Vision Transformer（Dosovitskiy 等，2021）把图像切成方块，每个方块作为一个词元。
#
# - `patchify(images, patch_size)`：`(B, C, H, W)` → `(B, N, C·p·p)`，其中 p = `patch_size`，N = (H/p)·(W/p)。
# - `unpatchify(patches, patch_size, channels, height, width)`：精确的逆运算，还原为 `(B, channels, height, width)`。
#
# 图块（patch）按阅读顺序编号：逐行，从左到右。图块内各数的次序与图像相同：先通道，再行，再列。
# （步长为 p 的 `F.unfold` 给出同样的次序。）高或宽不是 `patch_size` 的整数倍时，两者都抛出 `ValueError`；
# 不裁剪也不填充。H 与 W 可以不同。保持 dtype 和设备，不修改输入，梯度可以通过。
#
# **手算一例。** 一个通道，2 × 4 个像素，两行为 [0, 1, 2, 3] 和 [4, 5, 6, 7]，p = 2。两个图块：[0, 1, 4, 5] 和 [2, 3, 6, 7]。
# （`images.view(1, 2, 4)` 的形状也对，得到的却是 [0, 1, 2, 3] 和 [4, 5, 6, 7]：那是两行，不是两个图块。）
#
# **第二部分：文字。** 举出注意力在视觉中的至少三种用法，并说明每种用法的查询、键和值各是什么。
# 再回答：为什么用图块而不用像素，位置信息有什么用，什么时候你更愿意用 CNN。
# 写完之后，`self_review("vision_applications")` 会给出参考答案和应当包含的要点。

# %% tags=["demo"]
# Which patch each pixel of a 4 × 6 image belongs to, for p = 2: six patches, numbered like reading a page.
import torch
from grader import heatmap

patches = torch.arange(6.0).view(2, 3).repeat_interleave(2, 0).repeat_interleave(2, 1)
# And what a mere view(1, 6, 4) makes of the same 24 pixels: six pieces of rows, which have the right shape and are no squares.
pieces = torch.arange(24).view(4, 6) // 4
heatmap(patches, title="patch of each pixel") + heatmap(pieces, title="piece of each pixel, by view alone")

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
from grader import check, hint, self_review

check(patchify, unpatchify)

# %% [markdown] tags=["answer"]
# **Uses.** (1) *Classification*: in a Vision Transformer the tokens are patches, and self-attention lets every patch
# attend to all others, from the first layer on; queries, keys and values are projections of the same patches, and a
# class token (or the mean) is read out. (2) *Detection*: in DETR (Carion et al., 2020) a hundred learned object queries
# attend to the image's feature positions, which are keys and values; each query gives a box and a class. (3)
# *Segmentation*: in Mask2Former (Cheng et al., 2022) queries stand for segments, and the dot product of a query with
# every pixel's feature is its mask. (4) *Text and image*: words are the queries and image positions the keys and values
# (captioning), or the other way round (diffusion models). Channel attention and gates (SE, CBAM) also carry the name;
# they scale features by learned weights, with no queries and keys.
#
# **Patches, not pixels.** The scores grow with the square of the number of tokens. A 224 × 224 image has 50,176
# pixels, 2.5 billion scores a head; with 16 × 16 patches it has 196 tokens and 38,416 scores. For larger maps
# attention is limited to windows (Swin, Liu et al., 2021).
#
# **Positions.** Without position information self-attention does not know where a patch was: shuffled patches give
# shuffled outputs. Learned, sinusoidal or relative position encodings put the grid back.
#
# **When a CNN.** A convolution has an inductive bias: it looks at neighbours, and treats every place alike. So it needs
# fewer training images, and its cost is linear in the number of pixels. ViT overtakes it with large-scale pretraining
# (Dosovitskiy et al., 2021), or reaches it with strong augmentation (DeiT, Touvron et al., 2021). Hybrids take a CNN's
# feature map as tokens.

# %% [markdown] tags=["answer"] lang="zh"
# **用法。**（1）*分类*：Vision Transformer 以图块为词元，自注意力从第一层起就让每个图块都能关注其他所有图块；
# 查询、键、值都是这些图块的投影，最后读出类别词元（或取平均）。
# （2）*检测*：DETR（Carion 等，2020）用一百个可学习的目标查询去关注图像特征的各个位置（键和值），每个查询给出一个框和一个类别。
# （3）*分割*：Mask2Former（Cheng 等，2022）的每个查询代表一个区域，它与每个像素特征的点积就是该区域的掩码。
# （4）*图文*：以词为查询、以图像位置为键和值（图像描述），或者反过来（扩散模型）。
# 通道注意力和门（SE、CBAM）也叫注意力，但它们只是用学到的权重缩放特征，没有查询和键。
#
# **用图块而不用像素。** 注意力分数的个数是词元数的平方。224 × 224 的图像有 50,176 个像素，每个头有 25 亿个注意力分数；
# 用 16 × 16 的图块只有 196 个词元、38,416 个分数。更大的特征图则把注意力限制在窗口内（Swin；Liu 等，2021）。
#
# **位置。** 没有位置信息，自注意力不知道图块原来在哪里：打乱输入的图块，输出只是同样地被打乱。
# 可学习的、正弦的或相对的位置编码把网格结构补回来。
#
# **何时用 CNN。** 卷积自带归纳偏置，即局部性和平移等变性：所需的训练图像更少，计算量与像素数成线性。
# 有大规模预训练时 ViT 会反超（Dosovitskiy 等，2021），用强数据增强也能追平（DeiT；Touvron 等，2021）。
# 混合做法是把 CNN 的特征图当作词元。

# %% [markdown] tags=["rubric"]
# - Names at least three uses (classification, detection, segmentation, captioning, generation) and, for each, what the
#   queries, keys and values are; "focuses on important regions" alone is not enough.
# - Says how an image becomes a sequence: patches or positions of a feature map as tokens.
# - Gives the cost: quadratic in the number of tokens, hence patches, windows or downsampled maps; with a number or a
#   formula.
# - Says that position information must be added, because self-attention by itself ignores the arrangement of the
#   patches.
# - Compares with a CNN: locality and translation built in (inductive bias) against global mixing learned from data;
#   names a case for each, or a hybrid.

# %% [markdown] tags=["rubric"] lang="zh"
# - 至少举出三种用法（分类、检测、分割、图像描述、生成），并说明每种用法的查询、键和值；只说“关注重要区域”不够。
# - 说明图像如何变成序列：以图块或特征图的位置为词元。
# - 给出开销：与词元数的平方成正比，因此要用图块、窗口或降采样的特征图；要有数字或公式。
# - 指出必须加入位置信息，因为自注意力本身不关心图块的排列。
# - 与 CNN 比较：卷积自带局部性和平移等变性（归纳偏置），自注意力则从数据中学习全局混合；各举一个适用场景，或说明混合做法。

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. Your patch embedding is a linear layer on `patchify(images, 16)`. Which convolution is it the same as?
#    > `nn.Conv2d(C, E, kernel_size=16, stride=16)`. With stride equal to the kernel size the windows do not overlap,
#    > so each output position is one linear function of one patch. The weights are the same numbers too: the
#    > convolution's weight (E, C, 16, 16) flattened to (E, C·16·16) is the linear layer's, because a patch here is
#    > ordered channel, row, column. Real ViT code uses the convolution.
# 2. Halve the patch size: what happens to the number of tokens, and to the cost of one attention layer?
#    > Four times the tokens and sixteen times the scores; the whole layer lies in between, because its four
#    > projections are linear in the tokens. For ViT-B (E = 768) at 224 × 224, going from patch 16 to 8 means 196 to
#    > 784 tokens. The projections take 4·N·E² multiply-adds, 0.46 then 1.85 billion; scores and weighted sum take
#    > 2·N²·E, 0.06 then 0.94 billion. Together the layer costs 5.4 times as much.
# 3. A model trained on 224 × 224 gets 384 × 384. What breaks, and what do you do with its position embeddings?
#    > Only the learned position embeddings break: with 16 × 16 patches there are 24 × 24 = 576 tokens where the table
#    > has 14 × 14 = 196. Patch embedding, attention and MLP work on any number of tokens. One reshapes the table to 14
#    > × 14, resizes it to 24 × 24 by bicubic or bilinear interpolation and flattens it again; the class token's entry
#    > stays as it is. Dosovitskiy et al. (2021) do this, and then fine-tune at the new size. The attention also
#    > becomes (576/196)² ≈ 8.6 times as expensive in its scores.
# 4. Masked autoencoders (He et al., 2022) drop 75 % of the patches before the encoder. Why can they, where a CNN
#    cannot?
#    > Because a Transformer works on a set of tokens, and each one carries its position. Leaving out 147 of 196
#    > patches leaves 49 tokens, and the encoder runs on these alone: it does a quarter of the token-wise work and 1/16
#    > of the scores. A convolution needs a complete grid: the missing places would have to be filled with something,
#    > which costs full time and leaks false edges at the holes. A small decoder then gets mask tokens at the missing
#    > places and restores the pixels.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 你的图块嵌入（patch embedding）是对 `patchify(images, 16)` 做线性变换。它等价于怎样的卷积？
#    > `nn.Conv2d(C, E, kernel_size=16, stride=16)`。步长等于卷积核大小，窗口互不重叠，所以每个输出位置就是一个图块的线性函数。
#    > 权重也是同样的数：卷积的权重 (E, C, 16, 16) 展平成 (E, C·16·16) 就是线性层的权重，因为这里图块内的次序是通道、行、列。实际的 ViT 代码用的就是这个卷积。
# 2. 图块边长减半：词元数和一层注意力的计算量各变为多少？
#    > 词元数变为 4 倍，注意力分数的个数变为 16 倍；整层的计算量介于两者之间，因为四个投影与词元数成线性。
#    > 以 224 × 224 输入的 ViT-B（E = 768）为例，图块边长从 16 变为 8，词元从 196 变为 784。投影需要 4·N·E² 次乘加，从 4.6 亿变为 18.5 亿；
#    > 注意力分数与加权求和需要 2·N²·E 次，从 0.6 亿变为 9.4 亿。整层合计是原来的 5.4 倍。
# 3. 在 224 × 224 上训练的模型拿到 384 × 384 的图像，哪里会出问题？位置嵌入怎么处理？
#    > 出问题的只有可学习的位置嵌入：图块为 16 × 16 时现在有 24 × 24 = 576 个词元，而表里只有 14 × 14 = 196 个。图块嵌入、注意力和 MLP 对任意个数的词元都能用。
#    > 做法是把表还原成 14 × 14，用双三次或双线性插值放大到 24 × 24，再展平；类别词元的那一项保持不变。Dosovitskiy 等（2021）就是这样做的，然后在新尺寸上微调。
#    > 另外，注意力分数的个数变为 (576/196)² ≈ 8.6 倍。
# 4. 掩码自编码器（MAE；He 等，2022）在编码器之前丢掉 75 % 的图块。为什么它可以，而 CNN 不行？
#    > 因为 Transformer 处理的是词元的集合，每个词元自带位置信息。196 个图块丢掉 147 个，剩下 49 个词元，编码器只处理它们：逐词元的计算量是 1/4，注意力分数是 1/16。
#    > 卷积需要完整的网格：缺失的位置必须填上某个值，计算量一点没少，空洞边缘还会产生虚假的边界。随后，一个小的解码器在缺失的位置放入掩码词元，并还原像素。

# %% [markdown] tags=["hint"]
# Give height and width two axes each, which patch and which pixel inside it, and only then change their order. A
# `view` alone never moves a number.

# %% [markdown] tags=["hint"] lang="zh"
# 把高和宽各拆成两个维度：第几个图块、图块内第几个像素，然后再调整次序。单靠 `view` 不会移动任何一个数。

# %% [markdown] tags=["hint"]
# `(B, C, H/p, p, W/p, p)`: which of these six axes belong to the number of the patch, and which to its content?
# `permute` brings the first kind to the front.

# %% [markdown] tags=["hint"] lang="zh"
# `(B, C, H/p, p, W/p, p)`：这六个维度中，哪些属于图块的编号，哪些属于图块的内容？用 `permute` 把前一类移到前面。

# %% [markdown] tags=["hint"]
# Forward: reshape to `(B, C, H//p, p, W//p, p)`, `permute(0, 2, 4, 1, 3, 5)`, reshape. Back: reshape to
# `(B, H//p, W//p, C, p, p)`, `permute(0, 3, 1, 4, 2, 5)`, reshape. First of all, `ValueError` if `H % p or W % p`.

# %% [markdown] tags=["hint"] lang="zh"
# 正向：reshape 成 `(B, C, H//p, p, W//p, p)`，`permute(0, 2, 4, 1, 3, 5)`，再 reshape。
# 逆向：reshape 成 `(B, H//p, W//p, C, p, p)`，`permute(0, 3, 1, 4, 2, 5)`，再 reshape。
# 最前面先检查：`H % p or W % p` 时抛出 `ValueError`。

# %% [markdown] tags=["discussion"]
# **Cost.** Nothing is computed, B·C·H·W numbers are copied once. Halving p gives 4 times the tokens and 16 times the
# scores.
#
# **Traps.** A wrong order *inside* a patch can go unnoticed in training, since the first linear layer can learn any
# fixed order. It shows when weights come from elsewhere. Pixels in the wrong patch (`view` without `permute`) are
# worse: a token then no longer stands for one place. Conventions differ: the masked-autoencoder code has the channel
# last inside a patch.
#
# **In real libraries** patching and the first linear layer are one `nn.Conv2d(C, E, kernel_size=p, stride=p)`, whose
# weight `(E, C, p, p)` flattens to this very order.
#
# **Today.** The ViT is the usual image encoder: DINOv2 (Oquab et al., 2023) learns without labels, SigLIP (Zhai et
# al., 2023) from image-text pairs, and SAM (Kirillov et al., 2023) segments from prompts. Changes to attention itself:
# QK-norm, which keeps the scores from growing during training (ViT-22B, Dehghani et al., 2023); register tokens, which
# collect what otherwise lands on background patches (Darcet et al., 2024); images of any size packed into one sequence
# (NaViT, Dehghani et al., 2023). Image generators also use patches as tokens (DiT, Peebles and Xie, 2023). How much
# inductive bias to build in is still an open question: with enough data the plain ViT needs little, and ConvNeXt (Liu
# et al., 2022) shows that a modern CNN keeps up.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 不做任何计算，只把 B·C·H·W 个数复制一遍。p 减半，词元数变为 4 倍，注意力分数的个数变为 16 倍。
#
# **陷阱。** *图块内*的次序错了，训练时可能看不出来，因为第一个线性层可以适应任何固定的次序；加载别处的权重时才会出错。
# 像素分到了错误的图块（只 `view` 不 `permute`）更糟：词元不再对应图像的某一个位置。
# 约定并不统一：MAE 的代码在图块内把通道放在最后。
#
# **实际的库。** 切块与第一个线性层合并为一个 `nn.Conv2d(C, E, kernel_size=p, stride=p)`，
# 它的权重 `(E, C, p, p)` 展平后正是这里的次序。
#
# **如今。** ViT 是常用的图像编码器：DINOv2（Oquab 等，2023）不用标签学习，SigLIP（Zhai 等，2023）从图文对学习，SAM（Kirillov 等，2023）按提示分割。
# 注意力本身也有改进：QK-norm 防止训练中注意力分数不断增大（ViT-22B；Dehghani 等，2023）；
# 寄存器词元（register tokens）收集原本会落在背景图块上的全局信息（Darcet 等，2024）；NaViT（Dehghani 等，2023）把任意尺寸的图像拼进一个序列。
# 图像生成模型也以图块为词元（DiT；Peebles 和 Xie，2023）。应当内置多少归纳偏置仍无定论：数据足够时，普通的 ViT 几乎不需要；而 ConvNeXt（Liu 等，2022）表明现代的 CNN 同样跟得上。
