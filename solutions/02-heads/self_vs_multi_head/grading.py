"""How self-attention versus multi-head attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import huge_scores
from torch import nn

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def count(reason, *sizes, **bias):  # type: ignore[no-untyped-def]
        return Case(reason, sizes, bias, target="parameter_count", public=not bias)

    def weigh(reason, B, heads, L, S, E, **more):  # type: ignore[no-untyped-def]
        return Case(reason, (rand.normal(B, L, E), rand.normal(B, S, E), heads), target="head_weights", **more)

    yield count("parameters, with biases", 12, 3)
    yield count("parameters, as many heads as features", 10, 10)
    yield count("parameters, one head, no biases", 7, 1, bias=False)
    yield count("parameters, many heads, no biases", 96, 8, bias=False)
    yield weigh("weights: every size different", 2, 3, 5, 7, 12, gradients=True, twice=True, public=True)
    yield weigh("weights: as many positions as heads", 3, 4, 4, 4, 8)
    yield weigh("weights: one head", 2, 1, 3, 4, 6)
    yield weigh("weights: heads of one feature, one query", 1, 5, 1, 4, 5)
    yield weigh("weights: another head size", 2, 2, 3, 4, 40, family="scaling")
    q, k, _ = huge_scores(rand, 2, 3, L=4, S=6, d=4, d_v=1)
    joined = (q.transpose(1, 2).flatten(2), k.transpose(1, 2).flatten(2))
    yield Case("weights: scores near 10,000", (*joined, 3), target="head_weights", tolerance=1e-3)
    q, k = rand.normal(4, 2, 6).transpose(0, 1), rand.normal(2, 6, 5).mT
    yield Case("weights: memory in another order", (q, k, 3), target="head_weights", family="shape")
    yield weigh("weights: float64", 2, 2, 3, 4, 6, dtype="float64", family="dtype")
    yield weigh("weights: bfloat16", 2, 2, 3, 5, 8, dtype="bfloat16", family="dtype")
    yield weigh("weights: float16", 2, 2, 3, 5, 8, dtype="float16", family="dtype")


def parameter_count(embed_dim, num_heads, bias=True):
    """The oracle: build the layers and count."""
    layers = nn.ModuleList(nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(4))
    return sum(parameter.numel() for parameter in layers.parameters())


def head_weights(q, k, num_heads):
    """The oracle: PyTorch's own attention, one head after the other, with an identity for the values."""
    identity = torch.eye(k.shape[1], dtype=k.dtype, device=k.device).expand(len(k), -1, -1)
    heads = zip(q.chunk(num_heads, dim=-1), k.chunk(num_heads, dim=-1), strict=True)
    attend = torch.nn.functional.scaled_dot_product_attention
    return torch.stack([attend(queries, keys, identity) for queries, keys in heads], dim=1)


COUNT = "4 * embed_dim * (embed_dim + int(bias))"
SPLIT = "unflatten(-1, (num_heads, -1)).transpose(1, 2)"
SCALE = "queries.shape[-1] ** -0.5"
SOFTMAX = "torch.softmax(scores, dim=-1)"
SPLIT_BY_VIEW = (
    ("q.unflatten(-1, (num_heads, -1)).transpose(1, 2)", "q.reshape(q.shape[0], num_heads, q.shape[1], -1)"),
    ("k.unflatten(-1, (num_heads, -1)).transpose(1, 2)", "k.reshape(k.shape[0], num_heads, k.shape[1], -1)"),
)

