"""How cross-attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import huge_scores, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int, C: int) -> tuple[Tensor, Tensor]:
        return rand.normal(B, L, E), rand.normal(B, S, C)

    yield shared.layers_named(8, 2)
    yield shared.layers_named(8, 2, context_dim=6)
    yield Case(
        "the scale, from the size of a head",
        (rand.normal(2, 3, 8), torch.cat([rand.normal(2, 4, 8), torch.eye(4).repeat(2, 1, 2)], dim=-1)),
        init=(8, 2, 16),
        drive=weights_alone,
        judge=shared.another_scale,
        family="scaling",
    )
    yield Case("x and context alike in size", inputs(2, 5, 5, 12, 12), init=(12, 3), gradients=True, public=True)
    yield Case("another length", inputs(3, 4, 7, 10, 10), init=(10, 2), twice=True, family="shape", public=True)
    yield Case("another width", inputs(3, 5, 5, 8, 6), init=(8, 4), init_kwargs={"context_dim": 6}, family="shape")
    yield Case(
        "another length and another width",
        inputs(2, 6, 4, 15, 7),
        init=(15, 3, 7),
        family="shape",
        gradients=True,
    )
    yield Case("a context longer by a whole factor", inputs(2, 3, 6, 8, 8), init=(8, 2), family="shape")
    yield Case("batch 1, one query, one head", inputs(1, 1, 4, 5, 3), init=(5, 1, 3), family="shape")
    x, context = inputs(2, 4, 6, 15, 9)
    yield Case(
        "memory in another order (non-contiguous)",
        (x.mT.contiguous().mT, context.transpose(0, 1).contiguous().transpose(0, 1)),
        init=(15, 3, 9),
        family="shape",
    )
    yield Case(
        "padding in the context",
        inputs(2, 5, 7, 12, 9),
        {"context_mask": rand.mask(2, 7)},
        init=(12, 3, 9),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case(
        "a mask where batch, heads and lengths are all 3",
        inputs(3, 3, 3, 6, 6),
        {"context_mask": torch.tensor([[True, False, False], [True, True, False], [False, True, True]])},
        init=(6, 3),
        family="masking",
    )
    hidden = rand.mask(3, 5)
    hidden[1] = False
    yield Case(
        "a context that is hidden altogether: out_proj's bias",
        inputs(3, 4, 5, 8, 6),
        {"context_mask": hidden},
        init=(8, 2, 6),
        family="masking",
        gradients=True,
    )
    query, key, value = huge_scores(rand, 2, L=4, S=6, d=16, d_v=16)
    yield Case(
        "scores near 10,000",
        (query, torch.cat([key[..., :2], value[..., 2:]], dim=-1)),
        init=(16, 1),
        drive=far_apart,
        tolerance=1e-3,
    )
    query, key, value = scores_far_below(rand, 2, L=4, S=6, d=16, d_v=16)
    yield Case(
        "scores near −10,000, some of them hidden",
        (query, torch.cat([key[..., :2], value[..., 2:]], dim=-1)),
        {"context_mask": rand.mask(2, 6)},
        init=(16, 1),
        drive=far_apart,
        family="masking",
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        (*inputs(2, 3, 5, 8, 6), rand.mask(2, 5), rand.mask(2, 5)),
        init=(8, 2, 6),
        drive=two_masks,
        family="state",
    )
    yield Case("in training mode the same", inputs(2, 3, 4, 6, 5), init=(6, 2, 5), train=True, family="state")
    yield Case("float64", inputs(2, 3, 4, 6, 5), init=(6, 2, 5), dtype="float64", family="dtype")
    yield Case(
        "bfloat16 with a mask",
        inputs(2, 3, 5, 8, 6),
        {"context_mask": rand.mask(2, 5)},
        init=(8, 2, 6),
        dtype="bfloat16",
        family="dtype",
    )
    yield Case("embed_dim 6 in 4 heads", init=(6, 4), drive=shared.built, raises="ValueError", family="interface")


def weights_alone(module, x, context):
    """With keys and one-hot values side by side in the context, what comes out are the weights. Errors are for the
    plain cases."""
    import torch

    key, value = torch.eye(16)[:8], torch.eye(16)[8:]
    layers = {module.q_proj: torch.eye(8), module.k_proj: key, module.v_proj: value, module.out_proj: torch.eye(8)}
    with torch.no_grad():
        for layer, weight in layers.items():
            layer.weight.copy_(weight)
            layer.bias.zero_()
        try:
            return module(x, context)
        except NotImplementedError:
            raise
        except RuntimeError:
            return None


def two_masks(module, x, context, first, second):
    module(x, context, first)
    return module(x, context, second)


def far_apart(module, x, context, context_mask=None):
    """Keys from the first two features of the context, values from the others, no projection of the rest."""
    import torch

    key, value = torch.zeros(16, 16), torch.eye(16)
    key[0, 0] = key[1, 1] = 1.0
    value[:2] = 0.0
    layers = {module.q_proj: torch.eye(16), module.k_proj: key, module.v_proj: value, module.out_proj: torch.eye(16)}
    with torch.no_grad():
        for layer, weight in layers.items():
            layer.weight.copy_(weight)
            layer.bias.zero_()
    return module(x, context, context_mask)


def CrossAttention(embed_dim, num_heads, context_dim=None):
    """The oracle: PyTorch's own, with its inverted mask."""
    if embed_dim % num_heads != 0:
        raise ValueError("embed_dim")
    width = context_dim or embed_dim

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = {"q_proj": embed_dim, "k_proj": width, "v_proj": width, "out_proj": embed_dim}
            for name, size in sizes.items():
                self.add_module(name, nn.Linear(size, embed_dim))

        def forward(self, x, context, context_mask=None):
            context = context.transpose(0, 1)
            output, _ = nn.functional.multi_head_attention_forward(
                x.transpose(0, 1),
                context,
                context,
                embed_dim_to_check=embed_dim,
                num_heads=num_heads,
                in_proj_weight=None,
                in_proj_bias=torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias]),
                bias_k=None,
                bias_v=None,
                add_zero_attn=False,
                dropout_p=0.0,
                out_proj_weight=self.out_proj.weight,
                out_proj_bias=self.out_proj.bias,
                key_padding_mask=None if context_mask is None else ~context_mask,
                need_weights=False,
                use_separate_proj_weight=True,
                q_proj_weight=self.q_proj.weight,
                k_proj_weight=self.k_proj.weight,
                v_proj_weight=self.v_proj.weight,
            )
            return output.transpose(0, 1)

    return Module()


