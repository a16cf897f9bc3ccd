"""How the Transformer block is graded."""

from collections.abc import Iterator

import shared
from shared import causal
from torch import nn

from grader.authoring import Case, Exercise, Random, Text, edit, mistake

BATCH_NORM = Text(
    en="Your norms are batch norms: they normalise over the sentences of a batch and keep running averages. A "
    "Transformer block uses nn.LayerNorm(embed_dim), every token by itself.",
    zh="你用的是批归一化：它在一批句子之间归一化并维护滑动平均。Transformer 层使用 nn.LayerNorm(embed_dim)，"
    "每个词元各自归一化。",
)


def names(block, x):
    """What is in the state_dict; with running averages there, the call itself would only fail for a lesser reason."""
    found = sorted(block.state_dict())
    if not any("running" in name for name in found):
        block(x)
    return found


def no_running_averages(value, expected):
    return BATCH_NORM if any("running" in name for name in value) else None


def only_the_tail(block, x):
    """The feed-forward network alone counts, at −2.3, where the tanh approximation of GELU is off by two percent."""
    import torch

    with torch.no_grad():
        block.ff1.weight.mul_(0.1)
        block.ff1.bias.fill_(-2.3)
        block.ff2.weight.mul_(100.0)
    return block(x)


def cases(rand: Random) -> Iterator[Case]:
    yield Case(
        "the norms are layer norms",
        (rand.normal(2, 3, 8),),
        init=(8, 2, 5),
        load_state=False,
        drive=names,
        judge=no_running_averages,
    )
    yield Case(
        "pre-norm, every size different",
        (rand.normal(2, 5, 12),),
        init=(12, 3, 20),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "post-norm",
        (rand.normal(3, 4, 10),),
        init=(10, 2, 7),
        init_kwargs={"norm_first": False},
        family="normalization",
        gradients=True,
        public=True,
    )
    yield Case(
        "pre-norm, causal",
        (rand.normal(2, 6, 9), causal(6)),
        init=(9, 3, 16),
        family="masking",
        public=True,
    )
    yield Case(
        "post-norm, a mask of no special form",
        (rand.normal(3, 7, 8),),
        {"mask": rand.mask(7, 7, keep=0.5)},
        init=(8, 2, 11),
        init_kwargs={"norm_first": False},
        family="masking",
        gradients=True,
    )
    yield Case("one sequence, one token, one head", (rand.normal(1, 1, 6),), init=(6, 1, 3), family="shape")
    yield Case(
        "memory in another order (non-contiguous)",
        (rand.normal(5, 3, 8).transpose(0, 1),),
        {"mask": causal(5)},
        init=(8, 4, 6),
        family="shape",
    )
    yield Case("exact GELU, where an approximation shows", (rand.normal(2, 4, 6),), init=(6, 2, 9), drive=only_the_tail)
    yield Case(
        "training mode: there is no dropout", (rand.normal(2, 4, 6),), init=(6, 2, 9), train=True, family="state"
    )
    yield Case(
        "float64, post-norm, causal",
        (rand.normal(2, 4, 6), causal(4)),
        init=(6, 3, 10, False),
        dtype="float64",
        family="dtype",
    )
    yield Case("bfloat16, causal", (rand.normal(2, 3, 8), causal(3)), init=(8, 2, 12), dtype="bfloat16", family="dtype")


def TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True):
    """The oracle: PyTorch's own layer, around the same parts."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(embed_dim), nn.LayerNorm(embed_dim)
            self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.ff1, self.ff2 = nn.Linear(embed_dim, ff_dim), nn.Linear(ff_dim, embed_dim)

        def forward(self, x, mask=None):
            layer = nn.TransformerEncoderLayer(
                embed_dim, num_heads, ff_dim, 0.0, "gelu", batch_first=True, norm_first=norm_first
            )
            layer.self_attn, layer.linear1, layer.linear2 = self.attention, self.ff1, self.ff2
            layer.norm1, layer.norm2 = self.norm1, self.norm2
            return layer(x, None if mask is None else ~mask)

    return Block()


PRE_ATTENTION = "x = x + self.attention(n, n, n, attn_mask=hidden, need_weights=False)[0]"
PRE_FF = "x + self.ff2(F.gelu(self.ff1(self.norm2(x))))"
HIDDEN = "None if mask is None else ~mask"
NO_ATTENTION_RESIDUAL = (
    ("x = x + self.attention(", "x = self.attention("),
    ("self.norm1(x + self.attention(", "self.norm1(self.attention("),
)
NO_FF_RESIDUAL = (("return x + self.ff2(", "return self.ff2("), ("self.norm2(x + self.ff2(", "self.norm2(self.ff2("))

NORMED_RESIDUALS = (
    ("x = x + self.attention(n", "x = n + self.attention(n"),
    (PRE_FF, PRE_FF.replace("x +", "self.norm2(x) +")),
)


def over_the_batch(norm):
    """The text of a batch norm that has the parameters of the layer norm ``norm``."""
    flat = "(lambda t: F.batch_norm(t.flatten(0, 1), None, None, self.{0}.weight, self.{0}.bias, True).view_as(t))"
    return flat.format(norm)


mistakes = (
    mistake(
        "norm-order-swapped",
        "normalization",
        edit("if self.norm_first:", "if not self.norm_first:"),
        en="Pre-norm and post-norm are swapped: with norm_first=True the norm acts on what enters a sublayer, "
        "x + f(norm(x)); with False on the sum, norm(x + f(x)).",
        zh="前置与后置归一化弄反了：norm_first=True 时归一化作用于子层的输入，即 x + f(norm(x))；False "
        "时作用于求和之后，即 norm(x + f(x))。",
    ),
    mistake(
        "norm-first-ignored",
        "normalization",
        edit("if self.norm_first:", "if True:"),
        edit("if self.norm_first:", "if False:"),
        en="norm_first has no effect: both settings give the same order. True asks for x + f(norm(x)), False for "
        "norm(x + f(x)).",
        zh="norm_first 没有起作用：两种设置的顺序相同。True 应为 x + f(norm(x))，False 应为 norm(x + f(x))。",
    ),
    mistake(
        "residual-missing-attention",
        "numerics",
        edit(*NO_ATTENTION_RESIDUAL),
        *(edit(*one) for one in NO_ATTENTION_RESIDUAL),
        en="The residual connection around the attention is missing: the block returns what attention makes of x, not "
        "x plus that.",
        zh="缺少注意力外面的残差连接：应当是 x 加上注意力的输出，而不只是注意力的输出。",
    ),
    mistake(
        "residual-missing-feed-forward",
        "numerics",
        edit(*NO_FF_RESIDUAL),
        *(edit(*one) for one in NO_FF_RESIDUAL),
        en="The residual connection around the feed-forward network is missing: add its input x to what it returns.",
        zh="缺少前馈网络外面的残差连接：应当把它的输入 x 加到输出上。",
    ),
    mistake(
        "residual-missing-both",
        "numerics",
        edit(*NO_ATTENTION_RESIDUAL, *NO_FF_RESIDUAL),
        en="There are no residual connections: every sublayer's input is to be added to its output.",
        zh="没有残差连接：每个子层的输入都应当加到它的输出上。",
    ),
    mistake(
        "residual-from-normed",
        "numerics",
        edit(*NORMED_RESIDUALS),
        *(edit(*one) for one in NORMED_RESIDUALS),
        en="In pre-norm the residual is taken from the normed input: x + f(norm(x)) adds the x that was not normed, so "
        "that a path without any norm runs through the stack.",
        zh="前置归一化中残差取自归一化后的输入：x + f(norm(x)) 加的是未归一化的 x，"
        "这样才有一条不经过任何归一化的通路贯穿整个堆叠。",
    ),
    mistake(
        "feed-forward-on-input",
        "numerics",
        edit((PRE_ATTENTION, PRE_ATTENTION.replace("x = ", "y = ")), (PRE_FF, PRE_FF.replace("x +", "y +"))),
        edit("self.ff1(self.norm2(x))", "self.ff1(n)"),
        en="The feed-forward network reads the block's input and not what the attention made of it: the two sublayers "
        "come "
        "one after the other, the second works on the sum that the first leaves.",
        zh="前馈网络读的是这一层的输入，而不是注意力处理之后的结果：两个子层依次进行，第二个作用于第一个得到的和。",
    ),
    mistake(
        "norm-missing",
        "normalization",
        edit(("n = self.norm1(x)", "n = x"), ("self.norm2(x)", "x")),
        edit("n = self.norm1(x)", "n = x"),
        edit("self.norm2(x)", "x"),
        edit(("self.norm1(x + ", "(x + "), ("self.norm2(x + ", "(x + ")),
        edit("self.norm1(x + ", "(x + "),
        edit("self.norm2(x + ", "(x + "),
        en="A norm is missing: every sublayer has one, before it (pre-norm) or after its sum (post-norm).",
        zh="少了归一化：每个子层都有一个，前置时在子层之前，后置时在求和之后。",
    ),
    mistake(
        "norm-shared",
        "normalization",
        edit("self.norm2(x", "self.norm1(x"),
        edit("self.norm1(x", "self.norm2(x"),
        edit("self.norm2 = nn.LayerNorm(embed_dim)", "self.norm2 = self.norm1"),
        en="Both sublayers use one and the same norm: norm1 belongs to the attention and norm2 to the feed-forward "
        "network, "
        "each with a gain and a bias of its own.",
        zh="两个子层用了同一个归一化：norm1 属于注意力，norm2 属于前馈网络，各有自己的增益和偏置。",
    ),
    mistake(
        "norms-exchanged",
        "normalization",
        edit(("self.norm1(x", "self.norm0(x"), ("self.norm2(x", "self.norm1(x"), ("self.norm0(x", "self.norm2(x")),
        en="The two norms are exchanged: norm1 belongs to the attention, norm2 to the feed-forward network.",
        zh="两个归一化用反了：norm1 属于注意力，norm2 属于前馈网络。",
    ),
    mistake(
        "norm-on-sublayer-output",
        "normalization",
        edit(("self.norm1(x + ", "x + self.norm1("), ("self.norm2(x + ", "x + self.norm2(")),
        en="In post-norm you normalise what the sublayer returns and then add x: the norm comes after the sum, norm(x "
        "+ f(x)).",
        zh="后置归一化中你先归一化子层的输出再加 x：归一化应在求和之后，即 norm(x + f(x))。",
    ),
    mistake(
        "only-queries-normed",
        "normalization",
        edit("self.attention(n, n, n", "self.attention(n, x, x"),
        edit("self.attention(n, n, n", "self.attention(n, n, x"),
        en="In pre-norm only part of the attention's input is normed: query, key and value are all norm1(x).",
        zh="前置归一化中注意力的输入只归一化了一部分：查询、键、值都应当是 norm1(x)。",
    ),
    mistake(
        "extra-norm",
        "normalization",
        edit(f"return {PRE_FF}", f"return self.norm2({PRE_FF})"),
        en="Pre-norm ends with a norm inside the block: that one belongs after the whole stack, the block returns "
        "x + ff(norm2(x)).",
        zh="前置归一化的层内最后多了一个归一化：它属于整个堆叠之后，本层应返回 x + ff(norm2(x))。",
    ),
    mistake(
        "batch-norm",
        "normalization",
        edit("nn.LayerNorm", "nn.BatchNorm1d"),
        edit(("self.norm1(x", f"{over_the_batch('norm1')}(x"), ("self.norm2(x", f"{over_the_batch('norm2')}(x")),
        en=BATCH_NORM.en,
        zh=BATCH_NORM.zh,
    ),
    mistake(
        "relu",
        "numerics",
        edit("F.gelu", "F.relu"),
        en="The activation is ReLU, as in the original Transformer; this block asks for GELU.",
        zh="激活函数用了 ReLU（最初的 Transformer 如此）；这里要求 GELU。",
    ),
    mistake(
        "gelu-approximated",
        "numerics",
        edit("F.gelu(", "(lambda t: F.gelu(t, approximate='tanh'))("),
        edit("F.gelu(", "(lambda t: t * torch.sigmoid(1.702 * t))("),
        en="GELU is approximated (by tanh, or by a sigmoid): the exact x·Φ(x) is asked for, which F.gelu computes by "
        "default.",
        zh="GELU 用了近似（tanh 或 sigmoid）：要求精确的 x·Φ(x)，F.gelu 默认就是。",
    ),
    mistake(
        "no-activation",
        "numerics",
        edit("F.gelu(", "("),
        en="There is no activation between ff1 and ff2: two linear layers in a row are one linear layer.",
        zh="ff1 与 ff2 之间没有激活函数：连续两个线性层等于一个线性层。",
    ),
    mistake(
        "other-activation",
        "numerics",
        edit("F.gelu", "F.silu"),
        edit("F.gelu", "torch.tanh"),
        en="The activation is another one than GELU: ff(x) = ff2(GELU(ff1(x))).",
        zh="激活函数不是 GELU：ff(x) = ff2(GELU(ff1(x)))。",
    ),
    shared.pair_not_unpacked(
        edit("need_weights=False)[0]", "need_weights=False)"),
        edit("attn_mask=hidden, need_weights=False)[0]", "attn_mask=hidden).mean(1)"),
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
        "mask-inverted",
        "masking",
        edit(HIDDEN, "mask"),
        edit((HIDDEN, "mask"), (", need_weights=False", "")),
        en="The mask works the wrong way round: here True means may attend, but the boolean masks of "
        "nn.MultiheadAttention mean the opposite. Pass ~mask.",
        zh="掩码用反了：这里 True 表示可以关注，而 nn.MultiheadAttention 的布尔掩码含义正相反。请传入 ~mask。",
    ),
    shared.mask_ignored(edit(HIDDEN, "None")),
    mistake(
        "mask-as-numbers",
        "masking",
        edit(HIDDEN, "None if mask is None else mask.to(x.dtype)"),
        edit(HIDDEN, "None if mask is None else (~mask).to(x.dtype)"),
        en="The mask is passed as numbers 0 and 1: nn.MultiheadAttention adds such a mask to the scores, which hides "
        "nothing. "
        "Pass booleans, or 0 and −∞.",
        zh="掩码以 0 和 1 的数值传入：nn.MultiheadAttention 会把它加到打分上，什么也屏蔽不了。请传布尔值，或 0 和 −∞。",
    ),
    mistake(
        "mask-as-padding",
        "masking",
        edit("attn_mask=hidden", "key_padding_mask=hidden"),
        en="The mask is passed as key_padding_mask, which is (B, S), one row a sequence. A mask (L, L), one row a "
        "query, "
        "is the attn_mask.",
        zh="掩码传给了 key_padding_mask：那是 (B, S)，每个序列一行。每个查询一行的 (L, L) 掩码应传给 attn_mask。",
    ),
    mistake(
        "mask-transposed",
        "masking",
        edit(HIDDEN, "None if mask is None else ~mask.T"),
        edit((HIDDEN, "None if mask is None else ~mask.T"), (", need_weights=False", "")),
        en="The mask is transposed: row i says what query i may see, column j who may see key j.",
        zh="掩码被转置了：第 i 行表示查询 i 可以看到什么，第 j 列表示谁可以看到键 j。",
    ),
    mistake(
        "dropout-added",
        "state",
        edit("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        edit("F.gelu(", "(lambda t: F.dropout(F.gelu(t), 0.1, self.training))("),
        edit("self.ff2(F.gelu(", "(lambda t: F.dropout(self.ff2(t), 0.1, self.training))(F.gelu("),
        en="There is dropout in the block: in training mode the output is random. This block has none.",
        zh="层里有 dropout：训练模式下输出是随机的。本题没有 dropout。",
    ),
    shared.inputs_changed(
        edit("x = x + self.attention(n", "x += self.attention(n"),
        edit("n = self.norm1(x)", "n = self.norm1(x)\n            x.data.mul_(1.5)"),
    ),
)

exercise = Exercise(
    targets=("TransformerBlock",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(TransformerBlock,),
)
