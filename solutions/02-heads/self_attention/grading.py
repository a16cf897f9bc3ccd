"""How self-attention is graded."""

from collections.abc import Iterator

import torch
from shared import another_scale, causal, huge_scores, layers_named, scores_far_below
from torch import Tensor, nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, Text, built, known, replace, worst


def cases(rand: Inputs) -> Iterator[Case]:
    yield layers_named(6)
    yield Case(
        "the same twice in a row", built(5)(rand.normal(2, 3, 5)), family="state", probe=two_calls, fault=settled
    )
    yield Case(
        "the scale, from the size of the keys",
        built(12)(torch.cat([rand.normal(2, 4, 8), torch.eye(4).repeat(2, 1, 1)], dim=-1)),
        family="scaling",
        probe=weights_alone,
        fault=another_scale,
    )
    yield Case("a batch", built(6)(rand.normal(2, 5, 6)), gradients=True, twice=True, public=True)
    yield Case("another width: a fixed scale shows", built(20)(rand.normal(3, 4, 20)), family="scaling")
    yield Case("as many sequences as tokens", built(7)(rand.normal(4, 4, 7)), public=True)
    yield Case("batch 1, one token", built(3)(rand.normal(1, 1, 3)), family="shape")
    yield Case(
        "memory in another order (non-contiguous)", built(8)(rand.normal(5, 3, 8).transpose(0, 1)), family="shape"
    )
    x, tokens = rand.normal(2, 4, 5), rand.normal(3, 4, 6)
    yield Case("a mask (L, L): causal", built(5)(x, mask=causal(4)), family="masking", public=True)
    yield Case("a mask (B, 1, L): padding", built(6)(tokens, mask=rand.mask(3, 1, 4)), family="masking")
    yield Case(
        "a mask (B, L, L): each sequence its own",
        built(7)(rand.normal(2, 5, 7), mask=rand.mask(2, 5, 5)),
        family="masking",
        gradients=True,
    )
    blind = rand.mask(3, 4, 4)
    blind[1, 2] = False
    yield Case(
        "a token that may see nothing", built(5)(rand.normal(3, 4, 5), mask=blind), family="masking", gradients=True
    )
    query, key, value = huge_scores(rand, 2, L=5, S=5, d=16, d_v=16)
    yield Case(
        "scores near 10,000",
        built(16)(torch.cat([query[..., :2], key[..., :2], value[..., 4:]], dim=-1)),
        probe=far_apart,
        tolerance=1e-3,
    )
    query, key, value = scores_far_below(rand, 2, L=5, S=5, d=16, d_v=16)
    yield Case(
        "scores near −10,000, some of them hidden",
        built(16)(torch.cat([query[..., :2], key[..., :2], value[..., 4:]], dim=-1), mask=rand.mask(5, 5)),
        family="masking",
        probe=far_apart,
        tolerance=1e-3,
    )
    yield Case(
        "another mask of the same shape in the second call",
        built(6)(rand.normal(2, 4, 6), rand.mask(4, 4), rand.mask(4, 4)),
        family="state",
        probe=two_masks,
    )
    yield Case("in training mode the same", built(7).train()(rand.normal(2, 4, 7)), family="state")
    yield Case("float64", built(4)(rand.normal(2, 3, 4)), family="dtype", dtype="float64")
    yield Case(
        "bfloat16 with a mask",
        built(6)(rand.normal(2, 4, 6), mask=rand.mask(2, 4, 4)),
        family="dtype",
        dtype="bfloat16",
    )
    yield layers_named(4, bias=False)


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

