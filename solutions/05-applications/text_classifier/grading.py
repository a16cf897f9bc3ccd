"""How the text classifier is graded."""

from collections.abc import Iterator

import shared
import torch
from torch import Tensor, nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def sentences(rand: Random, vocab: int, L: int, lengths: list[int], pad_id: int = 0, side: str = "right") -> Tensor:
    """(B, L): tokens other than ``pad_id`` at the start of every row (or its end, or scattered), padding elsewhere."""
    tokens = rand.integers(1, vocab, len(lengths), L)
    tokens = torch.where(tokens == pad_id, torch.zeros_like(tokens), tokens)
    places = torch.arange(L) if side == "right" else torch.arange(L).flip(0)
    places = (places * 5) % L if side == "scattered" else places
    return tokens.masked_fill(places >= torch.tensor(lengths).unsqueeze(1), pad_id)


def cases(rand: Random) -> Iterator[Case]:
    yield Case(
        "no padding, every size different",
        (sentences(rand, 11, 5, [5, 5]),),
        init=(11, 12, 3, 4),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("one sentence of one token, one head", (sentences(rand, 7, 1, [1]),), init=(7, 6, 1, 3), family="shape")
    yield Case(
        "padding at the end",
        (sentences(rand, 13, 6, [6, 2, 4]),),
        init=(13, 8, 2, 5),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("much padding", (sentences(rand, 9, 17, [3, 1]),), init=(9, 10, 5, 4), family="masking")
    yield Case(
        "padding at the start",
        (sentences(rand, 13, 7, [3, 5, 7], side="left"),),
        init=(13, 8, 4, 2),
        family="masking",
    )
    yield Case(
        "another pad_id, padding anywhere",
        (sentences(rand, 13, 7, [3, 5], pad_id=4, side="scattered"),),
        init=(13, 6, 3, 4),
        init_kwargs={"pad_id": 4},
        family="masking",
    )
    yield Case(
        "a row of nothing but padding",
        (sentences(rand, 11, 5, [4, 0, 5]),),
        init=(11, 8, 2, 6),
        family="masking",
        gradients=True,
    )
    yield Case(
        "training mode: there is no dropout",
        (sentences(rand, 11, 5, [5, 3]),),
        init=(11, 6, 2, 4),
        train=True,
        family="state",
    )
    yield Case(
        "padding where scores are in the hundreds",
        (sentences(rand, 13, 7, [3, 5, 6, 4]),),
        init=(13, 8, 2, 5),
        drive=loud,
        family="masking",
        tolerance=1e-3,
    )
    yield Case("float64", (sentences(rand, 9, 5, [5, 3]),), init=(9, 6, 2, 4), dtype="float64", family="dtype")
    yield Case("bfloat16", (sentences(rand, 9, 5, [3, 4]),), init=(9, 8, 2, 3), dtype="bfloat16", family="dtype")


def loud(module, tokens):
    import torch

    with torch.no_grad():
        module.embedding.weight.mul_(40.0)
    return module(tokens)


def TextClassifier(vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
    """The oracle: every sentence alone and without its padding."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
            self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.classifier = nn.Linear(embed_dim, num_classes)

        def forward(self, tokens):
            return torch.stack([self.one(row[row != pad_id]) for row in tokens])

        def one(self, words):
            if len(words) == 0:
                return self.classifier.bias
            x = self.embedding(words)
            return self.classifier(self.attention(x, x, x)[0].mean(0))

    return Classifier()


MASK = "~real & ~empty"
FILLED = "y.masked_fill(~real.unsqueeze(-1), 0.0)"
COUNT = "real.sum(dim=1, keepdim=True).clamp(min=1)"
MEAN = f"total / {COUNT}"
RETURNED = f"return self.classifier({MEAN})"
NO_GUARD = (MASK, "~real")

mistakes = (
    mistake(
        "mean-over-padding",
        "masking",
        edit(MEAN, "y.mean(dim=1)"),
        edit(COUNT, "real.shape[1]"),
        edit(FILLED, "y"),
        edit((MEAN, "y.mean(dim=1)"), NO_GUARD),
        edit((COUNT, "real.shape[1]"), NO_GUARD),
        edit((FILLED, "y"), (COUNT, "real.sum(dim=1, keepdim=True)"), NO_GUARD),
        en="Padding counts in the mean: sum y over the real tokens alone and divide by their number, or a sentence's "
        "logits "
        "depend on how long the others in the batch are.",
        zh="平均时把填充也算进去了：只对真实词元的 y 求和，并除以它们的个数；否则一个句子的 logits "
        "会取决于同批其他句子的长度。",
    ),
    mistake(
        "padding-attended",
        "masking",
        edit(MASK, "None"),
        edit((MASK, "None"), ("x = self.embedding(tokens)", "x = self.embedding(tokens) * real.unsqueeze(-1)")),
        en="The real tokens attend to padding: hide it in the attention too (key_padding_mask). A zero embedding does "
        "not "
        "hide a token, its score still gets weight.",
        zh="真实词元关注到了填充：在注意力里也要屏蔽它（key_padding_mask）。零嵌入并不能屏蔽一个词元，"
        "它的打分仍有权重。",
    ),
    mistake(
        "padding-everywhere",
        "masking",
        edit((MASK, "None"), (MEAN, "y.mean(dim=1)")),
        en="Padding is not hidden at all: the real tokens attend to it, and the mean counts it. It has to be left out "
        "twice.",
        zh="完全没有处理填充：真实词元会关注它，求平均时又算进了它。这两处都要排除。",
    ),
    mistake(
        "padding-mask-inverted",
        "masking",
        edit(MASK, "real"),
        edit(MASK, "real & ~empty & ~real.all(dim=1, keepdim=True)"),
        edit((MASK, "real"), ("self.attention(x, x, x, ", "self.attention(x, x, x, need_weights=False, ")),
        en="The padding mask works the wrong way round: in nn.MultiheadAttention True means may not attend, and you "
        "hide the "
        "real tokens. Pass tokens == pad_id.",
        zh="填充掩码用反了：在 nn.MultiheadAttention 中 True 表示不可以关注，而你屏蔽了真实词元。应当传入 tokens == "
        "pad_id。",
    ),
    mistake(
        "mean-mask-inverted",
        "masking",
        edit(
            (FILLED, "y.masked_fill(real.unsqueeze(-1), 0.0)"), (COUNT, "(~real).sum(dim=1, keepdim=True).clamp(min=1)")
        ),
        edit(FILLED, "y.masked_fill(real.unsqueeze(-1), 0.0)"),
        en="The mean takes the padding and leaves out the real tokens: it works the wrong way round.",
        zh="求平均用反了：取了填充，却排除了真实词元。",
    ),
    mistake(
        "pad-id-fixed",
        "masking",
        edit("tokens != self.pad_id", "tokens != 0"),
        en="Padding is taken to be token 0; it is whatever pad_id says.",
        zh="把填充当成了词元 0；它由 pad_id 决定。",
    ),
    mistake(
        "padding-only-at-the-end",
        "masking",
        edit(
            "real = tokens != self.pad_id",
            "real = torch.arange(tokens.shape[1]) < (tokens != self.pad_id).sum(dim=1, keepdim=True)",
        ),
        en="Padding is taken to stand at the end of a row: a token is padding wherever it equals pad_id.",
        zh="假定填充只在行尾；一个词元只要等于 pad_id 就是填充，无论在哪里。",
    ),
    mistake(
        "empty-row-nan",
        "masking",
        edit(COUNT, "real.sum(dim=1, keepdim=True)"),
        edit((COUNT, "real.sum(dim=1, keepdim=True)"), NO_GUARD),
        edit(NO_GUARD, (FILLED, "(y * real.unsqueeze(-1))")),
        en="A row of nothing but padding gives NaN: its softmax sees nothing but −∞, or its mean is 0/0. Hide nothing "
        "in such a "
        "row and divide by at least 1: its logits are the classifier's bias.",
        zh="全是填充的一行得到了 NaN：它的 softmax 面对的全是 −∞，或者平均成了 0/0。在这样的行里不要屏蔽，除数至少取 "
        "1：它的 logits 是分类器的偏置。",
    ),
    mistake(
        "empty-row-nan-gradient",
        "gradient",
        edit(NO_GUARD, (FILLED, "y.nan_to_num().masked_fill(~real.unsqueeze(-1), 0.0)")),
        edit(NO_GUARD),
        edit(
            NO_GUARD, (RETURNED, f"return self.classifier(({MEAN}).nan_to_num())"), (FILLED, "(y * real.unsqueeze(-1))")
        ),
        en="A row of nothing but padding is patched after the softmax, which comes too late: its NaN runs back into "
        "the "
        "gradients of the attention's weights. Let such a row attend to everything, and leave it out of the mean.",
        zh="全是填充的一行在 softmax 之后才修补，已经太迟：NaN 会沿反向传播进入注意力权重的梯度。"
        "让这样的行可以关注一切，再在求平均时把它排除。",
    ),
    mistake(
        "empty-row-not-zero",
        "masking",
        edit((MEAN, f"torch.where(empty, y.mean(dim=1), {MEAN})")),
        edit(FILLED, "y.masked_fill(~real.unsqueeze(-1) & ~empty.unsqueeze(-1), 0.0)"),
        edit((RETURNED, f"return self.classifier({MEAN}).masked_fill(empty, 0.0)")),
        en="A row of nothing but padding should have a mean of zeros, so that its logits are the classifier's bias.",
        zh="全是填充的一行，平均应为零向量，于是它的 logits 就是分类器的偏置。",
    ),
    mistake(
        "one-token-taken",
        "numerics",
        edit(MEAN, "y[:, 0]"),
        edit((MEAN, "y[:, 0]"), NO_GUARD),
        edit((MEAN, "y[:, 0]"), (MASK, "None")),
        en="The first token stands for the sentence, as [CLS] does in BERT; there is no such token here. Take the "
        "mean over "
        "the real tokens.",
        zh="用第一个词元代表整个句子（像 BERT 的 [CLS]）；这里没有这样的词元。应当对真实词元求平均。",
    ),
    mistake(
        "last-token-taken",
        "numerics",
        edit(MEAN, "y[:, -1]"),
        edit((MEAN, "y[:, -1]"), NO_GUARD),
        edit((MEAN, "y[:, -1]"), (MASK, "None")),
        en="The last position stands for the sentence. Take the mean over the real tokens.",
        zh="用最后一个位置代表整个句子。应当对真实词元求平均。",
    ),
    mistake(
        "sum-not-mean",
        "scaling",
        edit(MEAN, "total"),
        en="The real tokens are summed and not divided by their number: long sentences get larger logits.",
        zh="对真实词元求了和，没有除以个数：句子越长 logits 越大。",
    ),
    mistake(
        "maximum-not-mean",
        "numerics",
        edit(MEAN, 'y.masked_fill(~real.unsqueeze(-1), float("-inf")).amax(dim=1).masked_fill(empty, 0.0)'),
        edit(MEAN, "y.amax(dim=1)"),
        en="The sentence is the maximum over its tokens; the mean is asked for.",
        zh="句子取了各词元的最大值；要求的是平均。",
    ),
    mistake(
        "softmax-returned",
        "normalization",
        edit(RETURNED, f"return torch.softmax(self.classifier({MEAN}), dim=-1)"),
        edit(RETURNED, f"return torch.log_softmax(self.classifier({MEAN}), dim=-1)"),
        edit(RETURNED, f"return torch.sigmoid(self.classifier({MEAN}))"),
        en="Probabilities (or their logarithms) are returned; logits are asked for. The loss takes the softmax itself.",
        zh="返回了概率（或其对数）；要求的是 logits。softmax 由损失函数来做。",
    ),
    mistake(
        "residual-added",
        "numerics",
        edit(FILLED, "(y + x).masked_fill(~real.unsqueeze(-1), 0.0)"),
        en="x is added to what attention returns; there is no residual connection in this model.",
        zh="把 x 加到了注意力的输出上；这个模型没有残差连接。",
    ),
    mistake(
        "attention-unused",
        "numerics",
        edit(FILLED, "x.masked_fill(~real.unsqueeze(-1), 0.0)"),
        en="The mean is taken over the embeddings: what attention makes of them is not used.",
        zh="平均取的是词嵌入：没有用到注意力的输出。",
    ),
    shared.pair_not_unpacked(
        edit(("y, _ = self", "y = self"), (FILLED, "(y + x)")),
        edit(("y, _ = self", "y = self"), (FILLED, "(y * real.unsqueeze(-1))")),
        edit("y, _ = self", "y = self"),
    ),
    mistake(
        "batch-mixed",
        "shape",
        edit(("batch_first=True", "batch_first=False"), (f", key_padding_mask={MASK}", "")),
        edit("batch_first=True", "batch_first=False"),
        en="Attention runs across the batch: nn.MultiheadAttention takes (L, B, E) unless it is built with "
        "batch_first=True.",
        zh="注意力跨越了批：nn.MultiheadAttention 若不用 batch_first=True 构建，输入是 (L, B, E)。",
    ),
    mistake(
        "dropout-added",
        "state",
        edit("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        edit(MEAN, f"F.dropout({MEAN}, 0.1, self.training)"),
        en="There is dropout in the model: in training mode the logits are random. This model has none.",
        zh="模型里有 dropout：训练模式下 logits 是随机的。本题没有 dropout。",
    ),
    mistake(
        "returns-float32",
        "dtype",
        edit(RETURNED, f"return self.classifier({MEAN}).float()"),
        en="The logits are float32 whatever the parameters are: keep their dtype.",
        zh="无论参数是什么类型，logits 都是 float32：应保持参数的 dtype。",
    ),
    mistake(
        "gradient-cut",
        "gradient",
        edit("self.attention(x, x, x,", "self.attention(x.detach(), x.detach(), x.detach(),"),
        edit("total = y.", "total = y.detach()."),
        en="The graph is cut on the way: no gradient reaches the embedding, or the attention. Remove detach() or "
        "no_grad().",
        zh="计算图在中途被切断：梯度到不了嵌入层或注意力层。请去掉 detach() 或 no_grad()。",
    ),
    mistake(
        "tokens-changed",
        "state",
        edit("x = self.embedding(tokens)", "x = self.embedding(tokens)\n        tokens[tokens == self.pad_id] = 1"),
        en="The tokens are changed in place: they belong to the caller. Make a new tensor.",
        zh="原地修改了 tokens：它属于调用者。请生成新的张量。",
    ),
)

exercise = Exercise(
    targets=("TextClassifier",),
    outputs=("logits",),
    cases=cases,
    mistakes=mistakes,
    oracles=(TextClassifier,),
)
