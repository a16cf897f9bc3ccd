"""How multi-head attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import causal, huge_scores, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, Text, edit, mistake, worst

HEADS, DROPPED = 2, 0.25


def cases(rand: Random) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int) -> tuple[Tensor, ...]:
        return rand.normal(B, L, E), rand.normal(B, S, E), rand.normal(B, S, E)

    x = rand.normal(2, 5, 12)
    yield shared.layers_named(12, 3)
    yield Case(
        "the scale, from the size of a head",
        (*inputs(2, 3, 4, 8)[:2], torch.eye(4).repeat(2, 1, 2)),
        init=(8, 2),
        drive=weights_alone,
        judge=shared.another_scale,
        family="scaling",
    )
    yield Case("self-attention", (x, x, x), init=(12, 3), gradients=True, twice=True, public=True)
    yield Case("other keys than queries, other values than keys", inputs(3, 5, 7, 8), init=(8, 2), public=True)
    yield Case("batch 1, one query, one head", inputs(1, 1, 6, 5), init=(5, 1), family="shape")
    query, key, value = inputs(2, 4, 6, 15)
    yield Case(
        "memory in another order (non-contiguous)",
        (query.mT.contiguous().mT, key.transpose(0, 1).contiguous().transpose(0, 1), value.mT.contiguous().mT),
        init=(15, 3),
        family="shape",
    )
    yield Case(
        "a mask (L, S): causal",
        inputs(3, 5, 7, 8),
        {"mask": causal(5, 7)},
        init=(8, 2),
        family="masking",
        public=True,
    )
    yield Case(
        "a mask (B, L, S): each sequence its own",
        inputs(2, 3, 6, 20),
        {"mask": rand.mask(2, 3, 6)},
        init=(20, 5),
        family="masking",
        gradients=True,
    )
    yield Case(
        "a mask (B, L, S) where B is also the number of heads",
        inputs(3, 5, 4, 6),
        {"mask": rand.mask(3, 5, 4)},
        init=(6, 3),
        family="masking",
    )
    yield Case(
        "a mask (L, S) where L is also B and the number of heads",
        inputs(3, 3, 5, 12),
        {"mask": rand.mask(3, 5)},
        init=(12, 3),
        family="masking",
    )
    yield Case(
        "a mask (B, 1, S): padding",
        inputs(4, 3, 6, 10),
        {"mask": rand.mask(4, 1, 6)},
        init=(10, 2),
        family="masking",
    )
    blind = rand.mask(2, 4, 5)
    blind[1, 2] = False
    yield Case(
        "a query that may see nothing: out_proj's bias",
        inputs(2, 4, 5, 12),
        {"mask": blind},
        init=(12, 3),
        family="masking",
        gradients=True,
    )
    yield Case(
        "scores near 10,000",
        huge_scores(rand, 2, L=4, S=6, d=16, d_v=16),
        init=(16, 1),
        drive=without_projections,
        tolerance=1e-3,
    )
    yield Case(
        "scores near −10,000, some of them hidden",
        scores_far_below(rand, 2, L=4, S=6, d=16, d_v=16),
        {"mask": rand.mask(4, 6)},
        init=(16, 1),
        drive=without_projections,
        family="masking",
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        (*inputs(2, 3, 5, 8), rand.mask(3, 5), rand.mask(3, 5)),
        init=(8, 2),
        drive=two_masks,
        family="state",
    )
    yield Case("float64", inputs(2, 3, 4, 6), init=(6, 2), dtype="float64", family="dtype")
    yield Case(
        "bfloat16 with a mask",
        inputs(2, 3, 5, 8),
        {"mask": rand.mask(2, 3, 5)},
        init=(8, 2),
        dtype="bfloat16",
        family="dtype",
    )
    yield Case("training without dropout", inputs(2, 3, 5, 8), init=(8, 4), train=True, family="state")
    yield Case(
        "dropout in evaluation: none",
        (rand.normal(2, 7, 8),),
        init=(8, 2, 0.5),
        drive=two_calls,
        judge=settled,
        family="state",
    )
    yield Case(
        "dropout in training: on the weights, and inverted",
        (rand.normal(8, 32, 4 * HEADS),),
        init=(4 * HEADS, HEADS, DROPPED),
        train=True,
        drive=sums_of_weights,
        judge=dropped,
        family="state",
    )
    x = rand.normal(2, 6, 8)
    yield Case(
        "dropout in evaluation, training, evaluation, … in turn",
        (x, x, x),
        init=(8, 2, 0.5),
        drive=shared.modes,
        family="state",
    )
    yield Case("embed_dim 6 in 4 heads", init=(6, 4), drive=shared.built, raises="ValueError", family="interface")
    yield shared.layers_named(6, 3, bias=False)


def two_masks(module, query, key, value, first, second):
    module(query, key, value, first)
    return module(query, key, value, second)


def without_projections(module, query, key, value, mask=None):
    import torch

    with torch.no_grad():
        for layer in (module.q_proj, module.k_proj, module.v_proj, module.out_proj):
            layer.weight.copy_(torch.eye(len(layer.weight)))
            layer.bias.zero_()
    return module(query, key, value, mask)


def weights_alone(module, query, key, value):
    """Without projections, and with one-hot values, what comes out are the weights. Errors are for the plain cases."""
    import torch

    with torch.no_grad():
        for layer in (module.q_proj, module.k_proj, module.v_proj, module.out_proj):
            layer.weight.copy_(torch.eye(len(layer.weight)))
            layer.bias.zero_()
        try:
            return module(query, key, value)
        except NotImplementedError:
            raise
        except RuntimeError:
            return None


def two_calls(module, x):
    return module(x, x, x), module(x, x, x)


def settled(value: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> Text | None:
    if worst(value[0], value[1]) > 1e-4:
        return Text(
            "In evaluation mode two calls with the same input differ: dropout is still at work.",
            "在评估模式下，同样的输入两次调用结果不同：dropout 仍在起作用。",
        )
    if worst(value[0], expected[0]) > 1e-4:
        return Text(
            "In evaluation mode a module with dropout does not give what one without dropout gives.",
            "在评估模式下，带 dropout 的模块与不带 dropout 的模块结果不同。",
        )
    return None


def sums_of_weights(module, x):
    """Whether training draws anything at all; and, with values of 1 and no projection after, the sum of each row."""
    import torch

    drawn = not torch.equal(module(x, x, x), module(x, x, x))
    with torch.no_grad():
        for layer in (module.q_proj, module.k_proj, module.v_proj, module.out_proj):
            layer.weight.zero_()
            layer.bias.zero_()
        module.v_proj.bias.fill_(1.0)
        module.out_proj.weight.copy_(torch.eye(len(module.out_proj.weight)))
        return drawn, module(x, x, x)


def dropped(value: tuple[bool, Tensor], expected: tuple[bool, Tensor]) -> Text | None:
    """Judges 512 rows of 32 equal weights. All bounds are at least six standard deviations wide."""
    drawn, output = value
    if output.shape != expected[1].shape:
        return Text("In training the output has another shape.", "训练模式下输出的形状不对。")
    sums = output.double().unflatten(-1, (HEADS, -1))
    rows = sums[..., 0]
    keys = rows.shape[1]
    variance = DROPPED / (1 - DROPPED) / keys
    if not drawn:
        return Text("In training mode nothing is dropped.", "训练模式下什么都没有被丢弃。")
    if worst(sums, rows.unsqueeze(-1).expand_as(sums)) > 1e-3:
        return Text(
            "Dropout acts on single features of the values or of the output; it acts on the weights.",
            "dropout 作用在了值或输出的单个特征上；它应当作用于权重。",
        )
    if float(rows.abs().max()) < 1e-3:
        return Text(
            "In training the values from v_proj do not reach the output.", "训练模式下 v_proj 给出的值没有传到输出。"
        )
    if worst(rows, rows.round()) < 1e-3 and float(rows.var()) < variance / 10:
        return Text(
            "In training the weights that are used still sum to 1: dropout acts before the softmax, or the weights are "
            "normalised again. It acts on the weights, and what is kept is only divided by 1 − p.",
            "训练时所用的权重之和仍为 1：dropout 放在了 softmax 之前，或者之后又做了归一化。它应作用于权重，保留下来的只除以 1 − p。",
        )
    if abs(float(rows.mean()) - 1) > 0.1:
        return Text(
            "In training the weights do not keep their mean: each is dropped with probability p, and what is kept is "
            "divided by 1 − p.",
            "训练时权重的均值没有保持不变：每个权重以概率 p 丢弃，保留下来的除以 1 − p。",
        )
    if any(worst(rows.select(axis, 0), rows.select(axis, 1)) < 1e-3 for axis in range(3)):
        return Text(
            "The same weights are dropped for every sequence, query or head; each entry is drawn by itself.",
            "每个序列、查询或头丢弃的是同样的权重；每个元素应当独立抽样。",
        )
    if not 0.4 < float(rows.var()) / variance < 1.7:
        return Text(
            "In training the share of weights that is dropped is not p, or they are not dropped one by one.",
            "训练时被丢弃的权重比例不是 p，或者不是逐个丢弃的。",
        )
    return None


def MultiHeadAttention(embed_dim, num_heads, dropout=0.0, bias=True):
    """The oracle: PyTorch's own, with its inverted masks and its heads folded into the batch."""
    if embed_dim % num_heads != 0:
        raise ValueError("embed_dim")

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                self.add_module(name, nn.Linear(embed_dim, embed_dim, bias=bias))

        def forward(self, query, key, value, mask=None):
            if mask is not None:
                mask = mask[:, None] if mask.dim() == 3 else mask
                shape = (len(query), num_heads, query.shape[1], key.shape[1])
                mask = ~mask.expand(shape).reshape(-1, *shape[2:])
            output, _ = nn.functional.multi_head_attention_forward(
                *(x.transpose(0, 1) for x in (query, key, value)),
                embed_dim_to_check=embed_dim,
                num_heads=num_heads,
                in_proj_weight=None,
                in_proj_bias=torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias]),
                bias_k=None,
                bias_v=None,
                add_zero_attn=False,
                dropout_p=dropout,
                out_proj_weight=self.out_proj.weight,
                out_proj_bias=self.out_proj.bias,
                training=self.training,
                need_weights=False,
                attn_mask=mask,
                use_separate_proj_weight=True,
                q_proj_weight=self.q_proj.weight,
                k_proj_weight=self.k_proj.weight,
                v_proj_weight=self.v_proj.weight,
            )
            return output.transpose(0, 1)

    return Module()


