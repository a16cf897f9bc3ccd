"""How cross-attention is graded."""

from collections.abc import Iterator

import torch
from shared import another_scale, huge_scores, layers_named, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, built, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def inputs(B: int, L: int, S: int, E: int, C: int) -> tuple[Tensor, Tensor]:
        return rand.normal(B, L, E), rand.normal(B, S, C)

    yield layers_named(8, 2)
    yield layers_named(8, 2, context_dim=6)
    yield Case(
        "the scale, from the size of a head",
        built(8, 2, 16)(rand.normal(2, 3, 8), torch.cat([rand.normal(2, 4, 8), torch.eye(4).repeat(2, 1, 2)], dim=-1)),
        family="scaling",
        probe=weights_alone,
        fault=another_scale,
    )
    yield Case("x and context alike in size", built(12, 3)(*inputs(2, 5, 5, 12, 12)), gradients=True, public=True)
    yield Case("another length", built(10, 2)(*inputs(3, 4, 7, 10, 10)), family="shape", twice=True, public=True)
    yield Case("another width", built(8, 4, context_dim=6)(*inputs(3, 5, 5, 8, 6)), family="shape")
    yield Case(
        "another length and another width", built(15, 3, 7)(*inputs(2, 6, 4, 15, 7)), family="shape", gradients=True
    )
    yield Case("a context longer by a whole factor", built(8, 2)(*inputs(2, 3, 6, 8, 8)), family="shape")
    yield Case("batch 1, one query, one head", built(5, 1, 3)(*inputs(1, 1, 4, 5, 3)), family="shape")
    x, context = inputs(2, 4, 6, 15, 9)
    yield Case(
        "memory in another order (non-contiguous)",
        built(15, 3, 9)(x.mT.contiguous().mT, context.transpose(0, 1).contiguous().transpose(0, 1)),
        family="shape",
    )
    yield Case(
        "padding in the context",
        built(12, 3, 9)(*inputs(2, 5, 7, 12, 9), context_mask=rand.mask(2, 7)),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case(
        "a mask where batch, heads and lengths are all 3",
        built(6, 3)(
            *inputs(3, 3, 3, 6, 6),
            context_mask=torch.tensor([[True, False, False], [True, True, False], [False, True, True]]),
        ),
        family="masking",
    )
    hidden = rand.mask(3, 5)
    hidden[1] = False
    yield Case(
        "a context that is hidden altogether: out_proj's bias",
        built(8, 2, 6)(*inputs(3, 4, 5, 8, 6), context_mask=hidden),
        family="masking",
        gradients=True,
    )
    query, key, value = huge_scores(rand, 2, L=4, S=6, d=16, d_v=16)
    yield Case(
        "scores near 10,000",
        built(16, 1)(query, torch.cat([key[..., :2], value[..., 2:]], dim=-1)),
        probe=far_apart,
        tolerance=1e-3,
    )
    query, key, value = scores_far_below(rand, 2, L=4, S=6, d=16, d_v=16)
    yield Case(
        "scores near −10,000, some of them hidden",
        built(16, 1)(query, torch.cat([key[..., :2], value[..., 2:]], dim=-1), context_mask=rand.mask(2, 6)),
        family="masking",
        probe=far_apart,
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        built(8, 2, 6)(*inputs(2, 3, 5, 8, 6), rand.mask(2, 5), rand.mask(2, 5)),
        family="state",
        probe=two_masks,
    )
    yield Case("in training mode the same", built(6, 2, 5).train()(*inputs(2, 3, 4, 6, 5)), family="state")
    yield Case("float64", built(6, 2, 5)(*inputs(2, 3, 4, 6, 5)), family="dtype", dtype="float64")
    yield Case(
        "bfloat16 with a mask",
        built(8, 2, 6)(*inputs(2, 3, 5, 8, 6), context_mask=rand.mask(2, 5)),
        family="dtype",
        dtype="bfloat16",
    )
    yield Case("embed_dim 6 in 4 heads", built(6, 4), family="interface", raises="ValueError")


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

mistakes = known(
    queries_from_context=replace(Q, "self.q_proj(context)"),
    sides_swapped=replace((Q, "self.q_proj(context)"), (K, "self.k_proj(x)"), (V, "self.v_proj(x)")),
    keys_from_x=replace(K, "self.k_proj(x)"),
    values_from_x=replace(V, "self.v_proj(x)"),
    context_ignored=[
        replace((K, "self.k_proj(x)"), (V, "self.v_proj(x)")),
        replace(("q = split", "context = x\n        q = split")),
    ],
    key_value_swapped=replace((f"k = split({K})", f"k = split({V})"), (f"v = split({V})", f"v = split({K})")),
    one_projection=[replace(V, K), replace(K, V)],
    context_dim_ignored=[
        replace(WIDTH, "context_dim = embed_dim"),
        replace("self.v_proj = nn.Linear(context_dim,", "self.v_proj = nn.Linear(embed_dim,"),
        replace("self.k_proj = nn.Linear(context_dim,", "self.k_proj = nn.Linear(embed_dim,"),
    ],
    context_dim_required=replace(WIDTH, "pass"),
    lengths_confused=[
        replace(SPLIT, "features.view(len(x), x.shape[1], self.num_heads, self.head_dim).transpose(1, 2)"),
        replace(MERGE, "(weights @ v).transpose(1, 2).reshape(len(x), context.shape[1], -1)"),
    ],
    scale_by_model_size=replace(SCALE, "(self.num_heads * self.head_dim) ** -0.5"),
    scale_by_context=replace(SCALE, "context.shape[-1] ** -0.5"),
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "self.head_dim ** -1.0"),
    heads_not_split=[replace(SPLIT, VIEWED), replace((SPLIT, VIEWED), (MERGE, ROWS_AS_THEY_LIE))],
    heads_not_merged=replace(MERGE, ROWS_AS_THEY_LIE),
    attention_over_heads=[
        replace((SPLIT, UNTURNED), (MERGE, "(weights @ v).flatten(2)")),
        replace((SPLIT, UNTURNED), (MERGE, "(weights @ v).transpose(1, 2).reshape(x.shape)")),
    ],
    one_head=[
        replace((SPLIT, "features.unsqueeze(1)"), (SCALE, "q.shape[-1] ** -0.5")),
        replace(SPLIT, "features.unsqueeze(1)"),
    ],
    out_proj_unused=replace(OUTPUT, MERGE),
    no_out_proj=replace(("self.out_proj = nn.Linear(embed_dim, embed_dim)", "pass"), (OUTPUT, MERGE)),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_heads=replace(SOFTMAX, "torch.softmax(scores, dim=1)"),
    softmax_over_batch=[
        replace(SOFTMAX, "torch.softmax(scores, dim=0)"),
        replace(SOFTMAX, "torch.softmax(scores.flatten(0, 1), dim=0).view_as(scores)"),
    ],
    no_softmax=[replace(SOFTMAX, 'scores.masked_fill(scores == float("-inf"), 0.0)'), replace(SOFTMAX, "scores")],
    softmax_overflow=replace(SOFTMAX, BY_HAND),
    mask_inverted=[replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    mask_ignored=replace((FILL, "scores"), (EMPTY, "weights")),
    mask_on_queries=[
        replace(MASK, "context_mask[:, None, :, None]"),
        replace((MASK, "context_mask[:, None, :, None]"), (EMPTY, "weights.nan_to_num()")),
        replace((MASK, "context_mask[:, None, :, None]"), (EMPTY, "weights")),
        replace((FILL, "scores"), (EMPTY, "weights * context_mask[:, None, :, None]")),
    ],
    mask_misaligned=[
        replace(MASK, "context_mask"),
        replace(MASK, "context_mask[:, None, :]"),
        replace(MASK, "context_mask[None, :, None, :]"),
    ],
    mask_of_first_sequence=replace(MASK, "context_mask[:1, None, None, :]"),
    mask_after_softmax=replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    masked_scores_zero=[replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    empty_rows_nan=replace(EMPTY, "weights"),
    empty_rows_uniform=replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
    empty_rows_without_bias=replace(
        f"return {OUTPUT}",
        f"""output = {OUTPUT}
        if context_mask is not None:
            output = output * context_mask.any(dim=-1)[:, None, None]
        return output""",
    ),
    residual_added=replace(f"return {OUTPUT}", f"return x + {OUTPUT}"),
    no_value_error=[
        replace(CHECK, "if False:"),
        replace(f"{CHECK}\n            raise ValueError(f", "assert embed_dim % num_heads == 0, (f"),
    ],
    returns_float32=replace(OUTPUT, f"{OUTPUT}.float()"),
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
    context_detached=replace("q = split", "context = context.detach()\n        q = split"),
    inputs_changed=[
        replace("q = split", "x.mul_(2.0)\n        x = x / 2.0\n        q = split"),
        replace("q = split", "context.mul_(2.0)\n        context = context / 2.0\n        q = split"),
        replace(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ],
    library_called=replace(
        "weights @ v", "nn.functional.scaled_dot_product_attention(q, k, v, None if context_mask is None else mask)"
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
