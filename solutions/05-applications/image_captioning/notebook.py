# %% [markdown]
# > *"A convolutional network has read an image, a decoder writes the caption. Connect them, so that every word can look at a different part of the picture."*
#
# For "a red ball on green grass" the word *red* should take its features from the ball, and *grass* from the ground
# around it. Two shortcuts do not allow this. One re-weights the channels of the feature map and calls that "attention
# on the image": it is the same for every word. The other hands the feature map `(B, E, H, W)` to a decoder that expects
# a sequence. What is missing in both is the step from a grid to a sequence, and a **cross-attention** from the words to
# it.
#
# **Write** the `forward` of `ImageCaptioner(vocab_size, embed_dim, num_heads, channels=3, max_len=64)`.
#
# | | shape | |
# |---|---|---|
# | `images` | `(B, channels, height, width)` | height and width may differ and may be odd |
# | `captions` | `(B, T)` | int64, without padding, T up to `max_len`, inclusive |
# | returns | `(B, T, vocab_size)` | logits: no softmax |
#
# 1. tokens: `cnn`(images) is `(B, E, H, W)`, with H and W about a quarter of the image's. Make it a sequence `(B, H·W, E)`: **one token for every place, made of that place's E features.**
# 2. y = `embedding`(captions) + `positions`(0 … T−1)
# 3. y = y + `self_attention`(y, y, y), causal: position t sees 0 … t, itself included
# 4. y = y + `cross_attention`(y, tokens, tokens): every word may look at the whole image
# 5. return `head`(y)
#
# - The layers are built in the stub and allowed; their names are part of the contract, because weights are loaded by name. The image tokens get no positions; there are no norms, no scaling of the embeddings and no dropout.
# - **The boolean masks of `nn.MultiheadAttention` mean the opposite of this course's: True = may *not* attend.**
# - The logits have the dtype of the parameters; nothing is changed in place; gradients flow to the image and to every layer.
#
# **By hand.** Let E = 2 and the feature map be 1 × 3: channel 0 is [1, 2, 3], channel 1 is [10, 20, 30]. The tokens are
# [1, 10], [2, 20], [3, 30]. A `view` or `reshape` to `(3, 2)` makes [1, 2], [3, 10], [20, 30] of the same six numbers: it
# mixes places and channels, and raises no error.

# %% [markdown] lang="zh"
# > *“卷积网络提取了图像特征，解码器来写描述。把两者连起来，让每个词都能关注图像的不同部分。”*
#
# 描述“绿草地上的一个红球”时，“红”应当从球所在的位置取特征，“草地”应当从周围的地面取。有两种常见的简化做法都做不到。
# 一种是给特征图的通道重新加权，称之为“图像上的注意力”：它对每个词都一样。
# 另一种是把特征图 `(B, E, H, W)` 直接交给需要序列的解码器。
# 两者都缺少从网格到序列的一步，以及从词到图像的**交叉注意力**。
#
# **请实现** `ImageCaptioner(vocab_size, embed_dim, num_heads, channels=3, max_len=64)` 的 `forward`。
#
# | | 形状 | |
# |---|---|---|
# | `images` | `(B, channels, height, width)` | 高和宽可以不同，也可以是奇数 |
# | `captions` | `(B, T)` | int64，没有填充，T 最大可以等于 `max_len` |
# | 返回值 | `(B, T, vocab_size)` | logits，不做 softmax |
#
# 1. tokens：`cnn`(images) 的形状是 `(B, E, H, W)`，H 和 W 约为图像的四分之一。把它变成序列 `(B, H·W, E)`：**每个位置一个词元，由该位置的 E 个特征组成。**
# 2. y = `embedding`(captions) + `positions`(0 … T−1)
# 3. y = y + `self_attention`(y, y, y)，因果：位置 t 能看到 0 … t，包括自己
# 4. y = y + `cross_attention`(y, tokens, tokens)：每个词都可以看整幅图像
# 5. 返回 `head`(y)
#
# - 各层已在代码框架中建好，可以使用；权重按名字加载，所以名字也是约定的一部分。图像词元不加位置编码；没有归一化，嵌入不做缩放，也没有 dropout。
# - **`nn.MultiheadAttention` 的布尔掩码与本课程的约定相反：True = *不可以*关注。**
# - logits 的 dtype 与参数相同；不得原地修改任何输入；梯度流向图像和每一层。
#
# **手算一例。** 设 E = 2，特征图为 1 × 3：通道 0 是 [1, 2, 3]，通道 1 是 [10, 20, 30]。词元为 [1, 10]、[2, 20]、[3, 30]。
# 而 `view` 或 `reshape` 成 `(3, 2)` 会把同样的六个数变成 [1, 2]、[3, 10]、[20, 30]：位置和通道混在一起，却不报错。

