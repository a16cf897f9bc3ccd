"""How the Transformer block is graded."""

from collections.abc import Iterator

import torch
from shared import causal, instead_of, together_or_alone, without_gradients
from torch import nn

from grader.authoring import Case, Exercise, Inputs, Text, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    normal = rand.normal
    norms = built(8, 2, 5).as_initialised()(normal(2, 3, 8))
    yield Case("the norms are layer norms", norms, probe=names, fault=no_running_averages)
    pre = built(12, 3, 20)(normal(2, 5, 12))
    yield Case("pre-norm, every size different", pre, gradients=True, twice=True, public=True)
    post = built(10, 2, 7, norm_first=False)(normal(3, 4, 10))
    yield Case("post-norm", post, "normalization", gradients=True, public=True)
    yield Case("pre-norm, causal", built(9, 3, 16)(normal(2, 6, 9), causal(6)), "masking", public=True)
    masked = built(8, 2, 11, norm_first=False)(normal(3, 7, 8), mask=rand.mask(7, 7, keep=0.5))
    yield Case("post-norm, a mask of no special form", masked, "masking", gradients=True)
    yield Case("one sequence, one token, one head", built(6, 1, 3)(normal(1, 1, 6)), "shape")
    yield Case("exact GELU, where an approximation shows", built(6, 2, 9)(normal(2, 4, 6)), probe=only_the_tail)
    yield Case("training mode: there is no dropout", built(6, 2, 9).train()(normal(2, 4, 6)), "state")
    yield from standard(
        lambda: built(6, 3, 10, norm_first=False)(normal(2, 4, 6), causal(4)), dtypes=("float64", "bfloat16")
    )
    yield Case("bfloat16, pre-norm", built(6, 2, 9)(normal(2, 4, 6)), "dtype", dtype="bfloat16")
    used = built(8, 2, 10)(normal(2, 5, 8), causal(5))
    yield Case("eval() under no_grad, causal", used, "masking", probe=without_gradients)


def names(block, x):
    """What is in the state_dict; with running averages there, the call itself would only fail for a lesser reason."""
    found = sorted(block.state_dict())
    if not any("running" in name for name in found):
        block(x)
    return found


def no_running_averages(value, expected):
    return BATCH_NORM if any("running" in name for name in value) else None


BATCH_NORM = Text(
    en="Your norms are batch norms: they normalise over the sentences of a batch and keep running averages. A "
    "Transformer block uses nn.LayerNorm(embed_dim), every token by itself.",
    zh="你用的是批归一化：它在一批句子之间归一化并维护滑动均值和方差。Transformer 层使用 nn.LayerNorm(embed_dim)，"
    "每个词元各自归一化。",
)


def only_the_tail(block, x):
    """The feed-forward network alone counts, at −2.3, where the tanh approximation of GELU is off by two percent."""
    with torch.no_grad():
        block.ff1.weight.mul_(0.1)
        block.ff1.bias.fill_(-2.3)
        block.ff2.weight.mul_(100.0)
    return block(x)


def TransformerBlock(embed_dim, num_heads, ff_dim, norm_first=True):
    """The oracle: PyTorch's own layer, its parts by the names asked for."""
    sizes = embed_dim, num_heads, ff_dim
    layer = nn.TransformerEncoderLayer(*sizes, 0.0, "gelu", batch_first=True, norm_first=norm_first)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2, self.attention = layer.norm1, layer.norm2, layer.self_attn
            self.ff1, self.ff2 = layer.linear1, layer.linear2

        def forward(self, x, mask=None):
            return layer(x, None if mask is None else ~mask)

    return Block()


PRE_ATTENTION = "x = x + self.attention(n, n, n, attn_mask=hidden, need_weights=False)[0]"
PRE_FF = "x + self.ff2(F.gelu(self.ff1(self.norm2(x))))"
NO_ATTENTION_RESIDUAL = (
    ("x = x + self.attention(", "x = self.attention("),
    ("self.norm1(x + self.attention(", "self.norm1(self.attention("),
)
NO_FF_RESIDUAL = (("return x + self.ff2(", "return self.ff2("), ("self.norm2(x + self.ff2(", "self.norm2(self.ff2("))
NO_PRE_NORM = (("n = self.norm1(x)", "n = x"), ("self.norm2(x)", "x"))
NO_POST_NORM = (("self.norm1(x + ", "(x + "), ("self.norm2(x + ", "(x + "))
# When the weights are asked for, a query that may see nothing gets NaN; otherwise zeros.
WITH_WEIGHTS = (", need_weights=False", "")