SPLIT = "features.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)"
UNTURNED = SPLIT.removesuffix(".transpose(1, 2)")
VIEWED = "features.reshape(len(features), self.num_heads, -1, self.head_dim)"
MERGE = "(weights @ v).transpose(1, 2).flatten(2)"
ROWS_AS_THEY_LIE = "(weights @ v).reshape(x.shape)"
SCALE = "self.head_dim ** -0.5"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
MASK = "context_mask[:, None, None, :]"
Q, K, V = "self.q_proj(x)", "self.k_proj(context)", "self.v_proj(context)"
OUTPUT = f"self.out_proj({MERGE})"
CHECK = "if embed_dim % num_heads:"
WIDTH = "context_dim = embed_dim if context_dim is None else context_dim"
BY_HAND = "(scores.exp() / scores.exp().sum(dim=-1, keepdim=True))"

mistakes = (
    mistake(
        "queries-from-context",
        "numerics",
        edit(Q, "self.q_proj(context)"),
        en="The queries come from the context: x asks, so q_proj takes x. There is one output row for each row of x.",
        zh="查询取自了 context：提问的是 x，q_proj 应作用于 x。x 的每一行对应一行输出。",
    ),
    mistake(
        "sides-swapped",
        "numerics",
        edit((Q, "self.q_proj(context)"), (K, "self.k_proj(x)"), (V, "self.v_proj(x)")),
        en="x and context have changed places: x asks (queries), the context answers (keys and values).",
        zh="x 与 context 弄反了：x 提问（查询），context 作答（键和值）。",
    ),
    mistake(
        "keys-from-x",
        "numerics",
        edit(K, "self.k_proj(x)"),
        en="The keys come from x: k_proj takes the context, whose positions are what is attended to.",
        zh="键取自了 x：k_proj 应作用于 context，被关注的是它的各个位置。",
    ),
    mistake(
        "values-from-x",
        "numerics",
        edit(V, "self.v_proj(x)"),
        en="The values come from x: v_proj takes the context, as what is read there is what comes out.",
        zh="值取自了 x：v_proj 应作用于 context，输出的正是从那里读到的内容。",
    ),
    mistake(
        "context-ignored",
        "numerics",
        edit((K, "self.k_proj(x)"), (V, "self.v_proj(x)")),
        edit(("q = split", "context = x\n        q = split")),
        en="The context is never read: this is self-attention on x. Keys and values come from the context.",
        zh="没有读取 context：这是对 x 的自注意力。键和值应来自 context。",
    ),
    mistake(
        "key-value-swapped",
        "numerics",
        edit((f"k = split({K})", f"k = split({V})"), (f"v = split({V})", f"v = split({K})")),
        en="k_proj and v_proj are swapped: scores come from the keys, the weighted sum is over the values.",
        zh="k_proj 与 v_proj 用反了：打分用键，加权求和用值。",
    ),
    shared.one_projection(edit(V, K), edit(K, V)),
    mistake(
        "context-dim-ignored",
        "shape",
        edit(WIDTH, "context_dim = embed_dim"),
        edit("self.v_proj = nn.Linear(context_dim,", "self.v_proj = nn.Linear(embed_dim,"),
        edit("self.k_proj = nn.Linear(context_dim,", "self.k_proj = nn.Linear(embed_dim,"),
        en="`context_dim` is ignored: k_proj and v_proj read the context, so their input size is context_dim.",
        zh="忽略了 `context_dim`：k_proj 和 v_proj 读的是 context，其输入维度应为 context_dim。",
    ),
    mistake(
        "context-dim-required",
        "interface",
        edit(WIDTH, "pass"),
        en="Without `context_dim` the module cannot be built: None means that the context is embed_dim wide.",
        zh="不给 `context_dim` 就无法构造模块：None 表示 context 的宽度等于 embed_dim。",
    ),
    mistake(
        "lengths-confused",
        "shape",
        edit(SPLIT, "features.view(len(x), x.shape[1], self.num_heads, self.head_dim).transpose(1, 2)"),
        edit(MERGE, "(weights @ v).transpose(1, 2).reshape(len(x), context.shape[1], -1)"),
        en="One length is used for both sequences: x has L positions, the context has S. Use each tensor's own.",
        zh="两个序列用了同一个长度：x 有 L 个位置，context 有 S 个。应使用各自张量的长度。",
    ),
    shared.scale_by_model(edit(SCALE, "(self.num_heads * self.head_dim) ** -0.5")),
    mistake(
        "scale-by-context",
        "scaling",
        edit(SCALE, "context.shape[-1] ** -0.5"),
        en="Your scale comes from context_dim; it is per head, 1/√head_dim, the size of the vectors that are dotted.",
        zh="缩放用了 context_dim；缩放是按头的，应为 1/√head_dim，即做点积的向量的维度。",
    ),
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "self.head_dim ** -1.0")),
    shared.heads_not_split(edit(SPLIT, VIEWED), edit((SPLIT, VIEWED), (MERGE, ROWS_AS_THEY_LIE))),
    shared.heads_not_merged(edit(MERGE, ROWS_AS_THEY_LIE)),
    shared.attention_over_heads(
        edit((SPLIT, UNTURNED), (MERGE, "(weights @ v).flatten(2)")),
        edit((SPLIT, UNTURNED), (MERGE, "(weights @ v).transpose(1, 2).reshape(x.shape)")),
    ),
    shared.one_head(
        edit((SPLIT, "features.unsqueeze(1)"), (SCALE, "q.shape[-1] ** -0.5")),
        edit(SPLIT, "features.unsqueeze(1)"),
    ),
    shared.out_proj_unused(edit(OUTPUT, MERGE)),
    shared.no_out_proj(edit(("self.out_proj = nn.Linear(embed_dim, embed_dim)", "pass"), (OUTPUT, MERGE))),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    shared.softmax_over_heads(edit(SOFTMAX, "torch.softmax(scores, dim=1)")),
    shared.softmax_over_batch(
        edit(SOFTMAX, "torch.softmax(scores, dim=0)"),
        edit(SOFTMAX, "torch.softmax(scores.flatten(0, 1), dim=0).view_as(scores)"),
    ),
    shared.no_softmax(edit(SOFTMAX, 'scores.masked_fill(scores == float("-inf"), 0.0)'), edit(SOFTMAX, "scores")),
    shared.softmax_overflow(edit(SOFTMAX, BY_HAND)),
    shared.mask_inverted(edit("~mask,", "mask,"), edit(("~mask,", "mask,"), ("~mask.any", "mask.all"))),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights"))),
    mistake(
        "mask-on-queries",
        "masking",
        edit(MASK, "context_mask[:, None, :, None]"),
        edit((MASK, "context_mask[:, None, :, None]"), (EMPTY, "weights.nan_to_num()")),
        edit((MASK, "context_mask[:, None, :, None]"), (EMPTY, "weights")),
        edit((FILL, "scores"), (EMPTY, "weights * context_mask[:, None, :, None]")),
        en="The mask hides queries: context_mask is about the positions of the context, the last axis of the scores. "
        "Use context_mask[:, None, None, :].",
        zh="掩码屏蔽了查询：context_mask 针对的是 context 的位置，即打分的最后一个维度。应当用 context_mask[:, None, None, :]。",
    ),
    mistake(
        "mask-misaligned",
        "masking",
        edit(MASK, "context_mask"),
        edit(MASK, "context_mask[:, None, :]"),
        edit(MASK, "context_mask[None, :, None, :]"),
        en="The mask's batch axis is matched with the queries or the heads: (B, S) needs two axes in between, "
        "context_mask[:, None, None, :].",
        zh="掩码的批维度对上了查询或头：(B, S) 中间需要补两个维度，即 context_mask[:, None, None, :]。",
    ),
    mistake(
        "mask-of-first-sequence",
        "masking",
        edit(MASK, "context_mask[:1, None, None, :]"),
        en="Every sequence gets the mask of the first: context_mask has a row for each sequence.",
        zh="所有序列都用了第一个序列的掩码：context_mask 中每个序列各有一行。",
    ),
    shared.masked_after_softmax(edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)"))),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
    ),
    shared.empty_rows_nan(edit(EMPTY, "weights")),
    shared.empty_rows_uniform(edit(('float("-inf")', "-1e9"), (EMPTY, "weights"))),
    mistake(
        "empty-rows-without-bias",
        "masking",
        edit(f"return {OUTPUT}", f"""output = {OUTPUT}
        if context_mask is not None:
            output = output * context_mask.any(dim=-1)[:, None, None]
        return output"""),
        en="Where the whole context is hidden the output is set to zero after out_proj: the context vector is zero, "
        "and what comes out is out_proj's bias.",
        zh="上下文全部被屏蔽时，输出在 out_proj 之后被置零了：为零的是上下文向量，输出应为 out_proj 的偏置。",
    ),
    mistake(
        "residual-added",
        "numerics",
        edit(f"return {OUTPUT}", f"return x + {OUTPUT}"),
        en="x is added to the output: the residual connection belongs to the block around this layer.",
        zh="输出加上了 x：残差连接属于这个层外面的模块。",
    ),
    shared.heads_not_checked(
        edit(CHECK, "if False:"),
        edit(f"{CHECK}\n            raise ValueError(f", "assert embed_dim % num_heads == 0, (f"),
    ),
    shared.returns_float32(edit(OUTPUT, f"{OUTPUT}.float()")),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()")),
    mistake(
        "context-detached",
        "gradient",
        edit("q = split", "context = context.detach()\n        q = split"),
        en="No gradient reaches the context: it is detached, and whatever made it (an encoder) would never learn.",
        zh="没有梯度到达 context：它被 detach 了，产生它的编码器将永远学不到东西。",
    ),
    shared.inputs_changed(
        edit("q = split", "x.mul_(2.0)\n        x = x / 2.0\n        q = split"),
        edit("q = split", "context.mul_(2.0)\n        context = context / 2.0\n        q = split"),
        edit(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ),
    shared.library_called(
        edit("weights @ v", "nn.functional.scaled_dot_product_attention(q, k, v, None if context_mask is None else mask)"),
    ),
)

exercise = Exercise(
    targets=("CrossAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(CrossAttention,),
    forbidden=LIBRARY_ATTENTION,
)
