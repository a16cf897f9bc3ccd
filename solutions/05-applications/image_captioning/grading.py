"""How the image captioner is graded."""

from collections.abc import Iterator

import shared
import torch
from torch import nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    # With one word there is no future to see: what fails here is no mask.
    yield Case(
        "one word, every size different",
        (rand.normal(2, 3, 17, 13), rand.integers(0, 11, 2, 1)),
        init=(11, 8, 4),
        gradients=True,
        public=True,
    )
    yield Case(
        "several words, more than places",
        (rand.normal(3, 3, 6, 5), rand.integers(0, 11, 3, 7)),
        init=(11, 10, 2),
        init_kwargs={"max_len": 9},
        family="masking",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "several words, fewer than places",
        (rand.normal(2, 3, 11, 14), rand.integers(0, 9, 2, 5)),
        init=(9, 6, 3),
        family="masking",
        public=True,
    )
    yield Case(
        "as many words as places",
        (rand.normal(2, 3, 7, 8), rand.integers(0, 9, 2, 4)),
        init=(9, 6, 2),
        family="masking",
    )
    yield Case(
        "one channel, positions used up",
        (rand.normal(3, 1, 9, 12), rand.integers(0, 7, 3, 4)),
        init=(7, 12, 6, 1, 4),
        family="shape",
    )
    yield Case(
        "one place, one word, one head",
        (rand.normal(1, 3, 4, 3), rand.integers(0, 5, 1, 1)),
        init=(5, 6, 1),
        family="shape",
    )
    yield Case(
        "an image in another order of memory (non-contiguous)",
        (rand.normal(2, 3, 9, 10).transpose(2, 3), rand.integers(0, 7, 2, 4)),
        init=(7, 6, 2),
        family="shape",
    )
    yield Case(
        "training mode: there is no dropout",
        (rand.normal(2, 3, 9, 6), rand.integers(0, 7, 2, 3)),
        init=(7, 8, 2),
        train=True,
        family="state",
    )
    yield Case(
        "float64",
        (rand.normal(2, 3, 9, 4), rand.integers(0, 7, 2, 4)),
        init=(7, 6, 2),
        dtype="float64",
        family="dtype",
    )
    yield Case(
        "bfloat16",
        (rand.normal(2, 3, 5, 6), rand.integers(0, 5, 2, 3)),
        init=(5, 8, 2),
        dtype="bfloat16",
        family="dtype",
    )


def ImageCaptioner(vocab_size, embed_dim, num_heads, channels=3, max_len=64):
    """The oracle: one caption at a time, one word from the words up to it, the image gathered place by place."""

    class Captioner(nn.Module):
        def __init__(self):
            super().__init__()
            first = nn.Conv2d(channels, embed_dim, 3, stride=2, padding=1)
            second = nn.Conv2d(embed_dim, embed_dim, 3, stride=2, padding=1)
            self.cnn = nn.Sequential(first, nn.ReLU(), second)
            self.embedding, self.positions = nn.Embedding(vocab_size, embed_dim), nn.Embedding(max_len, embed_dim)
            self.self_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.head = nn.Linear(embed_dim, vocab_size)

        def forward(self, images, captions):
            return torch.stack([self.one(*pair) for pair in zip(images, captions, strict=True)])

        def one(self, image, caption):
            grid = self.cnn(image[None])[0]
            places = torch.stack([grid[:, i, j] for i in range(grid.shape[1]) for j in range(grid.shape[2])])
            y = self.embedding(caption) + self.positions.weight[: len(caption)]
            rows = []
            for t in range(len(caption)):
                last = y[t : t + 1]
                last = last + self.self_attention(last, y[: t + 1], y[: t + 1])[0]
                rows.append(last + self.cross_attention(last, places, places)[0])
            return self.head(torch.cat(rows))

    return Captioner()


TOKENS = "self.cnn(images).flatten(2).transpose(1, 2)"
POSITIONS = " + self.positions(torch.arange(T, device=captions.device))"
FUTURE = "torch.ones(T, T, dtype=torch.bool, device=captions.device).triu(1)"
SELF = "y = y + self.self_attention(y, y, y, attn_mask=future)[0]"
CROSS = "y = y + self.cross_attention(y, tokens, tokens)[0]"
OPEN = (", attn_mask=future", "")
NO_WEIGHTS = ("attn_mask=future", "attn_mask=future, need_weights=False")
ON_IMAGE = "attn_mask=torch.ones(T, tokens.shape[1], dtype=torch.bool, device=images.device).triu(1)"

