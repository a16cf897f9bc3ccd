"""How self-attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import causal, huge_scores, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, Text, edit, mistake, worst


def cases(rand: Random) -> Iterator[Case]:
    yield shared.layers_named(6)
    yield Case(
        "the same twice in a row",
        (rand.normal(2, 3, 5),),
        init=(5,),
        drive=two_calls,
        judge=settled,
        family="state",
    )
    yield Case(
        "the scale, from the size of the keys",
        (torch.cat([rand.normal(2, 4, 8), torch.eye(4).repeat(2, 1, 1)], dim=-1),),
        init=(12,),
        drive=weights_alone,
        judge=shared.another_scale,
        family="scaling",
    )
    yield Case("a batch", (rand.normal(2, 5, 6),), init=(6,), gradients=True, twice=True, public=True)
    yield Case("another width: a fixed scale shows", (rand.normal(3, 4, 20),), init=(20,), family="scaling")
    yield Case("as many sequences as tokens", (rand.normal(4, 4, 7),), init=(7,), public=True)
    yield Case("batch 1, one token", (rand.normal(1, 1, 3),), init=(3,), family="shape")
    yield Case(
        "memory in another order (non-contiguous)",
        (rand.normal(5, 3, 8).transpose(0, 1),),
        init=(8,),
        family="shape",
    )
    x, tokens = rand.normal(2, 4, 5), rand.normal(3, 4, 6)
    yield Case("a mask (L, L): causal", (x,), {"mask": causal(4)}, init=(5,), family="masking", public=True)
    yield Case("a mask (B, 1, L): padding", (tokens,), {"mask": rand.mask(3, 1, 4)}, init=(6,), family="masking")
    yield Case(
        "a mask (B, L, L): each sequence its own",
        (rand.normal(2, 5, 7),),
        {"mask": rand.mask(2, 5, 5)},
        init=(7,),
        family="masking",
        gradients=True,
    )
    blind = rand.mask(3, 4, 4)
    blind[1, 2] = False
    yield Case(
        "a token that may see nothing",
        (rand.normal(3, 4, 5),),
        {"mask": blind},
        init=(5,),
        family="masking",
        gradients=True,
    )
    query, key, value = huge_scores(rand, 2, L=5, S=5, d=16, d_v=16)
    yield Case(
        "scores near 10,000",
        (torch.cat([query[..., :2], key[..., :2], value[..., 4:]], dim=-1),),
        init=(16,),
        drive=far_apart,
        tolerance=1e-3,
    )
    query, key, value = scores_far_below(rand, 2, L=5, S=5, d=16, d_v=16)
    yield Case(
        "scores near −10,000, some of them hidden",
        (torch.cat([query[..., :2], key[..., :2], value[..., 4:]], dim=-1),),
        {"mask": rand.mask(5, 5)},
        init=(16,),
        drive=far_apart,
        family="masking",
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        (rand.normal(2, 4, 6), rand.mask(4, 4), rand.mask(4, 4)),
        init=(6,),
        drive=two_masks,
        family="state",
    )
    yield Case("in training mode the same", (rand.normal(2, 4, 7),), init=(7,), train=True, family="state")
    yield Case("float64", (rand.normal(2, 3, 4),), init=(4,), dtype="float64", family="dtype")
    yield Case(
        "bfloat16 with a mask",
        (rand.normal(2, 4, 6),),
        {"mask": rand.mask(2, 4, 4)},
        init=(6,),
        dtype="bfloat16",
        family="dtype",
    )
    yield shared.layers_named(4, bias=False)


def two_calls(module, x):
    """Errors are for the plain cases."""
    try:
        return module(x), module(x)
    except NotImplementedError:
        raise
    except RuntimeError:
        return None


def settled(value: tuple[Tensor, Tensor] | None, expected: tuple[Tensor, Tensor]) -> Text | None:
    if value and worst(value[0], value[1]) > 1e-4:
        return Text(
            "Two calls with the same input differ: something in `forward` is random, such as a layer that is made there.",
            "同样的输入两次调用结果不同：`forward` 里有随机的东西，例如在其中新建的层。",
        )
    return None


def weights_alone(module, x):
    """Queries from the features 0 to 3, keys from 4 to 7, one-hot values from 8 to 11: what comes out are the weights.
    Errors are for the plain cases."""
    import torch

    with torch.no_grad():
        for i, layer in enumerate((module.q_proj, module.k_proj, module.v_proj)):
            layer.weight.zero_()
            layer.weight[:4, 4 * i : 4 * i + 4] = torch.eye(4)
            layer.bias.zero_()
        try:
            return module(x)[..., :4]
        except NotImplementedError:
            raise
        except RuntimeError:
            return None


def two_masks(module, x, first, second):
    module(x, first)
    return module(x, second)


def far_apart(module, x, mask=None):
    """Queries from the features 0 and 1, keys from 2 and 3, values from the others."""
    import torch

    query, key, value = torch.zeros(16, 16), torch.zeros(16, 16), torch.eye(16)
    query[0, 0] = query[1, 1] = key[0, 2] = key[1, 3] = 1.0
    value[:4] = 0.0
    with torch.no_grad():
        for layer, weight in ((module.q_proj, query), (module.k_proj, key), (module.v_proj, value)):
            layer.weight.copy_(weight)
            layer.bias.zero_()
    return module(x, mask)


def SelfAttention(embed_dim, bias=True):
    """The oracle: PyTorch's own."""

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("q_proj", "k_proj", "v_proj"):
                self.add_module(name, nn.Linear(embed_dim, embed_dim, bias=bias))

        def forward(self, x, mask=None):
            q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
            return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    return Module()