SPLIT = "x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)"
MERGE = "context.transpose(1, 2).flatten(2)"
SCALE = "self.head_dim ** -0.5"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
ADD = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
HEAD_AXIS = "mask = mask.unsqueeze(1)"
WEIGH = "self.dropout(weights) @ v"
DROP_WHEN_ON = "nn.functional.dropout(weights, self.dropout.p, self.on) @ v"
ONCE = "self.on = getattr(self, 'on', self.training)"
SINCE = "self.on = getattr(self, 'on', False) or self.training"
PARTS = "split(self.q_proj(query))", "split(self.k_proj(key))", "split(self.v_proj(value))"
LAST = "nn.Linear(embed_dim, embed_dim, bias=bias)\n        self.dropout"
CHECK = "if embed_dim % num_heads:"
VIEWED = "x.reshape(len(x), self.num_heads, -1, self.head_dim)"
ROWS_AS_THEY_LIE = "context.reshape(query.shape)"
BY_HAND = "(scores.exp() / scores.exp().sum(dim=-1, keepdim=True))"

mistakes = (
    shared.scale_by_model(edit(SCALE, "(self.num_heads * self.head_dim) ** -0.5")),
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "self.head_dim ** -1.0")),
    mistake(
        "scale-by-heads",
        "scaling",
        edit(SCALE, "self.num_heads ** -0.5"),
        en="Your scale is 1/√num_heads; it comes from the size of a head, 1/√head_dim.",
        zh="缩放用了 1/√num_heads；应当由每个头的维度决定，即 1/√head_dim。",
    ),
    shared.heads_not_split(
        edit(SPLIT, VIEWED),
        edit((SPLIT, VIEWED), (MERGE, ROWS_AS_THEY_LIE)),
    ),
    shared.heads_not_merged(
        edit(MERGE, ROWS_AS_THEY_LIE),
    ),
    mistake(
        "length-of-the-queries",
        "shape",
        edit(SPLIT, "x.view(*query.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)"),
        edit(SPLIT, "x.reshape(*query.shape[:2], self.num_heads, -1).transpose(1, 2)"),
        en="Keys and values are cut to the length of the query: they have S tokens, not L. Take the length from the tensor that is split.",
        zh="键和值按查询的长度来拆分了：它们有 S 个词元，而不是 L 个。长度应取自被拆分的张量本身。",
    ),
    mistake(
        "heads-interleaved",
        "shape",
        edit(
            (SPLIT, "x.unflatten(-1, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)"),
            (MERGE, "context.permute(0, 2, 3, 1).flatten(2)"),
        ),
        edit(SPLIT, "x.unflatten(-1, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)"),
        en="Your heads take every H-th feature; head i takes the neighbouring features i·d to (i+1)·d − 1: "
        "view(B, L, H, head_dim), not view(B, L, head_dim, H).",
        zh="你的每个头隔 H 个取一个特征；第 i 个头应取相邻的第 i·d 到 (i+1)·d − 1 个特征：用 view(B, L, H, head_dim)，而不是 view(B, L, head_dim, H)。",
    ),
    shared.attention_over_heads(
        edit((SPLIT, SPLIT.removesuffix(".transpose(1, 2)")), (MERGE, "context.flatten(2)")),
        edit((SPLIT, SPLIT.removesuffix(".transpose(1, 2)")), (MERGE, "context.transpose(1, 2).reshape(query.shape)")),
    ),
    shared.one_head(
        edit((SPLIT, "x.unsqueeze(1)"), (SCALE, "q.shape[-1] ** -0.5")),
        edit(SPLIT, "x.unsqueeze(1)"),
    ),
    shared.out_proj_unused(
        edit(f"self.out_proj({MERGE})", MERGE),
    ),
    shared.no_out_proj(
        edit(
            ("self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)\n        ", ""),
            (f"self.out_proj({MERGE})", MERGE),
        ),
    ),
    shared.one_projection(
        edit(("self.k_proj(key)", "self.q_proj(key)"), ("self.v_proj(value)", "self.q_proj(value)")),
        edit(("self.q_proj(query)", "self.v_proj(query)"), ("self.k_proj(key)", "self.v_proj(key)")),
        edit("self.k_proj(key)", "self.q_proj(key)"),
        edit("self.q_proj(query)", "self.k_proj(query)"),
        edit("self.v_proj(value)", "self.k_proj(value)"),
        edit("self.v_proj(value)", "self.q_proj(value)"),
        edit("self.k_proj(key)", "self.v_proj(key)"),
        edit("self.q_proj(query)", "self.v_proj(query)"),
        edit(("self.q_proj(query)", "self.k_proj(query)"), ("self.v_proj(value)", "self.k_proj(value)")),
    ),
    mistake(
        "key-value-swapped",
        "numerics",
        edit(("self.k_proj(key)", "self.k_proj(value)"), ("self.v_proj(value)", "self.v_proj(key)")),
        edit(("self.k_proj(key)", "self.v_proj(key)"), ("self.v_proj(value)", "self.k_proj(value)")),
        edit(("self.k_proj(key)", "self.v_proj(value)"), (PARTS[2], "split(self.k_proj(key))")),
        en="Keys and values are swapped: scores come from k_proj(key), the weighted sum is over v_proj(value).",
        zh="键和值弄反了：打分用 k_proj(key)，加权求和用 v_proj(value)。",
    ),
    shared.query_key_swapped(
        edit(("self.q_proj(query)", "self.k_proj(query)"), ("self.k_proj(key)", "self.q_proj(key)")),
    ),
    mistake(
        "value-from-key",
        "numerics",
        edit("self.v_proj(value)", "self.v_proj(key)"),
        en="The values are made from `key`: v_proj takes `value`, which may be another tensor.",
        zh="值是由 `key` 得到的：v_proj 应作用于 `value`，它可能是另一个张量。",
    ),
    mistake(
        "self-attention-only",
        "numerics",
        edit(("self.k_proj(key)", "self.k_proj(query)"), ("self.v_proj(value)", "self.v_proj(query)")),
        edit(("self.q_proj(query)", "self.q_proj(key)"), ("self.v_proj(value)", "self.v_proj(key)")),
        en="Everything is made from one input: only q_proj takes `query`; k_proj takes `key` and v_proj takes `value`.",
        zh="查询、键、值都来自同一个输入：只有 q_proj 作用于 `query`，k_proj 作用于 `key`，v_proj 作用于 `value`。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    shared.softmax_over_heads(
        edit(SOFTMAX, "torch.softmax(scores, dim=1)"),
    ),
    shared.softmax_over_batch(
        edit(SOFTMAX, "torch.softmax(scores, dim=0)"),
        edit(SOFTMAX, "torch.softmax(scores.flatten(0, 1), dim=0).view_as(scores)"),
    ),
    shared.no_softmax(
        edit(SOFTMAX, "scores.masked_fill(scores == float('-inf'), 0.0)"),
        edit(SOFTMAX, "scores"),
    ),
    shared.softmax_overflow(
        edit(SOFTMAX, BY_HAND),
    ),
    shared.mask_inverted(edit("~mask,", "mask,"), edit(("~mask,", "mask,"), ("~mask.any", "mask.all"))),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights"))),
    shared.masked_after_softmax(
        edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    ),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
    ),
    mistake(
        "mask-over-heads",
        "masking",
        edit(HEAD_AXIS, "pass"),
        en="A mask (B, L, S) meets scores (B, H, L, S) without a head axis: its batch axis is matched with the heads, "
        "silently when B equals num_heads. It needs unsqueeze(1).",
        zh="(B, L, S) 的掩码没有补“头”维度就用于 (B, H, L, S) 的打分：批维度对上了头维度，B 恰等于 num_heads 时还不会报错。应当先 unsqueeze(1)。",
    ),
    mistake(
        "mask-of-another-sequence",
        "masking",
        edit(HEAD_AXIS, "mask = mask.expand(-1, *scores.shape[2:]).repeat(self.num_heads, 1, 1).view_as(scores)"),
        en="The masks of the sequences are handed out in the wrong order: with heads folded into the batch, "
        "mask.repeat(H, 1, 1) gives a head the mask of another sequence. Use repeat_interleave, or unsqueeze(1).",
        zh="各序列的掩码分配错了次序：把头并入批维度时，mask.repeat(H, 1, 1) 会让某些头用到别的序列的掩码。应当用 repeat_interleave，或 unsqueeze(1)。",
    ),
    mistake(
        "mask-of-first-sequence",
        "masking",
        edit(HEAD_AXIS, "mask = mask[:1].unsqueeze(1)"),
        en="Every sequence gets the mask of the first: a mask with three axes has one matrix for each sequence.",
        zh="所有序列都用了第一个序列的掩码：三维掩码中每个序列各有一个矩阵。",
    ),
    mistake(
        "plain-mask-misread",
        "masking",
        edit("if mask.dim() == 3:", "if mask.dim() <= 3:"),
        edit(HEAD_AXIS, f"{HEAD_AXIS}\n            else:\n                mask = mask[:, None, None, :]"),
        edit(
            HEAD_AXIS,
            f"{HEAD_AXIS}\n            elif mask.shape[0] == len(query):\n                mask = mask[:, None, None, :]",
        ),
        en="A mask with two axes is (L, S), the same for every sequence and head; yours is read as if its first axis "
        "were the batch or the heads.",
        zh="二维掩码是 (L, S)，对每个序列、每个头都相同；你把它的第一个维度当成了批或头。",
    ),
    shared.empty_rows_nan(edit(EMPTY, "weights")),
    shared.nan_gradient(
        edit(FILL, ADD),
        edit((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)")),
    ),
    shared.empty_rows_uniform(edit(('float("-inf")', "-1e9"), (EMPTY, "weights"))),
    mistake(
        "empty-rows-without-bias",
        "masking",
        edit(f"return self.out_proj({MERGE})", f"""output = self.out_proj({MERGE})
        if mask is not None:
            output = output * mask.expand(scores.shape).any(dim=-1)[:, 0].unsqueeze(-1)
        return output"""),
        en="The output of a query that may see nothing is set to zero after out_proj: its context vector is zero, "
        "and what comes out is out_proj's bias.",
        zh="什么都看不到的查询，其输出在 out_proj 之后被置零了：为零的是它的上下文向量，输出应为 out_proj 的偏置。",
    ),
    mistake(
        "dropout-in-eval",
        "state",
        edit("self.dropout(weights)", "nn.functional.dropout(weights, self.dropout.p)"),
        edit("self.dropout(weights)", "nn.Dropout(self.dropout.p)(weights)"),
        en="Dropout is still at work in evaluation mode: keep nn.Dropout as a part of the module (made in __init__), "
        "or pass training=self.training to F.dropout.",
        zh="评估模式下 dropout 仍在起作用：应在 __init__ 中把 nn.Dropout 作为子模块，或给 F.dropout 传入 training=self.training。",
    ),
    shared.mode_kept(
        edit(WEIGH, f"{WEIGH}\n        if not self.training:\n            self.dropout.p = 0.0"),
        edit(WEIGH, f"{WEIGH}\n        if not self.training:\n            self.dropout = nn.Identity()"),
        edit(("context = ", f"{ONCE}\n        context = "), (WEIGH, DROP_WHEN_ON)),
        edit(("context = ", f"{SINCE}\n        context = "), (WEIGH, DROP_WHEN_ON)),
    ),
    shared.mode_from_gradients(
        edit(WEIGH, DROP_WHEN_ON.replace("self.on", "self.training and torch.is_grad_enabled()")),
        edit(WEIGH, DROP_WHEN_ON.replace("self.on", "torch.is_grad_enabled()")),
        edit(WEIGH, DROP_WHEN_ON.replace("self.on", "weights.requires_grad")),
    ),
    mistake(
        "dropout-on-output",
        "state",
        edit((WEIGH, "weights @ v"), (f"return self.out_proj({MERGE})", f"return self.dropout(self.out_proj({MERGE}))")),
        en="Dropout is on the output or the values, feature by feature; it belongs on the weights, after the softmax.",
        zh="dropout 逐特征地作用在输出或值上；它应当作用于 softmax 之后的权重。",
    ),
    mistake(
        "dropout-before-softmax",
        "state",
        edit((WEIGH, "weights @ v"), (SOFTMAX, "torch.softmax(self.dropout(scores), dim=-1)")),
        en="Dropout acts before the softmax, so that the weights still sum to 1: drop entries of the weights themselves, "
        "after the softmax, and do not normalise again.",
        zh="dropout 放在了 softmax 之前，权重之和仍为 1：应当在 softmax 之后丢弃权重本身的元素，且不再归一化。",
    ),
    mistake(
        "dropout-not-rescaled",
        "state",
        edit("self.dropout(weights)", "(self.dropout(weights) * (1 - self.dropout.p if self.training else 1.0))"),
        en="In training the weights that are kept are not divided by 1 − p: their mean shrinks, and evaluation sees "
        "larger sums than training did.",
        zh="训练时保留下来的权重没有除以 1 − p：均值变小，评估时的和就比训练时大。",
    ),
    mistake(
        "dropout-rate-swapped",
        "state",
        edit("nn.Dropout(dropout)", "nn.Dropout(1 - dropout if dropout else 0.0)"),
        en="Weights are kept with probability p and dropped with 1 − p: `dropout` is the probability of dropping.",
        zh="权重以概率 p 保留、以 1 − p 丢弃：`dropout` 应当是丢弃的概率。",
    ),
    mistake(
        "no-dropout",
        "state",
        edit(WEIGH, "weights @ v"),
        en="`dropout` has no effect in training: drop entries of the weights, after the softmax.",
        zh="`dropout` 在训练时不起作用：应当在 softmax 之后丢弃权重的元素。",
    ),
    shared.heads_not_checked(
        edit((CHECK, "if False:")),
        edit(f"{CHECK}\n            raise ValueError(f", "assert embed_dim % num_heads == 0, (f"),
        edit((CHECK, "if False:"), ("self.head_dim)).trans", "-1)[:2]).trans")),
    ),
    mistake(
        "bias-ignored",
        "state",
        edit("bias=bias", "bias=True"),
        edit(LAST, LAST.replace("bias=bias", "bias=True")),
        edit("nn.Linear(embed_dim, embed_dim, bias=bias)", "nn.Linear(embed_dim, embed_dim)"),
        en="bias=False leaves biases in place: `bias` decides for all four projections.",
        zh="bias=False 时仍有偏置：`bias` 决定全部四个投影。",
    ),
    shared.returns_float32(
        edit(f"return self.out_proj({MERGE})", f"return self.out_proj({MERGE}).float()"),
    ),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()")),
    shared.inputs_changed(
        edit("q = split(self.q_proj(query))", f"query.mul_({SCALE})\n        q = split(self.q_proj(query / {SCALE}))"),
        edit(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ),
    shared.library_called(
        edit(WEIGH, "nn.functional.scaled_dot_product_attention(q, k, v, mask, self.dropout.p * self.training)"),
    ),
)

exercise = Exercise(
    targets=("MultiHeadAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(MultiHeadAttention,),
    forbidden=LIBRARY_ATTENTION,
)
