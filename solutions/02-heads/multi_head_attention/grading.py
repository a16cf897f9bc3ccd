"""How multi-head attention is graded."""

from collections.abc import Iterator

import torch
from shared import another_scale, causal, huge_scores, layers_named, modes, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, Text, built, known, replace, worst

HEADS, DROPPED = 2, 0.25


def cases(rand: Inputs) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int) -> tuple[Tensor, ...]:
        return rand.normal(B, L, E), rand.normal(B, S, E), rand.normal(B, S, E)

    x = rand.normal(2, 5, 12)
    yield layers_named(12, 3)
    yield Case(
        "the scale, from the size of a head",
        built(8, 2)(*inputs(2, 3, 4, 8)[:2], torch.eye(4).repeat(2, 1, 2)),
        family="scaling",
        probe=weights_alone,
        fault=another_scale,
    )
    yield Case("self-attention", built(12, 3)(x, x, x), gradients=True, twice=True, public=True)
    yield Case("other keys than queries, other values than keys", built(8, 2)(*inputs(3, 5, 7, 8)), public=True)
    yield Case("batch 1, one query, one head", built(5, 1)(*inputs(1, 1, 6, 5)), family="shape")
    query, key, value = inputs(2, 4, 6, 15)
    yield Case(
        "memory in another order (non-contiguous)",
        built(15, 3)(
            query.mT.contiguous().mT, key.transpose(0, 1).contiguous().transpose(0, 1), value.mT.contiguous().mT
        ),
        family="shape",
    )
    yield Case(
        "a mask (L, S): causal", built(8, 2)(*inputs(3, 5, 7, 8), mask=causal(5, 7)), family="masking", public=True
    )
    yield Case(
        "a mask (B, L, S): each sequence its own",
        built(20, 5)(*inputs(2, 3, 6, 20), mask=rand.mask(2, 3, 6)),
        family="masking",
        gradients=True,
    )
    yield Case(
        "a mask (B, L, S) where B is also the number of heads",
        built(6, 3)(*inputs(3, 5, 4, 6), mask=rand.mask(3, 5, 4)),
        family="masking",
    )
    yield Case(
        "a mask (L, S) where L is also B and the number of heads",
        built(12, 3)(*inputs(3, 3, 5, 12), mask=rand.mask(3, 5)),
        family="masking",
    )
    yield Case(
        "a mask (B, 1, S): padding", built(10, 2)(*inputs(4, 3, 6, 10), mask=rand.mask(4, 1, 6)), family="masking"
    )
    blind = rand.mask(2, 4, 5)
    blind[1, 2] = False
    yield Case(
        "a query that may see nothing: out_proj's bias",
        built(12, 3)(*inputs(2, 4, 5, 12), mask=blind),
        family="masking",
        gradients=True,
    )
    yield Case(
        "scores near 10,000",
        built(16, 1)(*huge_scores(rand, 2, L=4, S=6, d=16, d_v=16)),
        probe=without_projections,
        tolerance=1e-3,
    )
    yield Case(
        "scores near −10,000, some of them hidden",
        built(16, 1)(*scores_far_below(rand, 2, L=4, S=6, d=16, d_v=16), mask=rand.mask(4, 6)),
        family="masking",
        probe=without_projections,
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        built(8, 2)(*inputs(2, 3, 5, 8), rand.mask(3, 5), rand.mask(3, 5)),
        family="state",
        probe=two_masks,
    )
    yield Case("float64", built(6, 2)(*inputs(2, 3, 4, 6)), family="dtype", dtype="float64")
    yield Case(
        "bfloat16 with a mask",
        built(8, 2)(*inputs(2, 3, 5, 8), mask=rand.mask(2, 3, 5)),
        family="dtype",
        dtype="bfloat16",
    )
    yield Case("training without dropout", built(8, 4).train()(*inputs(2, 3, 5, 8)), family="state")
    yield Case(
        "dropout in evaluation: none",
        built(8, 2, 0.5)(rand.normal(2, 7, 8)),
        family="state",
        probe=two_calls,
        fault=settled,
    )
    yield Case(
        "dropout in training: on the weights, and inverted",
        built(4 * HEADS, HEADS, DROPPED).train()(rand.normal(8, 32, 4 * HEADS)),
        family="state",
        probe=sums_of_weights,
        fault=dropped,
    )
    x = rand.normal(2, 6, 8)
    yield Case(
        "dropout in evaluation, training, evaluation, … in turn", built(8, 2, 0.5)(x, x, x), family="state", probe=modes
    )
    yield Case("embed_dim 6 in 4 heads", built(6, 4), family="interface", raises="ValueError")
    yield layers_named(6, 3, bias=False)


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