mistakes = (
    mistake(
        "view-not-transpose",
        "shape",
        edit(TOKENS, "self.cnn(images)\n        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[1])"),
        edit(
            TOKENS,
            "self.cnn(images).transpose(2, 3)\n        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[1])",
        ),
        en="The feature map is reshaped to (B, H·W, E) without exchanging axes: every token mixes numbers of "
        "different places "
        "and channels. Merge H and W, then transpose: flatten(2).transpose(1, 2).",
        zh="特征图直接 reshape 成 (B, H·W, E)，没有交换维度：每个词元都混了不同位置和通道的数。先合并 H 和 W 再转置："
        "flatten(2).transpose(1, 2)。",
    ),
    mistake(
        "image-pooled",
        "numerics",
        edit(TOKENS, f"{TOKENS}.mean(dim=1, keepdim=True)"),
        edit(TOKENS, f"{TOKENS}.amax(dim=1, keepdim=True)"),
        edit(TOKENS, f"{TOKENS}.sum(dim=1, keepdim=True)"),
        edit(TOKENS, f"{TOKENS}[:, :1]"),
        en="The image is pooled to a single token: attention over one token has weight 1 whatever the word, so that "
        "no word can "
        "look at a part of the picture. Keep a token for every place.",
        zh="图像被池化成了一个词元：只有一个词元时，无论哪个词，注意力权重都是 1，没有词能看图像的某一部分。"
        "应当每个位置保留一个词元。",
    ),
    mistake(
        "rows-or-columns-pooled",
        "numerics",
        edit(TOKENS, "self.cnn(images).mean(dim=2).transpose(1, 2)"),
        edit(TOKENS, "self.cnn(images).mean(dim=3).transpose(1, 2)"),
        en="The image is pooled along one side: a token stands for a whole row or column. Keep a token for every "
        "place, H·W in "
        "all.",
        zh="图像沿一边被池化：一个词元代表了整行或整列。应当每个位置保留一个词元，共 H·W 个。",
    ),
    mistake(
        "causal-mask-on-image",
        "masking",
        edit((CROSS, f"y = y + self.cross_attention(y, tokens, tokens, {ON_IMAGE})[0]")),
        edit((CROSS, f"y = y + self.cross_attention(y, tokens, tokens, {ON_IMAGE})[0]"), OPEN),
        edit(CROSS, "y = y + self.cross_attention(y, tokens, tokens, attn_mask=future)[0]"),
        edit(OPEN, (CROSS, "y = y + self.cross_attention(y, tokens, tokens, attn_mask=future)[0]")),
        en="The causal mask is put on the image: a picture has no future, every word may look at all of it. The mask "
        "belongs to "
        "the self-attention over the words.",
        zh="因果掩码用到了图像上：图像没有“未来”，每个词都可以看整幅图。掩码应当用在词的自注意力上。",
    ),
    mistake(
        "future-visible",
        "masking",
        edit(*OPEN),
        edit(FUTURE, "torch.zeros(T, T, device=captions.device)"),
        en="The future is visible: a word attends to words that come after it. Hide them (attn_mask, True above the "
        "diagonal), "
        "or predicting the next word is copying it.",
        zh="能看到未来：词关注到了它后面的词。请屏蔽它们（attn_mask，对角线以上为 True），否则预测下一个词就成了抄写。",
    ),
    mistake(
        "causal-mask-inverted",
        "masking",
        edit(FUTURE, FUTURE.replace("triu(1)", "tril()")),
        edit((FUTURE, FUTURE.replace("triu(1)", "tril()")), NO_WEIGHTS),
        edit(FUTURE, FUTURE.replace("triu(1)", "tril(-1)")),
        en="The causal mask works the wrong way round: in nn.MultiheadAttention True means may not attend, so that "
        "you hide the "
        "past and show the future. True belongs above the diagonal.",
        zh="因果掩码用反了：在 nn.MultiheadAttention 中 True 表示不可以关注，结果屏蔽了过去、露出了未来。True "
        "应当在对角线以上。",
    ),
    mistake(
        "causal-mask-off-by-one",
        "masking",
        edit(FUTURE, FUTURE.replace("triu(1)", "triu()")),
        edit((FUTURE, FUTURE.replace("triu(1)", "triu()")), NO_WEIGHTS),
        edit(FUTURE, FUTURE.replace("triu(1)", "triu(2)")),
        en="The causal mask is off by one: position t sees 0 … t, itself and nothing after it. That is triu(1) hidden.",
        zh="因果掩码错了一位：位置 t 能看到 0 … t，即包括自己，但不包括之后的。应当屏蔽 triu(1)。",
    ),
    mistake(
        "causal-mask-as-numbers",
        "masking",
        edit(FUTURE, "torch.ones(T, T).triu(1).to(self.head.weight)"),
        edit(FUTURE, "torch.ones(T, T).tril().to(self.head.weight)"),
        en="The causal mask is passed as numbers 0 and 1: nn.MultiheadAttention adds such a mask to the scores, which "
        "hides "
        "nothing. Pass booleans, or 0 and −∞.",
        zh="因果掩码以 0 和 1 的数值传入：nn.MultiheadAttention 会把它加到打分上，什么也屏蔽不了。请传布尔值，或 0 和 "
        "−∞。",
    ),
    mistake(
        "causal-mask-nan",
        "masking",
        edit(FUTURE, "torch.ones(T, T).triu(1).to(self.head.weight) * float('-inf')"),
        edit(FUTURE, "torch.ones(T, T).triu(1) * float('-inf')"),
        en="The causal mask is made by multiplying with −∞, and 0 × −∞ is NaN: all that may be seen is NaN too. Pass "
        "booleans, "
        "or fill with −∞ by masked_fill.",
        zh="因果掩码是乘以 −∞ 得到的，而 0 × −∞ 是 NaN：该看到的也成了 NaN。请传布尔值，或用 masked_fill 填 −∞。",
    ),
    mistake(
        "cross-attends-words",
        "numerics",
        edit(CROSS, "y = y + self.cross_attention(y, y, y)[0]"),
        edit(CROSS, "y = y + self.cross_attention(y, y, y, attn_mask=future)[0]"),
        edit(CROSS, "y = y + self.cross_attention(y, tokens, y)[0]"),
        en="The cross-attention looks at the words themselves: its keys and values are the image's tokens, or the "
        "picture has "
        "no say.",
        zh="交叉注意力看的是词自己：它的键和值应当是图像词元，否则图像不起作用。",
    ),
    mistake(
        "cross-from-wrong-side",
        "numerics",
        edit(CROSS, "y = tokens + self.cross_attention(tokens, y, y)[0]"),
        edit(CROSS, "y = self.cross_attention(tokens, y, y)[0]"),
        edit(CROSS, "y = y + self.cross_attention(tokens, y, y)[0]"),
        en="The cross-attention runs the wrong way: the words ask and the image answers, so queries are y and keys "
        "and values "
        "are the image's tokens.",
        zh="交叉注意力的方向反了：词查询，图像应答，即查询是 y，键和值是图像词元。",
    ),
    mistake(
        "image-first",
        "numerics",
        edit((SELF, "#self#"), (CROSS, SELF), ("#self#", CROSS)),
        en="The two attentions are in the wrong order: first the words among themselves, then the image.",
        zh="两个注意力的顺序反了：先是词之间的自注意力，再看图像。",
    ),
    mistake(
        "layers-mixed-up",
        "numerics",
        edit("self.cross_attention(y", "self.self_attention(y"),
        edit("self.self_attention(y", "self.cross_attention(y"),
        en="One attention layer does both works: self_attention is for the words, cross_attention for the image.",
        zh="一个注意力层做了两件事：self_attention 用于词，cross_attention 用于图像。",
    ),
    mistake(
        "positions-missing",
        "numerics",
        edit(POSITIONS, ""),
        en="Positions are not added to the words.",
        zh="没有给词加位置编码。",
    ),
    mistake(
        "positions-on-image",
        "numerics",
        edit(TOKENS, f"{TOKENS}\n        tokens = tokens + self.positions.weight[torch.arange(tokens.shape[1]) % 4]"),
        en="Positions are added to the image's tokens: in this model only the words have positions.",
        zh="给图像词元加了位置编码：这个模型里只有词有位置编码。",
    ),
    mistake(
        "positions-from-one",
        "numerics",
        edit("torch.arange(T,", "torch.arange(1, T + 1,"),
        en="The positions start at 1: they are counted from 0.",
        zh="位置从 1 开始了：应当从 0 开始计数。",
    ),
    mistake(
        "residual-missing",
        "numerics",
        edit(("y = y + self.self", "y = self.self"), ("y = y + self.cross", "y = self.cross")),
        edit("y = y + self.self", "y = self.self"),
        edit("y = y + self.cross", "y = self.cross"),
        en="A residual connection is missing: what each attention returns is added to its queries.",
        zh="少了残差连接：每个注意力的输出都要加到它的查询上。",
    ),
    mistake(
        "self-attention-unused",
        "numerics",
        edit(SELF, "y = y"),
        en="The self-attention has no effect: the words do not see the words before them.",
        zh="自注意力没有起作用：词看不到它前面的词。",
    ),
    mistake(
        "relu-missing",
        "numerics",
        edit("self.cnn(images)", "self.cnn[2](self.cnn[0](images))"),
        edit("self.cnn(images)", "self.cnn(images).relu()"),
        en="The feature map is not cnn(images): the two convolutions have one ReLU, between them and not after them.",
        zh="特征图不是 cnn(images)：两个卷积只有一个 ReLU，在它们之间，而不在之后。",
    ),
    mistake(
        "embedding-scaled",
        "scaling",
        edit("self.embedding(captions)", "self.embedding(captions) * self.head.in_features**0.5"),
        en="The embeddings are multiplied by √embed_dim, as in the original Transformer; this model adds them as they "
        "are.",
        zh="嵌入乘以了 √embed_dim（最初的 Transformer 如此）；这个模型直接相加，不做缩放。",
    ),
    mistake(
        "softmax-returned",
        "normalization",
        edit("return self.head(y)", "return torch.softmax(self.head(y), dim=-1)"),
        edit("return self.head(y)", "return torch.log_softmax(self.head(y), dim=-1)"),
        en="Probabilities (or their logarithms) are returned; logits are asked for. The loss takes the softmax itself.",
        zh="返回了概率（或其对数）；要求的是 logits。softmax 由损失函数来做。",
    ),
    mistake(
        "only-last-position",
        "shape",
        edit("return self.head(y)", "return self.head(y[:, -1])"),
        edit("return self.head(y)", "return self.head(y[:, -1:])"),
        edit("return self.head(y)", "return self.head(y.mean(dim=1))"),
        en="One vector for the whole caption is returned; logits are asked for at every position, (B, T, vocab_size).",
        zh="整个描述只返回了一个结果；要求每个位置都有 logits，即 (B, T, vocab_size)。",
    ),
    shared.pair_not_unpacked(
        edit(SELF, SELF.removesuffix("[0]")),
        edit(CROSS, CROSS.removesuffix("[0]")),
        edit(SELF, SELF.removesuffix("[0]").replace("y + ", "")),
    ),
    mistake(
        "batch-mixed",
        "shape",
        edit(", batch_first=True", ""),
        en="Attention runs across the batch: nn.MultiheadAttention takes (L, B, E) unless it is built with "
        "batch_first=True.",
        zh="注意力跨越了批：nn.MultiheadAttention 若不用 batch_first=True 构建，输入是 (L, B, E)。",
    ),
    mistake(
        "gradient-cut",
        "gradient",
        edit(TOKENS, f"{TOKENS}.detach()"),
        edit("self.embedding(captions)", "self.embedding(captions).detach()"),
        en="The graph is cut on the way: no gradient reaches the image's layers, or the embedding. Remove detach() or "
        "no_grad().",
        zh="计算图在中途被切断：梯度到不了处理图像的层或嵌入层。请去掉 detach() 或 no_grad()。",
    ),
    mistake(
        "dropout-added",
        "state",
        edit("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        edit("self.head(y)", "self.head(F.dropout(y, 0.1, self.training))"),
        en="There is dropout in the model: in training mode the logits are random. This model has none.",
        zh="模型里有 dropout：训练模式下 logits 是随机的。本题没有 dropout。",
    ),
    mistake(
        "returns-float32",
        "dtype",
        edit("return self.head(y)", "return self.head(y).float()"),
        en="The logits are float32 whatever the parameters are: keep their dtype.",
        zh="无论参数是什么类型，logits 都是 float32：应保持参数的 dtype。",
    ),
    shared.inputs_changed(edit("tokens = self.cnn", "images.data.mul_(0.5)\n        tokens = self.cnn")),
)

exercise = Exercise(
    targets=("ImageCaptioner",),
    outputs=("logits",),
    cases=cases,
    mistakes=mistakes,
    oracles=(ImageCaptioner,),
)