mistakes = known(
    no_scale=replace(f" * {SCALE}", ""),
    scale_by_d=replace(SCALE, "q.shape[-1] ** -1.0"),
    multiplied_by_root_d=replace(SCALE, "q.shape[-1] ** 0.5"),
    scale_by_length=replace(SCALE, "q.shape[-2] ** -0.5"),
    scale_fixed=replace(SCALE, "64**-0.5"),
    scale_after_softmax=replace((f" * {SCALE}", ""), (SOFTMAX, f"{SOFTMAX} * {SCALE}")),
    one_projection=[
        replace((K, Q), (V, Q)),
        replace((Q, K), (V, K)),
        replace((Q, V), (K, V)),
        replace(K, Q),
        replace(Q, K),
        replace(V, K),
        replace(V, Q),
    ],
    query_key_swapped=[replace((f"q = {Q}", f"q = {K}"), (f"k = {K}", f"k = {Q}")), replace("q @ k.tr", "k @ q.tr")],
    key_value_swapped=replace((f"k = {K}", f"k = {V}"), (f"v = {V}", f"v = {K}")),
    projected_afterwards=[
        replace(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.v_proj(weights @ v)"),
        ),
        replace(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.q_proj(weights @ v)"),
        ),
        replace(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (OUTPUT, "return self.v_proj(self.k_proj(self.q_proj(weights @ v)))"),
        ),
        replace(
            (f"q = {Q}", "q = x"),
            (f"k = {K}", "k = x"),
            (f"v = {V}", "v = x"),
            (
                OUTPUT,
                "output = weights @ v\n        return self.q_proj(output) + self.k_proj(output) + self.v_proj(output)",
            ),
        ),
        replace((f"v = {V}", "v = x"), (OUTPUT, "return self.v_proj(weights @ v)")),
        replace(OUTPUT, "return self.v_proj(weights @ v)"),
        replace(OUTPUT, "return self.q_proj(weights @ v)"),
    ],
    not_projected=[
        replace((f"q = {Q}", "q = x"), (f"k = {K}", "k = x"), (f"v = {V}", "v = x")),
        replace((f"q = {Q}", "q = x"), (f"k = {K}", "k = x")),
        replace(f"v = {V}", "v = x"),
        replace(f"q = {Q}", "q = x"),
        replace(f"k = {K}", "k = x"),
    ],
    output_projected=replace(
        (LAYERS, f"{LAYERS}\n        self.out_proj = {LAYER}"), (OUTPUT, "return self.out_proj(weights @ v)")
    ),
    layers_in_forward=[
        replace((LAYERS, "pass"), (f"q = {Q}", f"{IN_FORWARD}\n        q = {Q}")),
        replace((f"q = {Q}", f"q = {ANEW}"), (f"k = {K}", f"k = {ANEW}"), (f"v = {V}", f"v = {ANEW}")),
    ],
    batch_mixed_in=[
        replace(
            (f"q = {Q}", f"q = {Q}.flatten(0, 1)"),
            (f"k = {K}", f"k = {K}.flatten(0, 1)"),
            (f"v = {V}", f"v = {V}.flatten(0, 1)"),
            (OUTPUT, "return (weights @ v).view_as(x)"),
        ),
        replace(
            (f"q = {Q}", f"q = {Q}.transpose(0, 1)"),
            (f"k = {K}", f"k = {K}.transpose(0, 1)"),
            (f"v = {V}", f"v = {V}.transpose(0, 1)"),
            (OUTPUT, "return (weights @ v).transpose(0, 1)"),
        ),
    ],
    features_attend=[
        replace(
            ("q @ k.transpose(-2, -1)", "q.transpose(-2, -1) @ k"), (OUTPUT, "return v @ weights.transpose(-2, -1)")
        ),
        replace(("q @ k.transpose(-2, -1)", "q.transpose(-2, -1) @ k"), (OUTPUT, "return v @ weights")),
    ],
    residual_added=replace(OUTPUT, "return x + weights @ v"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    softmax_over_batch=replace(SOFTMAX, "torch.softmax(scores, dim=0)"),
    no_softmax=[replace(SOFTMAX, 'scores.masked_fill(scores == float("-inf"), 0.0)'), replace(SOFTMAX, "scores")],
    softmax_overflow=replace(SOFTMAX, BY_HAND),
    mask_inverted=[replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    mask_ignored=replace((FILL, "scores"), (EMPTY, "weights")),
    mask_transposed=[
        replace((FILL, FILL.replace("~mask", "~mask.mT")), (EMPTY, EMPTY.replace("~mask.any", "~mask.mT.any"))),
        replace(FILL, FILL.replace("~mask", "~mask.mT")),
    ],
    mask_after_softmax=replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    masked_scores_zero=[replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    empty_rows_nan=replace(EMPTY, "weights"),
    nan_gradient=[replace(FILL, ADD), replace((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)"))],
    empty_rows_uniform=replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
    weights_returned=replace(OUTPUT, f"{OUTPUT}, weights"),
    bias_ignored=replace(", bias=bias", ""),
    returns_float32=replace(OUTPUT, "return (weights @ v).float()"),
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
    inputs_changed=[
        replace(f"q = {Q}", f"q = {Q}\n        x.mul_(1.5)\n        x = x / 1.5"),
        replace(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask"),
    ],
    library_called=replace(OUTPUT, "return nn.functional.scaled_dot_product_attention(q, k, v, mask)"),
)

exercise = Exercise(
    targets=("SelfAttention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(SelfAttention,),
    forbidden=LIBRARY_ATTENTION,
)