mistakes = (
    mistake(
        "count-times-heads",
        "numerics",
        edit(COUNT, f"num_heads * {COUNT}"),
        edit(COUNT, "(3 * num_heads + 1) * embed_dim * (embed_dim + int(bias))"),
        edit(COUNT, "3 * num_heads * embed_dim * (embed_dim + int(bias))"),
        edit(COUNT, "4 * embed_dim * (num_heads * embed_dim + int(bias))"),
        en="Your count grows with the number of heads. The heads share the E features between them: the four E×E "
        "projections "
        "are the same for any H.",
        zh="你的参数量随头数增长。各头共同分享 E 个特征：无论 H 是多少，都是四个 E×E 的投影。",
    ),
    mistake(
        "count-over-heads",
        "numerics",
        edit(COUNT, f"{COUNT} // num_heads"),
        edit(COUNT, "4 * embed_dim * (embed_dim // num_heads + int(bias))"),
        edit(COUNT, "3 * embed_dim * (embed_dim // num_heads + int(bias)) + embed_dim * (embed_dim + int(bias))"),
        edit(COUNT, "4 * (embed_dim // num_heads) * (embed_dim + int(bias))"),
        en="Your count is that of one head: E/H is the size of one, and there are H of them, E features in all.",
        zh="你只数了一个头的参数：E/H 是一个头的大小，共有 H 个头，合起来是 E 个特征。",
    ),
    mistake(
        "out-proj-forgotten",
        "numerics",
        edit(COUNT, COUNT.replace("4", "3")),
        en="Three projections are counted; the fourth is out_proj, which mixes the heads.",
        zh="只数了三个投影；第四个是混合各头的 out_proj。",
    ),
    mistake(
        "out-proj-bias-forgotten",
        "numerics",
        edit(COUNT, "4 * embed_dim * embed_dim + 3 * embed_dim * int(bias)"),
        edit(COUNT, "4 * embed_dim * embed_dim + embed_dim * int(bias)"),
        en="Some biases are missing from your count: all four projections have one, of E numbers each.",
        zh="少数了一些偏置：四个投影各有一个偏置，每个 E 个数。",
    ),
    mistake(
        "bias-forgotten",
        "numerics",
        edit(COUNT, "4 * embed_dim * embed_dim"),
        en="The biases are not counted: with bias=True every projection has E of them.",
        zh="没有数偏置：bias=True 时每个投影有 E 个偏置。",
    ),
    mistake(
        "bias-always-counted",
        "numerics",
        edit(COUNT, "4 * embed_dim * (embed_dim + 1)"),
        edit(COUNT, "4 * embed_dim * (embed_dim + int(not bias))"),
        edit(COUNT, "4 * embed_dim * embed_dim + embed_dim * (4 if bias else 1)"),
        en="Biases are counted although bias=False (it is for all four projections).",
        zh="bias=False 时仍然数了偏置（它对四个投影都起作用）。",
    ),
    mistake(
        "bias-as-one-number",
        "numerics",
        edit(COUNT, "4 * (embed_dim * embed_dim + int(bias))"),
        en="A bias counts as one number: it has one for every output feature, E in all.",
        zh="偏置只当作一个数：每个输出特征都有一个，共 E 个。",
    ),
    mistake(
        "count-not-an-int",
        "interface",
        edit(COUNT, f"float({COUNT})"),
        edit(COUNT, f"torch.tensor({COUNT})"),
        en="The count is not a Python int (a division with / makes a float).",
        zh="返回的不是 Python 整数（用 / 做除法会得到浮点数）。",
    ),
    mistake(
        "heads-by-view",
        "shape",
        edit(*SPLIT_BY_VIEW),
        en="The heads are split by a view straight to (B, H, L, E/H): that cuts positions apart, and every head holds "
        "pieces of several. Split the features first, (B, L, H, E/H), then swap positions and heads.",
        zh="你直接 view 成 (B, H, L, E/H) 来分头：这会把位置切碎，每个“头”里混着多个位置的片段。"
        "先拆特征 (B, L, H, E/H)，再交换位置与头。",
    ),
    mistake(
        "heads-interleaved",
        "shape",
        edit(SPLIT, "unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)"),
        en="The features are dealt out to the heads in turns (split as (E/H, H)); head h has the block of features "
        "h·E/H … (h+1)·E/H − 1: split as (H, E/H).",
        zh="特征被轮流分给各头（按 (E/H, H) 拆分）；第 h 个头应当拿连续的一段 h·E/H … (h+1)·E/H − 1："
        "按 (H, E/H) 拆分。",
    ),
    mistake(
        "heads-not-moved",
        "shape",
        edit(SPLIT, "unflatten(-1, (num_heads, -1))"),
        en="The heads stay behind the positions, (B, L, H, E/H), so that heads attend to heads within one position. "
        "Swap the two axes first.",
        zh="头仍排在位置之后，即 (B, L, H, E/H)，于是在同一位置内头与头之间做了注意力。请先交换这两个维度。",
    ),
    mistake(
        "heads-not-split",
        "shape",
        edit((SPLIT, "unsqueeze(1)"), (SOFTMAX, f"{SOFTMAX}.expand(-1, num_heads, -1, -1)")),
        edit(SPLIT, "unsqueeze(1)"),
        edit(
            (SPLIT, "unsqueeze(1)"),
            (SCALE, "(q.shape[-1] / num_heads) ** -0.5"),
            (SOFTMAX, f"{SOFTMAX}.expand(-1, num_heads, -1, -1)"),
        ),
        en="Every head sees all E features, so that all have the same weights: each head has its own E/H of them.",
        zh="每个头都看到了全部 E 个特征，因此权重都一样：每个头应当有自己的 E/H 个特征。",
    ),
    mistake(
        "heads-averaged",
        "shape",
        edit(SOFTMAX, f"{SOFTMAX}.mean(1)"),
        edit(SOFTMAX, f"{SOFTMAX}.mean(1, keepdim=True)"),
        en="The weights are averaged over the heads (as nn.MultiheadAttention returns them); every head's own are "
        "asked for.",
        zh="权重在各头之间求了平均（nn.MultiheadAttention 默认如此返回）；要求的是每个头各自的权重。",
    ),
    shared.scale_by_model(edit(SCALE, "q.shape[-1] ** -0.5")),
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "queries.shape[-1] ** -1.0")),
    mistake(
        "scale-by-heads",
        "scaling",
        edit(SCALE, "num_heads**-0.5"),
        en="Your scores are divided by √H, the number of heads; the scale is 1/√(E/H), from the size of one head.",
        zh="打分除以了 √H（头的个数）；应当除以 √(E/H)（单个头的维度）。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    mistake(
        "softmax-over-heads",
        "normalization",
        edit(SOFTMAX, "torch.softmax(scores, dim=1)"),
        en="Your softmax runs over the heads: axis 1, which PyTorch also takes of four axes when no axis is given. Every head "
        "has its own, over the keys, the last axis: say dim=-1.",
        zh="softmax 沿头的方向做了：第 1 维；打分有四维而不指定维度时，PyTorch 取的也是它。"
        "每个头应当各自沿键（最后一个维度）做 softmax：请写明 dim=-1。",
    ),
    mistake(
        "no-softmax",
        "normalization",
        edit(SOFTMAX, "scores"),
        en="There is no softmax: what comes back are scores, not weights.",
        zh="没有做 softmax：返回的是打分而不是权重。",
    ),
    mistake(
        "softmax-overflows",
        "numerics",
        edit(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
        en="The exponential overflows for large scores: subtract each row's largest score first, as torch.softmax "
        "does.",
        zh="打分很大时指数会溢出：先减去每一行的最大值，torch.softmax 就是这样做的。",
    ),
    mistake(
        "fails-on-memory-order",
        "shape",
        edit(
            ("q.unflatten(-1, (num_heads, -1))", "q.view(-1).view(*q.shape[:2], num_heads, -1)"),
            ("k.unflatten(-1, (num_heads, -1))", "k.view(-1).view(*k.shape[:2], num_heads, -1)"),
        ),
        en="Inputs that are not contiguous in memory fail: split the last axis alone (unflatten, or reshape).",
        zh="输入在内存中不连续时会出错：只拆最后一个维度（unflatten 或 reshape）。",
    ),
    shared.returns_float32(edit(SOFTMAX, "torch.softmax(scores.float(), dim=-1)")),
    shared.inputs_changed(
        edit(
            ("    queries =", "    q.data.mul_((q.shape[-1] // num_heads) ** -0.5)\n    queries ="), (f" * {SCALE}", "")
        ),
    ),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()")),
)

exercise = Exercise(
    targets=("parameter_count", "head_weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(parameter_count, head_weights),
    forbidden=LIBRARY_ATTENTION,
)
