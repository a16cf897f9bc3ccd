"""How the count of a Transformer's parameters is graded."""

from collections.abc import Iterator

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    yield Case("two small layers", (10, 4, 2, 8), public=True)
    yield Case("two small layers, untied", (10, 4, 2, 8), {"tied": False}, public=True)
    yield Case("a single layer", (23, 6, 1, 17))
    yield Case("feed-forward narrower than the model", (31, 12, 5, 7), {"tied": True})
    yield Case("many layers, a tiny vocabulary, untied", (3, 5, 29, 13, False))
    yield Case("GPT-2 small without its positions", (50_257, 768, 12, 3_072), public=True)
    yield Case("a larger vocabulary, untied", (32_000, 1_024, 4, 2_816), {"tied": False})


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    """The oracle: builds the layers without memory, and lets PyTorch count."""
    from torch import nn

    layer = nn.TransformerEncoderLayer(embed_dim, 1, ff_dim, device="meta")
    parts = [nn.Embedding(vocab_size, embed_dim, device="meta"), nn.LayerNorm(embed_dim, device="meta")]
    if not tied:
        parts.append(nn.Linear(embed_dim, vocab_size, bias=False, device="meta"))
    per_layer = sum(parameter.numel() for parameter in layer.parameters())
    return per_layer * num_layers + sum(parameter.numel() for part in parts for parameter in part.parameters())


ATTENTION = "4 * (embed_dim * embed_dim + embed_dim)"
FEED_FORWARD = "(embed_dim * ff_dim + ff_dim) + (ff_dim * embed_dim + embed_dim)"
NORM = "norm = 2 * embed_dim"
LAYER = "attention + feed_forward + 2 * norm"
OUTPUT = "0 if tied else vocab_size * embed_dim"
TOTAL = "embedding + num_layers * layer + norm + output"
NO_ATTENTION_BIAS = (ATTENTION, "4 * embed_dim * embed_dim")
NO_FF_BIAS = (FEED_FORWARD, "2 * embed_dim * ff_dim")
NO_NORM_BIAS = (NORM, "norm = embed_dim")