# %% tags=["demo"]
# The six numbers of the example by hand: tokens as they should be (one row a place), and what reshape makes of them.
import torch
from grader import heatmap

features = torch.tensor([[[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]]])  # (E, H, W)
heatmap(features[:, 0].T, title="one row a place") + heatmap(features.reshape(3, 2), title="reshape")

# %% tags=["demo"]
# What cross-attention makes of right tokens. A picture of 4 × 6 places with two features, "red" and "green": a ball on grass.
picture = torch.zeros(2, 4, 6)
picture[0, 1:3, 2:4] = 1.0
picture[1, 3] = 1.0
places = torch.stack([picture[:, row, column] for row in range(4) for column in range(6)])
words = torch.tensor([[4.0, 0.0], [0.0, 4.0]])
red, green = torch.softmax(words @ places.T, dim=-1).view(2, 4, 6)
heatmap(red, title="where the word red looks") + heatmap(green, title="where the word green looks")

# %% tags=["given"]
import torch
import torch.nn.functional as F
from torch import nn

# %% tags=["solution"]
class ImageCaptioner(nn.Module):
    """A caption's logits: words attend to the words before them, then to every place of the image."""

    def __init__(self, vocab_size, embed_dim, num_heads, channels=3, max_len=64):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, embed_dim, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(embed_dim, embed_dim, 3, stride=2, padding=1),
        )
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.positions = nn.Embedding(max_len, embed_dim)
        self.self_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.head = nn.Linear(embed_dim, vocab_size)

    def forward(self, images, captions):
        """images: (B, channels, height, width). captions: int64 (B, T). Returns logits (B, T, vocab_size)."""
        ### BEGIN SOLUTION
        T = captions.shape[1]
        tokens = self.cnn(images).flatten(2).transpose(1, 2)
        y = self.embedding(captions) + self.positions(torch.arange(T, device=captions.device))
        future = torch.ones(T, T, dtype=torch.bool, device=captions.device).triu(1)
        y = y + self.self_attention(y, y, y, attn_mask=future)[0]
        y = y + self.cross_attention(y, tokens, tokens)[0]
        return self.head(y)
        ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("image_captioning")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("image_captioning")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(ImageCaptioner)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. The image tokens have no positions here. What about the picture can this model not know, and what does it know