mistakes = known(
    scale_by_model_size=replace(SCALE, "(self.num_heads * self.head_dim) ** -0.5"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "self.head_dim ** -1.0"),
    scale_by_heads=replace(SCALE, "self.num_heads ** -0.5"),
    heads_not_split=[replace(SPLIT, VIEWED), replace((SPLIT, VIEWED), (MERGE, ROWS_AS_THEY_LIE))],
    heads_not_merged=replace(MERGE, ROWS_AS_THEY_LIE),
    length_of_the_queries=[
        replace(SPLIT, "x.view(*query.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)"),
        replace(SPLIT, "x.reshape(*query.shape[:2], self.num_heads, -1).transpose(1, 2)"),
    ],
    heads_interleaved=[
        replace(
            (SPLIT, "x.unflatten(-1, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)"),
            (MERGE, "context.permute(0, 2, 3, 1).flatten(2)"),
        ),
        replace(SPLIT, "x.unflatten(-1, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)"),
    ],
    attention_over_heads=[
        replace((SPLIT, SPLIT.removesuffix(".transpose(1, 2)")), (MERGE, "context.flatten(2)")),
        replace(
            (SPLIT, SPLIT.removesuffix(".transpose(1, 2)")), (MERGE, "context.transpose(1, 2).reshape(query.shape)")
        ),
    ],
    one_head=[replace((SPLIT, "x.unsqueeze(1)"), (SCALE, "q.shape[-1] ** -0.5")), replace(SPLIT, "x.unsqueeze(1)")],
    out_proj_unused=replace(f"self.out_proj({MERGE})", MERGE),
    no_out_proj=replace(
        ("self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)\n        ", ""), (f"self.out_proj({MERGE})", MERGE)
    ),
    one_projection=[
        replace(("self.k_proj(key)", "self.q_proj(key)"), ("self.v_proj(value)", "self.q_proj(value)")),
        replace(("self.q_proj(query)", "self.v_proj(query)"), ("self.k_proj(key)", "self.v_proj(key)")),
        replace("self.k_proj(key)", "self.q_proj(key)"),
        replace("self.q_proj(query)", "self.k_proj(query)"),
        replace("self.v_proj(value)", "self.k_proj(value)"),
        replace("self.v_proj(value)", "self.q_proj(value)"),
        replace("self.k_proj(key)", "self.v_proj(key)"),
        replace("self.q_proj(query)", "self.v_proj(query)"),
        replace(("self.q_proj(query)", "self.k_proj(query)"), ("self.v_proj(value)", "self.k_proj(value)")),
    ],
    key_value_swapped=[
        replace(("self.k_proj(key)", "self.k_proj(value)"), ("self.v_proj(value)", "self.v_proj(key)")),
        replace(("self.k_proj(key)", "self.v_proj(key)"), ("self.v_proj(value)", "self.k_proj(value)")),
        replace(("self.k_proj(key)", "self.v_proj(value)"), (PARTS[2], "split(self.k_proj(key))")),
    ],
    query_key_swapped=replace(("self.q_proj(query)", "self.k_proj(query)"), ("self.k_proj(key)", "self.q_proj(key)")),
    value_from_key=replace("self.v_proj(value)", "self.v_proj(key)"),
    self_attention_only=[
        replace(("self.k_proj(key)", "self.k_proj(query)"), ("self.v_proj(value)", "self.v_proj(query)")),
        replace(("self.q_proj(query)", "self.q_proj(key)"), ("self.v_proj(value)", "self.v_proj(key)")),
    ],
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_heads=replace(SOFTMAX, "torch.softmax(scores, dim=1)"),
    softmax_over_batch=[
        replace(SOFTMAX, "torch.softmax(scores, dim=0)"),
        replace(SOFTMAX, "torch.softmax(scores.flatten(0, 1), dim=0).view_as(scores)"),
    ],
    no_softmax=[replace(SOFTMAX, "scores.masked_fill(scores == float('-inf'), 0.0)"), replace(SOFTMAX, "scores")],
    softmax_overflow=replace(SOFTMAX, BY_HAND),
    mask_inverted=[replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    mask_ignored=replace((FILL, "scores"), (EMPTY, "weights")),
    mask_after_softmax=replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    masked_scores_zero=[replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    mask_over_heads=replace(HEAD_AXIS, "pass"),
    mask_of_another_sequence=replace(
        HEAD_AXIS, "mask = mask.expand(-1, *scores.shape[2:]).repeat(self.num_heads, 1, 1).view_as(scores)"
    ),
    mask_of_first_sequence=replace(HEAD_AXIS, "mask = mask[:1].unsqueeze(1)"),
    plain_mask_misread=[
        replace("if mask.dim() == 3:", "if mask.dim() <= 3:"),
        replace(HEAD_AXIS, f"{HEAD_AXIS}\n            else:\n                mask = mask[:, None, None, :]"),
        replace(
            HEAD_AXIS,
            f"{HEAD_AXIS}\n            elif mask.shape[0] == len(query):\n                mask = mask[:, None, None, :]",
        ),
    ],
    empty_rows_nan=replace(EMPTY, "weights"),
    nan_gradient=[replace(FILL, ADD), replace((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)"))],
    empty_rows_uniform=replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
    empty_rows_without_bias=replace(
        f"return self.out_proj({MERGE})",
        f"""output = self.out_proj({MERGE})
        if mask is not None:
            output = output * mask.expand(scores.shape).any(dim=-1)[:, 0].unsqueeze(-1)
        return output""",
    ),
    dropout_in_eval=[
        replace("self.dropout(weights)", "nn.functional.dropout(weights, self.dropout.p)"),
        replace("self.dropout(weights)", "nn.Dropout(self.dropout.p)(weights)"),
    ],
    mode_kept=[
        replace(WEIGH, f"{WEIGH}\n        if not self.training:\n            self.dropout.p = 0.0"),
        replace(WEIGH, f"{WEIGH}\n        if not self.training:\n            self.dropout = nn.Identity()"),
        replace(("context = ", f"{ONCE}\n        context = "), (WEIGH, DROP_WHEN_ON)),
        replace(("context = ", f"{SINCE}\n        context = "), (WEIGH, DROP_WHEN_ON)),
    ],
    mode_from_gradients=[
        replace(WEIGH, DROP_WHEN_ON.replace("self.on", "self.training and torch.is_grad_enabled()")),
        replace(WEIGH, DROP_WHEN_ON.replace("self.on", "torch.is_grad_enabled()")),
        replace(WEIGH, DROP_WHEN_ON.replace("self.on", "weights.requires_grad")),
    ],
    dropout_on_output=replace(
        (WEIGH, "weights @ v"), (f"return self.out_proj({MERGE})", f"return self.dropout(self.out_proj({MERGE}))")
    ),
    dropout_before_softmax=replace((WEIGH, "weights @ v"), (SOFTMAX, "torch.softmax(self.dropout(scores), dim=-1)")),
    dropout_not_rescaled=replace(
        "self.dropout(weights)", "(self.dropout(weights) * (1 - self.dropout.p if self.training else 1.0))"
    ),
    dropout_rate_swapped=replace("nn.Dropout(dropout)", "nn.Dropout(1 - dropout if dropout else 0.0)"),
    no_dropout=replace(WEIGH, "weights @ v"),
    no_value_error=[
        replace((CHECK, "if False:")),
        replace(f"{CHECK}\n            raise ValueError(f", "assert embed_dim % num_heads == 0, (f"),
        replace((CHECK, "if False:"), ("self.head_dim)).trans", "-1)[:2]).trans")),
    ],
    bias_ignored=[
        replace("bias=bias", "bias=True"),
        replace(LAST, LAST.replace("bias=bias", "bias=True")),
        replace("nn.Linear(embed_dim, embed_dim, bias=bias)", "nn.Linear(embed_dim, embed_dim)"),
    ],
    returns_float32=replace(f"return self.out_proj({MERGE})", f"return self.out_proj({MERGE}).float()"),
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
    inputs_changed=[
        replace(
            "q = split(self.q_proj(query))", f"query.mul_({SCALE})\n        q = split(self.q_proj(query / {SCALE}))"
        ),
        replace(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ],
    library_called=replace(
        WEIGH, "nn.functional.scaled_dot_product_attention(q, k, v, mask, self.dropout.p * self.training)"
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
