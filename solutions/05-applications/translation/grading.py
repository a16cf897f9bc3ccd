"""How the translation model is graded."""

from collections.abc import Iterator

import shared
import torch
from torch import Tensor, nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def words(
    rand: Random, vocab: int, B: int, L: int, pad_id: int = 0, padding: tuple[tuple[int, int], ...] = ()
) -> Tensor:
    """(B, L) without ``pad_id`` but at the places (row, column) of ``padding``."""
    tokens = rand.integers(1, vocab, B, L)
    tokens = torch.where(tokens == pad_id, torch.zeros_like(tokens), tokens)
    for row, column in padding:
        tokens[row, column] = pad_id
    return tokens


def cases(rand: Random) -> Iterator[Case]:
    # With one target token there is no future, and without padding nothing to hide: what fails here is no mask.
    yield Case(
        "one target token, nothing to hide",
        (words(rand, 11, 3, 5), words(rand, 13, 3, 1)),
        init=(11, 13, 12, 2),
        init_kwargs={"max_len": 9},
        gradients=True,
        public=True,
    )
    yield Case(
        "more target than source",
        (words(rand, 7, 2, 3), words(rand, 9, 2, 6)),
        init=(7, 9, 8, 4),
        family="masking",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "as many words on both sides",
        (words(rand, 7, 2, 4), words(rand, 9, 2, 4)),
        init=(7, 9, 6, 3),
        init_kwargs={"max_len": 5},
        family="masking",
    )
    yield Case(
        "source padding",
        (words(rand, 11, 3, 7, padding=((0, 5), (0, 6), (2, 6))), words(rand, 8, 3, 4)),
        init=(11, 8, 10, 5),
        init_kwargs={"max_len": 16},
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case(
        "much source padding, one target token",
        (words(rand, 11, 2, 9, padding=tuple((0, i) for i in range(1, 9))), words(rand, 8, 2, 1)),
        init=(11, 8, 6, 2),
        init_kwargs={"max_len": 16},
        family="masking",
    )
    yield Case(
        "another pad_id, padding anywhere",
        (words(rand, 7, 2, 6, 4, ((0, 0), (0, 3), (1, 5))), words(rand, 9, 2, 5, 4)),
        init=(7, 9, 8, 2, 4),
        family="masking",
    )
    yield Case(
        "one word to one word, one head, positions used up",
        (words(rand, 5, 1, 1), words(rand, 7, 1, 1)),
        init=(5, 7, 6, 1, 0, 1),
        family="shape",
    )
    yield Case(
        "training mode: there is no dropout",
        (words(rand, 7, 2, 5), words(rand, 9, 2, 3)),
        init=(7, 9, 6, 2, 0, 8),
        train=True,
        family="state",
    )
    yield Case(
        "source padding where scores are in the hundreds",
        (words(rand, 11, 3, 7, padding=((0, 5), (0, 6), (1, 0), (2, 6))), words(rand, 8, 3, 4)),
        init=(11, 8, 10, 5),
        init_kwargs={"max_len": 16},
        drive=loud,
        family="masking",
        tolerance=1e-3,
    )
    yield Case(
        "float64",
        (words(rand, 7, 2, 5, padding=((1, 4),)), words(rand, 9, 2, 3)),
        init=(7, 9, 6, 2, 0, 8),
        dtype="float64",
        family="dtype",
    )
    yield Case(
        "bfloat16",
        (words(rand, 7, 2, 4, padding=((1, 3),)), words(rand, 5, 2, 3)),
        init=(7, 5, 8, 2, 0, 6),
        dtype="bfloat16",
        family="dtype",
    )


def loud(module, src, tgt):
    import torch

    with torch.no_grad():
        module.src_embedding.weight.mul_(40.0)
        module.tgt_embedding.weight.mul_(40.0)
    return module(src, tgt)


def TranslationModel(src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512):
    """The oracle: every sentence alone and without its padding, every target position from its own prefix."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.src_embedding = nn.Embedding(src_vocab, embed_dim, padding_idx=pad_id)
            self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim, padding_idx=pad_id)
            self.positions = nn.Embedding(max_len, embed_dim)
            for name in ("encoder_attention", "decoder_attention", "cross_attention"):
                self.add_module(name, nn.MultiheadAttention(embed_dim, num_heads, batch_first=True))
            self.head = nn.Linear(embed_dim, tgt_vocab)

        def forward(self, src, tgt):
            return torch.stack([self.one(*pair) for pair in zip(src, tgt, strict=True)])

        def one(self, src, tgt):
            x = (self.src_embedding(src) + self.positions.weight[: len(src)])[src != pad_id]
            memory = x + self.encoder_attention(x, x, x)[0]
            y = self.tgt_embedding(tgt) + self.positions.weight[: len(tgt)]
            rows = []
            for t in range(len(tgt)):
                last = y[t : t + 1]
                last = last + self.decoder_attention(last, y[: t + 1], y[: t + 1])[0]
                rows.append(last + self.cross_attention(last, memory, memory)[0])
            return self.head(torch.cat(rows))

    return Model()


FUTURE = "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(1)"
SRC_POSITIONS = " + self.positions(torch.arange(S, device=src.device))"
TGT_POSITIONS = " + self.positions(torch.arange(T, device=tgt.device))"
ENCODER = "self.encoder_attention(x, x, x, key_padding_mask=padding)"
DECODER = "self.decoder_attention(y, y, y, attn_mask=future)"
CROSS = "self.cross_attention(y, memory, memory, key_padding_mask=padding)"
ENCODER_OPEN = (ENCODER, "self.encoder_attention(x, x, x)")
CROSS_OPEN = (CROSS, "self.cross_attention(y, memory, memory)")
RESIDUALS = {
    "encoder": ("memory = x + ", "memory = "),
    "decoder": ("y = y + self.decoder", "y = self.decoder"),
    "cross": ("y = y + self.cross", "y = self.cross"),
}
NO_WEIGHTS = ("attn_mask=future", "attn_mask=future, need_weights=False")

mistakes = (
    mistake(
        "future-visible",
        "masking",
        edit(", attn_mask=future", ""),
        edit(FUTURE, "torch.zeros(T, T, device=tgt.device)"),
        en="The decoder sees the future: a target position attends to words that come after it. Hide them (attn_mask, "
        "True "
        "above the diagonal), or predicting the next word is copying it.",
        zh="解码器看到了未来：目标位置关注到了它后面的词。请屏蔽它们（attn_mask，对角线以上为 True），"
        "否则预测下一个词就成了抄写。",
    ),
    mistake(
        "causal-mask-inverted",
        "masking",
        edit(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril()"),
        edit((FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril()"), NO_WEIGHTS),
        edit(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril(-1)"),
        en="The causal mask works the wrong way round: in nn.MultiheadAttention True means may not attend, so that "
        "you hide the "
        "past and show the future. True belongs above the diagonal.",
        zh="因果掩码用反了：在 nn.MultiheadAttention 中 True 表示不可以关注，结果屏蔽了过去、露出了未来。True "
        "应当在对角线以上。",
    ),
    mistake(
        "causal-mask-off-by-one",
        "masking",
        edit(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu()"),
        edit((FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu()"), NO_WEIGHTS),
        edit(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(2)"),
        en="The causal mask is off by one: position t sees 0 … t, itself and nothing after it. That is triu(1) hidden.",
        zh="因果掩码错了一位：位置 t 能看到 0 … t，即包括自己，但不包括之后的。应当屏蔽 triu(1)。",
    ),
    mistake(
        "causal-mask-as-numbers",
        "masking",
        edit(FUTURE, "torch.ones(T, T, device=tgt.device, dtype=self.head.weight.dtype).triu(1)"),
        edit(FUTURE, "torch.ones(T, T, device=tgt.device, dtype=self.head.weight.dtype).tril()"),
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
        "source-padding-visible",
        "masking",
        edit(ENCODER_OPEN, CROSS_OPEN),
        edit(
            ("self.src_embedding(src) +", "self.src_embedding(src) * ~padding.unsqueeze(-1) +"),
            ENCODER_OPEN,
            CROSS_OPEN,
        ),
        en="Source padding is attended to, by the encoder and by the cross-attention: hide it in both "
        "(key_padding_mask).",
        zh="编码器和交叉注意力都关注到了源句的填充：两处都要屏蔽（key_padding_mask）。",
    ),
    mistake(
        "source-padding-visible-encoder",
        "masking",
        edit(*ENCODER_OPEN),
        edit(
            ("memory = x +", "x = x * ~padding.unsqueeze(-1)\n        memory = x +"),
            ENCODER_OPEN,
        ),
        en="The encoder attends to source padding: hide it there too, not in the cross-attention alone.",
        zh="编码器关注到了源句的填充：不只是交叉注意力，这里也要屏蔽。",
    ),
    mistake(
        "source-padding-visible-cross",
        "masking",
        edit(*CROSS_OPEN),
        en="The cross-attention attends to source padding: hide it there too, not in the encoder alone. The memory at "
        "padding "
        "is not zero.",
        zh="交叉注意力关注到了源句的填充：不只是编码器，这里也要屏蔽。填充处的 memory 并不是零。",
    ),
    mistake(
        "padding-mask-inverted",
        "masking",
        edit("padding = src == self.pad_id", "padding = src != self.pad_id"),
        edit((ENCODER, ENCODER.replace("=padding", "=~padding"))),
        edit((CROSS, CROSS.replace("=padding", "=~padding"))),
        edit(
            ("padding = src == self.pad_id", "padding = src != self.pad_id"),
            ("key_padding_mask=padding", "key_padding_mask=padding, need_weights=False"),
        ),
        en="The padding mask works the wrong way round: in nn.MultiheadAttention True means may not attend, and you "
        "hide the "
        "real words. Pass src == pad_id.",
        zh="填充掩码用反了：在 nn.MultiheadAttention 中 True 表示不可以关注，而你屏蔽了真实的词。应当传入 src == "
        "pad_id。",
    ),
    mistake(
        "pad-id-fixed",
        "masking",
        edit("src == self.pad_id", "src == 0"),
        en="Padding is taken to be token 0; it is whatever pad_id says.",
        zh="把填充当成了词元 0；它由 pad_id 决定。",
    ),
    mistake(
        "encoder-causal",
        "masking",
        edit(
            ENCODER,
            ENCODER.replace(
                "x, x, x,", "x, x, x, attn_mask=torch.ones(S, S, dtype=torch.bool, device=src.device).triu(1),"
            ),
        ),
        en="The encoder is causal: the whole source is known before translating begins, and it may look both ways.",
        zh="编码器用了因果掩码：翻译开始之前整个源句就已知道，编码器可以看前后两个方向。",
    ),
    mistake(
        "cross-attention-causal",
        "masking",
        edit(
            CROSS,
            CROSS.replace(
                "memory, key", "memory, attn_mask=torch.ones(T, S, dtype=torch.bool, device=src.device).triu(1), key"
            ),
        ),
        en="The cross-attention is causal: every target position may see the whole source, only its padding is hidden.",
        zh="交叉注意力用了因果掩码：每个目标位置都可以看到整个源句，只屏蔽其中的填充。",
    ),
    mistake(
        "cross-attends-target",
        "numerics",
        edit(CROSS, "self.cross_attention(y, y, y)"),
        edit(CROSS, "self.cross_attention(y, y, y, attn_mask=future)"),
        edit(CROSS, CROSS.replace("memory, memory", "y, y")),
        edit(CROSS, CROSS.replace("memory, memory", "memory, y")),
        en="The cross-attention looks at the target itself: its keys and values come from the encoder's memory, or "
        "the source "
        "has no say.",
        zh="交叉注意力看的是目标句自己：它的键和值应来自编码器的 memory，否则源句不起作用。",
    ),
    mistake(
        "cross-from-wrong-side",
        "numerics",
        *(
            edit(f"y = y + {CROSS}[0]", f"y = {residual}self.cross_attention(memory, y, y{mask})[0]")
            for residual in ("memory + ", "y + ", "")
            for mask in ("", ", key_padding_mask=padding")
        ),
        en="The cross-attention runs the wrong way: the target asks and the source answers, so queries are y and keys "
        "and "
        "values are memory.",
        zh="交叉注意力的方向反了：目标句查询，源句应答，即查询是 y，键和值是 memory。",
    ),
    mistake(
        "cross-attends-embeddings",
        "numerics",
        edit(CROSS, CROSS.replace("memory, memory", "x, x")),
        edit(CROSS, CROSS.replace("memory, memory", "memory, x")),
        edit(CROSS, CROSS.replace("memory, memory", "x, memory")),
        en="The cross-attention reads the source's embeddings x, past the encoder: its keys and values are both "
        "memory, x plus what encoder_attention makes of it.",
        zh="交叉注意力读的是源句的嵌入 x，绕过了编码器：键和值都应当是 memory，即 x 加上 encoder_attention 的输出。",
    ),
    mistake(
        "positions-missing",
        "numerics",
        edit((SRC_POSITIONS, ""), (TGT_POSITIONS, "")),
        edit(SRC_POSITIONS, ""),
        edit(TGT_POSITIONS, ""),
        en="Positions are not added (on one side or on both): without them a sentence is a bag of words.",
        zh="没有加位置编码（一边或两边）：没有它，句子只是一个词袋。",
    ),
    mistake(
        "positions-from-one",
        "numerics",
        edit(("torch.arange(S,", "torch.arange(1, S + 1,"), ("torch.arange(T,", "torch.arange(1, T + 1,")),
        edit("torch.arange(T,", "torch.arange(S, S + T,"),
        en="The positions start at another number: on both sides they are counted from 0.",
        zh="位置的起点不对：两边都从 0 开始计数。",
    ),
    mistake(
        "positions-over-batch",
        "shape",
        edit(
            ("torch.arange(S, device=src.device)", "torch.arange(src.shape[0], device=src.device).unsqueeze(1)"),
            ("torch.arange(T, device=tgt.device)", "torch.arange(tgt.shape[0], device=tgt.device).unsqueeze(1)"),
        ),
        en="The positions count the sentences of the batch; they count the words of a sentence (axis 1).",
        zh="位置数的是批里的句子；应当数句子里的词（维度 1）。",
    ),
    mistake(
        "residual-missing",
        "numerics",
        edit(*RESIDUALS.values()),
        *(edit(*pair) for pair in RESIDUALS.values()),
        en="A residual connection is missing: what each of the three attentions returns is added to its queries.",
        zh="少了残差连接：三个注意力的输出都要加到各自的查询上。",
    ),
    mistake(
        "decoder-self-attention-unused",
        "numerics",
        edit(f"y = y + {DECODER}[0]", "y = y"),
        en="The decoder's self-attention has no effect: the words of the target do not see each other.",
        zh="解码器的自注意力没有起作用：目标句的词互相看不到。",
    ),
    mistake(
        "layers-mixed-up",
        "numerics",
        edit("self.cross_attention(y", "self.decoder_attention(y"),
        edit("self.decoder_attention(y", "self.encoder_attention(y"),
        edit((DECODER, DECODER.replace("decoder", "cross")), (CROSS, CROSS.replace("cross", "decoder"))),
        edit("self.tgt_embedding(tgt)", "self.src_embedding(tgt.clamp(max=self.src_embedding.num_embeddings - 1))"),
        en="A layer does another one's work: encoder, decoder and cross-attention (and the two embeddings) have "
        "weights of "
        "their own.",
        zh="有一层用到了别处：编码器、解码器、交叉注意力（以及两个嵌入）各有自己的权重。",
    ),
    mistake(
        "embedding-scaled",
        "scaling",
        edit(
            ("_embedding(src) +", "_embedding(src) * scale +"),
            ("_embedding(tgt) +", "_embedding(tgt) * scale +"),
            ("S, T =", "scale = self.head.in_features**0.5\n        S, T ="),
        ),
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
        "head-missing",
        "shape",
        edit("return self.head(y)", "return y"),
        en="What is returned are vectors of the model's size; head turns them into a score for every word of the "
        "target "
        "vocabulary.",
        zh="返回的是模型维度的向量；head 把它们变成目标词表中每个词的打分。",
    ),
    mistake(
        "only-last-position",
        "shape",
        edit("return self.head(y)", "return self.head(y[:, -1])"),
        edit("return self.head(y)", "return self.head(y[:, -1:])"),
        edit("return self.head(y)", "return self.head(y.mean(dim=1))"),
        en="One vector for the whole target is returned; logits are asked for at every target position, (B, T, "
        "tgt_vocab).",
        zh="整个目标句只返回了一个结果；要求每个目标位置都有 logits，即 (B, T, tgt_vocab)。",
    ),
    shared.pair_not_unpacked(
        edit(f"{ENCODER}[0]", ENCODER),
        edit(f"{DECODER}[0]", DECODER),
        edit(f"{CROSS}[0]", CROSS),
        edit((f"x + {ENCODER}[0]", ENCODER)),
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
        edit("(y, memory, memory,", "(y, memory.detach(), memory.detach(),"),
        edit("x = self.src_embedding(src)", "x = self.src_embedding(src).detach()"),
        en="The graph is cut on the way: no gradient reaches the encoder, or the embeddings. Remove detach() or "
        "no_grad().",
        zh="计算图在中途被切断：梯度到不了编码器或嵌入层。请去掉 detach() 或 no_grad()。",
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
    mistake(
        "tokens-changed",
        "state",
        edit("padding = src == self.pad_id", "padding = src == self.pad_id\n        src[padding] = 1"),
        en="The tokens are changed in place: they belong to the caller. Make a new tensor.",
        zh="原地修改了词元：它们属于调用者。请生成新的张量。",
    ),
)

exercise = Exercise(
    targets=("TranslationModel",),
    outputs=("logits",),
    cases=cases,
    mistakes=mistakes,
    oracles=(TranslationModel,),
)