#    all the same?
#    > It cannot know where things are: attention sees a set of tokens, so "left of" and "above" are lost, and the same
#    > parts in another arrangement look the same. It does know what is there, and local structure, because each
#    > feature was computed by two 3 × 3 convolutions with stride 2 and so has seen 7 × 7 pixels. A little position
#    > leaks in at the border, where the convolution sees its zero padding; networks do learn to use that (Islam et
#    > al., 2020).
# 2. Someone averages the feature map to one token. What are the weights of the cross-attention then, and what is its
#    gradient with respect to the queries?
#    > All weights are exactly 1, since a softmax over one score is 1 whatever the score is. For the same reason the
#    > gradient with respect to the queries through this attention is exactly 0, and the projections of queries and
#    > keys get no gradient from it either. Each word receives the same vector, so nothing depends on the word: the
#    > layer adds one vector, the same at every position of a caption.
# 3. How does the cost grow with the side of the image? What does a ViT do at the same place as this `cnn`?
#    > The number of tokens is H·W, so it grows with the square of the side: twice the side gives four times the
#    > tokens. The cross-attention has T·H·W scores, so its cost grows in the same way, by 4. If the image tokens
#    > attended to each other, as in a ViT, the scores would grow by 16. A ViT cuts the image into 16 × 16 patches and
#    > projects each with one linear layer, which is a convolution with kernel 16 and stride 16 (Dosovitskiy et al.,
#    > 2021).
# 4. How would you show a user which part of the picture a word came from?
#    > I would take that word's cross-attention weights, average them over the heads, reshape the H·W numbers to H × W,
#    > enlarge them to the image and lay them over it, as Xu et al. (2015) did. I would also say what the picture does
#    > not prove. A weight shows where values were taken from, not why the word was chosen; several different
#    > weightings can give the same answer (Jain and Wallace, 2019). A stronger test is to cover that region and see
#    > whether the word's probability falls.
# 5. The model has been trained on true captions and must now write from its own words. What can go wrong?
#    > Errors can build up. In training each word is predicted after the true words before it (teacher forcing); when
#    > writing, it follows the model's own words, and after one mistake the model is in a state that it never saw in
#    > training. This is called exposure bias (Ranzato et al., 2016). Typical signs are repetition and objects that are
#    > not in the picture. Remedies: scheduled sampling (Bengio et al., 2015), training on whole captions with a reward
#    > such as CIDEr, and beam search, which only eases the problem.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. 这里的图像词元没有位置编码。关于图像，这个模型有什么无从知道？又有什么仍然知道？
#    > 它不知道东西在哪里：注意力看到的是一个词元的集合，“在左边”“在上方”这样的信息丢失了，同样的内容换一种摆放方式看起来完全一样。
#    > 它仍然知道有什么，也知道局部结构：每个特征由两个步长为 2 的 3 × 3 卷积算出，已经看过 7 × 7 个像素。边界处的卷积会看到补零，泄露了一点位置信息，网络确实能学会利用它（Islam 等，2020）。
# 2. 有人把特征图平均成一个词元。这时交叉注意力的权重是多少？它对查询的梯度是什么？
#    > 所有权重恰好是 1，因为只有一个得分时，无论得分是多少，softmax 都等于 1。同理，经由这层注意力对查询的梯度恰好是 0，查询和键的投影也得不到梯度。
#    > 每个词拿到的是同一个向量，与词无关：对同一幅图像，这一层只是在每个位置上加上同一个向量。
# 3. 开销随图像边长怎样增长？ViT 在这个 `cnn` 的位置上做了什么？
#    > 词元数是 H·W，按边长的平方增长：边长加倍，词元变为 4 倍。交叉注意力有 T·H·W 个得分，所以开销也变为 4 倍。如果像 ViT 那样让图像词元互相关注，得分的个数就变为 16 倍。
#    > ViT 把图像切成 16 × 16 的图块，每块过一个线性层，这等价于卷积核为 16、步长为 16 的卷积（Dosovitskiy 等，2021）。
# 4. 怎样向用户展示某个词来自图像的哪个部分？
#    > 取出该词的交叉注意力权重，在各个头上取平均，把 H·W 个数还原成 H × W，放大到原图大小后叠加显示，Xu 等（2015）就是这样做的。同时要说明这张图不能证明什么：权重只说明值取自哪里，不说明为什么选了这个词；
#    > 不同的权重分布可以给出同样的答案（Jain 和 Wallace，2019）。更可靠的检验是遮住该区域，看这个词的概率是否下降。
# 5. 模型用真实描述训练，现在要根据自己写出的词继续写。可能出什么问题？
#    > 错误会累积。训练时每个词都接在真实的前文之后（teacher forcing），生成时接的却是模型自己写的词；一旦出错，模型就进入了训练中从未见过的状态。
#    > 这称为暴露偏差（exposure bias；Ranzato 等，2016）。典型表现是重复，以及写出图中没有的物体。
#    > 对策有：计划采样（scheduled sampling；Bengio 等，2015），以 CIDEr 等指标为奖励、针对整句训练，以及束搜索，不过束搜索只能缓解。

# %% [markdown] tags=["hint"]
# Draw the shapes first: a grid of features becomes a sequence of places. Of the two attentions, only one needs a mask.

# %% [markdown] tags=["hint"] lang="zh"
# 先把形状画出来：特征网格变成位置的序列。两个注意力中，只有一个需要掩码。

# %% [markdown] tags=["hint"]
# Merge H and W, which are next to each other, into one axis; then *exchange* it with the channels. A reshape never
# exchanges axes. The causal mask is for the library: True above the diagonal. Each attention returns a pair.