SCALE = "q.shape[-1] ** -0.5"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
ADD = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
OUTPUT = "return weights @ v"
Q, K, V = "self.q_proj(x)", "self.k_proj(x)", "self.v_proj(x)"
LAYER = "nn.Linear(embed_dim, embed_dim, bias=bias)"
LAYERS = "\n        ".join(f"self.{name}_proj = {LAYER}" for name in "qkv")
IN_FORWARD = LAYERS.replace("embed_dim", "x.shape[-1]").replace(", bias=bias", "").replace(")", ").to(x)")
ANEW = "nn.Linear(x.shape[-1], x.shape[-1]).to(x)(x)"
BY_HAND = "(scores.exp() / scores.exp().sum(dim=-1, keepdim=True))"

mistakes = (
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "q.shape[-1] ** -1.0")),
    mistake(
        "multiplied-by-root-d",
        "scaling",
        edit(SCALE, "q.shape[-1] ** 0.5"),
        en="Your scores are multiplied by √E; they should be divided by it.",
        zh="打分乘以了 √E；应当除以 √E。",
    ),
    mistake(
        "scale-by-length",
        "scaling",
        edit(SCALE, "q.shape[-2] ** -0.5"),
        en="Your scores are divided by √L, the number of tokens; the scale is 1/√E, from the size of one key vector.",
        zh="打分除以了 √L（词元的个数）；应当除以 √E（单个键向量的维度）。",
    ),
    mistake(
        "scale-fixed",
        "scaling",
        edit(SCALE, "64**-0.5"),
        en="Your scale is a constant (1/8, as for d = 64); it depends on embed_dim.",
        zh="缩放是常数（1/8，相当于 d = 64）；它应当取决于 embed_dim。",
    ),
    mistake(
        "scale-after-softmax",
        "scaling",
        edit((f" * {SCALE}", ""), (SOFTMAX, f"{SOFTMAX} * {SCALE}")),
        en="The scale is applied after the softmax: the weights shrink and no longer sum to 1. Scale the scores.",
        zh="缩放放到了 softmax 之后：权重变小，之和不再为 1。应当缩放打分。",
    ),
    shared.one_projection(
        edit((K, Q), (V, Q)),
        edit((Q, K), (V, K)),
        edit((Q, V), (K, V)),
        edit(K, Q),
        edit(Q, K),
        edit(V, K),
        edit(V, Q),
    ),
    shared.query_key_swapped(edit((f"q = {Q}", f"q = {K}"), (f"k = {K}", f"k = {Q}")), edit("q @ k.tr", "k @ q.tr")),
    mistake(
        "key-value-swapped",
        "numerics",
        edit((f"k = {K}", f"k = {V}"), (f"v = {V}", f"v = {K}")),
        en="k_proj and v_proj are swapped: scores come from the keys, the weighted sum is over the values.",
        zh="k_proj 与 v_proj 用反了：打分用键，加权求和用值。",
    ),
    mistake(
        "projected-afterwards",
        "numerics",
        edit(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.v_proj(weights @ v)"),
        ),
        edit(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.q_proj(weights @ v)"),
        ),
        edit(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.v_proj(self.k_proj(self.q_proj(weights @ v)))"),
        ),
        edit(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (
                OUTPUT,
                "output = weights @ v\n        return self.q_proj(output) + self.k_proj(output) + self.v_proj(output)",
            ),
        ),
        edit((f"v = {V}", "v = x"), (OUTPUT, "return self.v_proj(weights @ v)")),
        edit(OUTPUT, "return self.v_proj(weights @ v)"),
        edit(OUTPUT, "return self.q_proj(weights @ v)"),
        en="A projection is applied to the output of the attention: queries, keys and values are projected first, and "
        "what comes out of the weighted sum is returned as it is.",
        zh="投影作用在了注意力的输出上：应当先投影出查询、键、值，加权求和的结果直接返回。",
    ),
    mistake(
        "not-projected",
        "numerics",
        edit((f"q = {Q}", "q = x"), (f"k = {K}", "k = x"), (f"v = {V}", "v = x")),
        edit((f"q = {Q}", "q = x"), (f"k = {K}", "k = x")),
        edit(f"v = {V}", "v = x"),
        edit(f"q = {Q}", "q = x"),
        edit(f"k = {K}", "k = x"),
        en="Something is left unprojected: queries, keys and values each come from x through their own layer.",
        zh="有一项没有经过投影：查询、键、值都应由 x 经过各自的层得到。",
    ),
    mistake(
        "output-projected",
        "state",
        edit((LAYERS, f"{LAYERS}\n        self.out_proj = {LAYER}"), (OUTPUT, "return self.out_proj(weights @ v)")),
        en="There is an output projection out_proj: here the weighted sum of the values is the output. With several "
        "heads it has its place, with one head v_proj can do its work.",
        zh="多了输出投影 out_proj：本题中值的加权和就是输出。多头时才需要它，单头时 v_proj 可以代劳。",
    ),
    mistake(
        "layers-in-forward",
        "state",
        edit((LAYERS, "pass"), (f"q = {Q}", f"{IN_FORWARD}\n        q = {Q}")),
        edit((f"q = {Q}", f"q = {ANEW}"), (f"k = {K}", f"k = {ANEW}"), (f"v = {V}", f"v = {ANEW}")),
        en="Layers are made in `forward`: they have new random numbers in every call and are never trained. Make q_proj, "
        "k_proj and v_proj in `__init__`, as attributes of the module.",
        zh="层是在 `forward` 中新建的：每次调用都是新的随机数，也不会被训练。请在 `__init__` 中把 q_proj、k_proj、v_proj 建为模块的属性。",
    ),
    mistake(
        "batch-mixed-in",
        "shape",
        edit(
            (f"q = {Q}", f"q = {Q}.flatten(0, 1)"),
            (f"k = {K}", f"k = {K}.flatten(0, 1)"),
            (f"v = {V}", f"v = {V}.flatten(0, 1)"),
            (OUTPUT, "return (weights @ v).view_as(x)"),
        ),
        edit(
            (f"q = {Q}", f"q = {Q}.transpose(0, 1)"),
            (f"k = {K}", f"k = {K}.transpose(0, 1)"),
            (f"v = {V}", f"v = {V}.transpose(0, 1)"),
            (OUTPUT, "return (weights @ v).transpose(0, 1)"),
        ),
        en="Tokens attend across the batch: the sequences of a batch know nothing of each other. Keep the batch axis "
        "first and work on the last two, with transpose(-2, -1).",
        zh="词元跨批关注了别的序列：同一批中的序列应互不相干。批维度保持在最前，只在最后两个维度上运算，用 transpose(-2, -1)。",
    ),
    mistake(
        "features-attend",
        "shape",
        edit(
            ("q @ k.transpose(-2, -1)", "q.transpose(-2, -1) @ k"),
            (OUTPUT, "return v @ weights.transpose(-2, -1)"),
        ),
        edit(("q @ k.transpose(-2, -1)", "q.transpose(-2, -1) @ k"), (OUTPUT, "return v @ weights")),
        en="The features attend to each other, (B, E, E), not the tokens: scores are q @ k.transpose(-2, -1), (B, L, L).",
        zh="是特征之间在互相关注（B, E, E），而不是词元之间：打分应为 q @ k.transpose(-2, -1)，即 (B, L, L)。",
    ),
    mistake(
        "residual-added",
        "numerics",
        edit(OUTPUT, "return x + weights @ v"),
        en="The input is added to the output: the residual connection belongs to the block around this layer.",
        zh="输出加上了输入：残差连接属于这个层外面的模块。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    shared.softmax_over_batch(edit(SOFTMAX, "torch.softmax(scores, dim=0)")),
    shared.no_softmax(edit(SOFTMAX, 'scores.masked_fill(scores == float("-inf"), 0.0)'), edit(SOFTMAX, "scores")),
    shared.softmax_overflow(edit(SOFTMAX, BY_HAND)),
    shared.mask_inverted(edit("~mask,", "mask,"), edit(("~mask,", "mask,"), ("~mask.any", "mask.all"))),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights"))),
    mistake(
        "mask-transposed",
        "masking",
        edit((FILL, FILL.replace("~mask", "~mask.mT")), (EMPTY, EMPTY.replace("~mask.any", "~mask.mT.any"))),
        edit(FILL, FILL.replace("~mask", "~mask.mT")),
        en="The mask is applied transposed: its last two axes are (queries, keys), as those of the scores q @ k.transpose(-2, -1).",
        zh="掩码被转置后才用上：它的最后两个维度是（查询，键），与打分 q @ k.transpose(-2, -1) 一致。",
    ),
    shared.masked_after_softmax(edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)"))),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
    ),
    shared.empty_rows_nan(edit(EMPTY, "weights")),
    shared.nan_gradient(
        edit(FILL, ADD),
        edit((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)")),
    ),
    shared.empty_rows_uniform(edit(('float("-inf")', "-1e9"), (EMPTY, "weights"))),
    mistake(
        "weights-returned",
        "interface",
        edit(OUTPUT, f"{OUTPUT}, weights"),
        en="The module returns the weights as well: it returns the output alone.",
        zh="模块把权重也返回了：应当只返回输出。",
    ),
    mistake(
        "bias-ignored",
        "state",
        edit(", bias=bias", ""),
        en="bias=False leaves biases in place: `bias` decides for all three projections.",
        zh="bias=False 时仍有偏置：`bias` 决定全部三个投影。",
    ),
    shared.returns_float32(edit(OUTPUT, "return (weights @ v).float()")),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()")),
    shared.inputs_changed(
        edit(f"q = {Q}", f"q = {Q}\n        x.mul_(1.5)\n        x = x / 1.5"),
        edit(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ),
    shared.library_called(edit(OUTPUT, "return nn.functional.scaled_dot_product_attention(q, k, v, mask)")),
)

exercise = Exercise(
    targets=("SelfAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(SelfAttention,),
    forbidden=LIBRARY_ATTENTION,
)