mistakes = (
    mistake(
        "biases-forgotten",
        "numerics",
        edit(NO_ATTENTION_BIAS, NO_FF_BIAS),
        edit(*NO_FF_BIAS),
        edit(NO_ATTENTION_BIAS, NO_FF_BIAS, NO_NORM_BIAS),
        edit(NO_FF_BIAS, NO_NORM_BIAS),
        edit(NO_ATTENTION_BIAS, NO_NORM_BIAS),
        edit(FEED_FORWARD, "2 * embed_dim * ff_dim + ff_dim"),
        edit(FEED_FORWARD, "2 * embed_dim * ff_dim + embed_dim"),
        edit(ATTENTION, "3 * (embed_dim * embed_dim + embed_dim) + embed_dim * embed_dim"),
        edit(ATTENTION, "4 * embed_dim * embed_dim + embed_dim"),
        en="Biases are missing: each of the four projections and both feed-forward layers has one, as long as its output.",
        zh="漏了偏置：四个投影和前馈的两层各有一个偏置，长度等于该层的输出维度。",
    ),
    mistake(
        "four-vectors-missing",
        "numerics",
        edit(*NO_ATTENTION_BIAS),
        edit(LAYER, "attention + feed_forward"),
        en="4·embed_dim parameters are missing in every layer: the biases of attention's four projections, or the two "
        "LayerNorms, each with a gain and a bias.",
        zh="每层少了 4·embed_dim 个参数：要么是注意力四个投影的偏置，要么是两个 LayerNorm（各有增益和偏置）。",
    ),
    mistake(
        "bias-of-the-wrong-size",
        "numerics",
        edit(FEED_FORWARD, "2 * embed_dim * ff_dim + 2 * ff_dim"),
        edit(FEED_FORWARD, "2 * embed_dim * ff_dim + 2 * embed_dim"),
        edit(FEED_FORWARD, "2 * (embed_dim * ff_dim + ff_dim + embed_dim)"),
        edit(ATTENTION, "4 * (embed_dim * embed_dim + 1)"),
        en="A bias has the wrong size: it is as long as the layer's output, ff_dim for the first feed-forward layer and "
        "embed_dim for the second.",
        zh="偏置的大小不对：它与该层的输出等长，前馈第一层是 ff_dim，第二层是 embed_dim。",
    ),
    mistake(
        "out-proj-forgotten",
        "numerics",
        edit(ATTENTION, "3 * (embed_dim * embed_dim + embed_dim)"),
        edit((ATTENTION, "3 * embed_dim * embed_dim"), NO_FF_BIAS),
        en="One of attention's four matrices is missing: q, k, v, and the output projection.",
        zh="注意力少算了一个矩阵：共有 q、k、v 和输出投影四个。",
    ),
    mistake(
        "half-a-feed-forward",
        "numerics",
        edit(FEED_FORWARD, "(embed_dim * ff_dim + ff_dim)"),
        edit(FEED_FORWARD, "embed_dim * ff_dim"),
        edit(FEED_FORWARD, "(embed_dim * ff_dim + embed_dim)"),
        en="Only one feed-forward matrix is counted: there are two, embed_dim → ff_dim and back.",
        zh="前馈网络只算了一个矩阵：共有两个，embed_dim → ff_dim，再回到 embed_dim。",
    ),
    mistake(
        "ff-dim-ignored",
        "numerics",
        edit(FEED_FORWARD, "8 * embed_dim * embed_dim + 5 * embed_dim"),
        edit(FEED_FORWARD, "2 * (ff_dim * ff_dim + ff_dim)"),
        edit(FEED_FORWARD, "2 * (embed_dim * embed_dim + embed_dim)"),
        en="The feed-forward layers have the wrong sizes: they go from embed_dim to ff_dim, as given, and back.",
        zh="前馈层的大小不对：从 embed_dim 到给定的 ff_dim，再回到 embed_dim。",
    ),
    mistake(
        "norm-bias-forgotten",
        "numerics",
        edit(*NO_NORM_BIAS),
        edit((LAYER, "attention + feed_forward + norm"), ("+ norm + output", "+ embed_dim + output")),
        edit(LAYER, "attention + feed_forward + norm"),
        en="A LayerNorm has a gain *and* a bias, 2·embed_dim parameters; and there are two of them in a layer.",
        zh="LayerNorm 既有增益*又有*偏置，共 2·embed_dim 个参数；每层有两个 LayerNorm。",
    ),
    mistake(
        "norms-forgotten",
        "numerics",
        edit(NORM, "norm = 0"),
        en="The LayerNorms are not counted: two in every layer and one after the last, of 2·embed_dim parameters each.",
        zh="没有计入 LayerNorm：每层两个，最后一层之后还有一个，每个 2·embed_dim 个参数。",
    ),
    mistake(
        "matrices-only",
        "numerics",
        edit((NORM, "norm = 0"), NO_ATTENTION_BIAS, NO_FF_BIAS),
        en="Only matrices are counted: the biases of the linear layers and the LayerNorms (a gain and a bias each) are "
        "parameters too.",
        zh="只算了矩阵：线性层的偏置和 LayerNorm（各有增益和偏置）也是参数。",
    ),
    mistake(
        "final-norm-forgotten",
        "numerics",
        edit("+ norm + output", "+ output"),
        edit("+ num_layers * layer + norm", "+ num_layers * (layer + norm)"),
        en="The LayerNorm after the last layer: there is exactly one, of 2·embed_dim parameters.",
        zh="最后一层之后的 LayerNorm：恰好一个，有 2·embed_dim 个参数。",
    ),
    mistake(
        "norms-shared-by-layers",
        "numerics",
        edit((LAYER, "attention + feed_forward"), ("+ norm + output", "+ 3 * norm + output")),
        edit(TOTAL, "embedding + layer + norm + output"),
        en="Parts are counted once that every layer has for itself: multiply all of a layer, its norms included, by "
        "num_layers.",
        zh="有些每层各有一份的部分只算了一次：应把整层（包括其中的 LayerNorm）乘以 num_layers。",
    ),
    mistake(
        "tied-ignored",
        "numerics",
        edit(OUTPUT, "0"),
        edit(OUTPUT, "vocab_size * embed_dim"),
        edit(("embedding = vocab_size * embed_dim", "embedding = 0"), (OUTPUT, "vocab_size * embed_dim")),
        en="`tied` has no effect: when it is False, the output matrix adds vocab_size·embed_dim; when it is True, nothing.",
        zh="`tied` 没有起作用：为 False 时输出矩阵要加 vocab_size·embed_dim，为 True 时不加。",
    ),
    mistake(
        "tied-inverted",
        "numerics",
        edit(OUTPUT, "vocab_size * embed_dim if tied else 0"),
        en="`tied` works the wrong way round: a tied output matrix is the embedding itself, and counts nothing more.",
        zh="`tied` 用反了：共享的输出矩阵就是词嵌入本身，不再另计。",
    ),
    mistake(
        "embedding-forgotten",
        "numerics",
        edit("embedding = vocab_size * embed_dim", "embedding = 0"),
        en="The token embedding is not counted: vocab_size·embed_dim, whether or not the output matrix shares it.",
        zh="没有计入词嵌入：无论输出矩阵是否与之共享，都有 vocab_size·embed_dim 个参数。",
    ),
    mistake(
        "output-bias",
        "numerics",
        edit(OUTPUT, "0 if tied else vocab_size * embed_dim + vocab_size"),
        edit(OUTPUT, "vocab_size if tied else vocab_size * embed_dim + vocab_size"),
        en="The output matrix has no bias here.",
        zh="这里的输出矩阵没有偏置。",
    ),
    mistake(
        "cross-attention-counted",
        "numerics",
        edit(LAYER, "2 * attention + feed_forward + 3 * norm"),
        edit(LAYER, "2 * attention + feed_forward + 2 * norm"),
        en="A decoder-only layer has one attention: there is no encoder, and so no cross-attention.",
        zh="仅解码器的层只有一个注意力：没有编码器，也就没有交叉注意力。",
    ),
    mistake(
        "positions-counted",
        "numerics",
        edit("vocab_size * embed_dim\n    attention", "(vocab_size + 1024) * embed_dim\n    attention"),
        en="Learned positions are counted: this model has none.",
        zh="计入了可学习的位置嵌入：这个模型没有。",
    ),
    mistake(
        "not-an-integer",
        "interface",
        edit(f"return {TOTAL}", f"return float({TOTAL})"),
        edit(f"return {TOTAL}", f"return str({TOTAL})"),
        en="A count is an int: avoid `/` and float(), which is no longer exact for large models.",
        zh="个数应为 int：请不要使用 `/` 和 float()，对大模型它们不再精确。",
    ),
)

exercise = Exercise(
    targets=("transformer_parameters",),
    cases=cases,
    mistakes=mistakes,
    oracles=(transformer_parameters,),
)