# %% [markdown] tags=["hint"] lang="zh"
# 把相邻的 H 和 W 合并成一个维度，再与通道维*交换*。reshape 从不交换维度。因果掩码是给库用的：对角线以上为 True。每个注意力都返回一对值。

# %% [markdown] tags=["hint"]
# `self.cnn(images).flatten(2).transpose(1, 2)` are the tokens. The self-attention gets
# `attn_mask=torch.ones(T, T, dtype=torch.bool).triu(1)` on the captions' device, the cross-attention (y, tokens, tokens) and
# no mask; both results are added to y.

# %% [markdown] tags=["hint"] lang="zh"
# `self.cnn(images).flatten(2).transpose(1, 2)` 就是词元。
# 自注意力传入 `attn_mask=torch.ones(T, T, dtype=torch.bool).triu(1)`（与 captions 同设备），交叉注意力用 (y, tokens, tokens)，不加掩码；两者的结果都加到 y 上。

# %% [markdown] tags=["discussion"]
# **Cost.** T² + T·H·W scores a head. H·W grows with the square of the image's side, which is why the picture is shrunk
# before: by strided convolutions here, by 16 × 16 patches in ViT (Dosovitskiy et al., 2021).
#
# **Grid to sequence.** In memory a feature map is channel after channel. `flatten(2)` keeps the channels' axis and merges the
# places; `transpose(1, 2)` exchanges the two. `view(B, H * W, E)` gives the right *shape* with numbers of different places
# in one token. Nothing raises an error, and the loss still falls, but no token stands for one place of the picture.
#
# **No positions on the image.** Attention over a set of tokens does not know where they were: swap two of them and no logit
# changes. A 3 × 3 convolution at the border sees its padding and leaks a little of the position; models that need to say
# "left of" add position embeddings.
#
# **Where it comes from.** Xu et al. (2015, "Show, Attend and Tell") let every word of a caption look at another place,
# with an LSTM as the decoder. Channel attention (squeeze and excitation) answers another question: which features
# matter in this image as a whole.
#
# **Today.** Captioning is one task of vision-language models, and there are two ways to connect the image. Flamingo
# (Alayrac et al., 2022) keeps cross-attention from the words to the image, in gated layers between those of a frozen
# language model. LLaVA (Liu et al., 2023) instead projects the tokens of a ViT and puts them before the words in the
# one sequence of a decoder-only model, so that its self-attention does the work. BLIP-2 (Li et al., 2023) first
# condenses the image to 32 learned queries. Exposure bias, the gap between training on true words and writing from
# one's own, remains in all of them.

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 每个头有 T² + T·H·W 个得分。H·W 随图像边长的平方增长，所以先要缩小图像：
# 这里用带步长的卷积，ViT 用 16 × 16 的图块（Dosovitskiy 等，2021）。
#
# **从网格到序列。** 特征图在内存中是一个通道接一个通道。`flatten(2)` 保留通道维、合并各位置，`transpose(1, 2)` 再交换两者。
# `view(B, H * W, E)` 得到的*形状*没错，但一个词元里混了不同位置的数。不会报错，损失也会下降，但没有哪个词元对应图像的某一个位置。
#
# **图像没有位置编码。** 对一组词元做注意力时并不知道它们原来在哪里：交换其中两个，logits 不变。
# 边界处的 3 × 3 卷积会看到补零，从而泄露一点位置信息；需要说出“在左边”的模型会加上位置编码。
#
# **来源。** Xu 等（2015，“Show, Attend and Tell”）让描述中的每个词看图像的不同位置，解码器是 LSTM。
# 通道注意力（squeeze-and-excitation）回答的是另一个问题：对整幅图像来说，哪些特征重要。
#
# **如今。** 图像描述已成为视觉语言模型的任务之一，接入图像的方式有两种。Flamingo（Alayrac 等，2022）保留从词到图像的交叉注意力，放在冻结的语言模型各层之间，并带有门控。
# LLaVA（Liu 等，2023）则把 ViT 的词元投影之后放在文字之前，与文字组成 decoder-only 模型的同一个序列，由自注意力来完成。BLIP-2（Li 等，2023）先用 32 个可学习的查询压缩图像信息。
# 暴露偏差（训练时接真实的词，生成时接自己写的词）在这些模型中依然存在。