def over_the_batch(norm):
    """The text of a batch norm that has the parameters of the layer norm ``norm``."""
    flat = "(lambda t: F.batch_norm(t.flatten(0, 1), None, None, self.{0}.weight, self.{0}.bias, True).view_as(t))"
    return flat.format(norm)


mistakes = known(
    norm_order_swapped=replace("if self.norm_first:", "if not self.norm_first:"),
    norm_first_ignored=instead_of("if self.norm_first:", "if True:", "if False:"),
    residual_missing_attention=together_or_alone(*NO_ATTENTION_RESIDUAL),
    residual_missing_feed_forward=together_or_alone(*NO_FF_RESIDUAL),
    residual_missing_both=replace(*NO_ATTENTION_RESIDUAL, *NO_FF_RESIDUAL),
    residual_from_normed=together_or_alone(
        ("x = x + self.attention(n", "x = n + self.attention(n"), (PRE_FF, PRE_FF.replace("x +", "self.norm2(x) +"))
    ),
    feed_forward_on_input=[
        replace((PRE_ATTENTION, PRE_ATTENTION.replace("x = ", "y = ")), (PRE_FF, PRE_FF.replace("x +", "y +"))),
        replace("self.ff1(self.norm2(x))", "self.ff1(n)"),
    ],
    norm_missing=[*together_or_alone(*NO_PRE_NORM), *together_or_alone(*NO_POST_NORM)],
    norm_shared=[
        replace("self.norm2(x", "self.norm1(x"),
        replace("self.norm1(x", "self.norm2(x"),
        replace("self.norm2 = nn.LayerNorm(embed_dim)", "self.norm2 = self.norm1"),
    ],
    norms_exchanged=replace(
        ("self.norm1(x", "self.norm0(x"), ("self.norm2(x", "self.norm1(x"), ("self.norm0(x", "self.norm2(x")
    ),
    norm_on_sublayer_output=replace(("self.norm1(x + ", "x + self.norm1("), ("self.norm2(x + ", "x + self.norm2(")),
    only_queries_normed=instead_of("attention(n, n, n", "attention(n, x, x", "attention(n, n, x"),
    extra_norm=replace(f"return {PRE_FF}", f"return self.norm2({PRE_FF})"),
    batch_norm=[
        replace("nn.LayerNorm", "nn.BatchNorm1d"),
        replace(("self.norm1(x", f"{over_the_batch('norm1')}(x"), ("self.norm2(x", f"{over_the_batch('norm2')}(x")),
    ],
    relu=replace("F.gelu", "F.relu"),
    gelu_approximated=instead_of(
        "F.gelu", "(lambda t: F.gelu(t, approximate='tanh'))", "(lambda t: t * torch.sigmoid(1.702 * t))"
    ),
    no_activation=replace("F.gelu", ""),
    other_activation=instead_of("F.gelu", "F.silu", "torch.tanh"),
    pair_not_unpacked=[
        replace("need_weights=False)[0]", "need_weights=False)"),
        replace("attn_mask=hidden, need_weights=False)[0]", "attn_mask=hidden).mean(1)"),
    ],
    batch_mixed=replace(", batch_first=True", ""),
    mask_inverted=[replace("~mask", "mask"), replace(("~mask", "mask"), WITH_WEIGHTS)],
    mask_ignored=replace("None if mask is None else ~mask", "None"),
    mask_as_numbers=instead_of("~mask", "mask.to(x.dtype)", "(~mask).to(x.dtype)"),
    mask_as_padding=replace("attn_mask=hidden", "key_padding_mask=hidden"),
    mask_transposed=[replace("~mask", "~mask.T"), replace(("~mask", "~mask.T"), WITH_WEIGHTS)],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace("F.gelu", "(lambda t: F.dropout(F.gelu(t), 0.1, self.training))"),
        replace("self.ff2(F.gelu(", "(lambda t: F.dropout(self.ff2(t), 0.1, self.training))(F.gelu("),
    ],
    inputs_changed=[  # otherwise than the grader does it: the first raises an error when gradients are recorded
        replace("x = x + self.attention(n", "x += self.attention(n"),
        replace("n = self.norm1(x)", "n = self.norm1(x)\n            x.data.mul_(1.5)"),
    ],
)

exercise = Exercise(
    targets=("TransformerBlock",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(TransformerBlock,)
)
