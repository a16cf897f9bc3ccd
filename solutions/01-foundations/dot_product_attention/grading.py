"""How dot-product attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import huge_scores

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite


def cases(rand: Random) -> Iterator[Case]:
    yield Case("every size different", rand.qkv(2, 3, L=5, S=7, d=6, d_v=4), gradients=True, twice=True, public=True)
    yield Case("a batch", rand.qkv(4, L=3, S=5, d=2, d_v=6), public=True)
    yield Case("no leading axes", rand.qkv(L=3, S=4, d=5, d_v=2), public=True)
    yield Case("longer vectors: no scale here", rand.qkv(2, L=4, S=6, d=20, d_v=3), family="scaling")
    yield Case("as many leading axes as one likes", rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6), family="shape")
    yield Case("one query, one key", rand.qkv(1, 1, L=1, S=1, d=3, d_v=2), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        (q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT),
        family="shape",
    )
    yield Case("scores near 20,000", huge_scores(rand, 2, L=3, S=6, d=4, d_v=5), tolerance=1e-3)
    yield Case("float64", rand.qkv(2, L=3, S=4, d=6, d_v=5), dtype="float64", family="dtype")
    halves = tuple(x / 2 for x in rand.qkv(2, L=3, S=6, d=4, d_v=5))
    yield Case("bfloat16", halves, dtype="bfloat16", family="dtype")
    yield Case("float16", halves, dtype="float16", family="dtype")


def dot_product_attention(q, k, v):
    """The oracle: PyTorch's own, with its scale turned off."""
    from torch.nn.functional import scaled_dot_product_attention

    output = scaled_dot_product_attention(q, k, v, scale=1.0)
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return output, scaled_dot_product_attention(q, k, identity, scale=1.0)


KEYS = "k.transpose(-2, -1)"
SCORES = f"q @ {KEYS}"
SOFTMAX = "torch.softmax(scores, dim=-1)"
RETURN = "return weights @ v, weights"

mistakes = (
    mistake(
        "scaled-anyway",
        "scaling",
        edit(SCORES, f"{SCORES} * q.shape[-1] ** -0.5"),
        en="Your scores are divided by √d: here they are the plain dot products, without a scale.",
        zh="你把打分除以了 √d：本题的打分就是点积本身，不缩放。",
    ),
    mistake(
        "scaled-by-d",
        "scaling",
        edit(SCORES, f"{SCORES} / q.shape[-1]"),
        en="Your scores are divided by d: here they are the plain dot products, without a scale.",
        zh="你把打分除以了 d：本题的打分就是点积本身，不缩放。",
    ),
    mistake(
        "multiplied-by-root-d",
        "scaling",
        edit(SCORES, f"{SCORES} * q.shape[-1] ** 0.5"),
        en="Your scores are multiplied by √d: here they are the plain dot products, without a scale.",
        zh="你把打分乘以了 √d：本题的打分就是点积本身，不缩放。",
    ),
    mistake(
        "vectors-normalised",
        "scaling",
        edit(SCORES, "torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).mT"),
        en="Your scores are cosines: the vectors are divided by their lengths. Here they are plain dot products.",
        zh="你的打分是余弦相似度：向量除以了自己的长度。本题的打分是普通的点积。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    *shared.softmax_by_fixed_axis(SOFTMAX, "scores"),
    mistake(
        "softmax-over-all-pairs",
        "normalization",
        edit(SOFTMAX, "torch.softmax(scores.flatten(-2), dim=-1).view_as(scores)"),
        en="Your softmax runs over all pairs of a query and a key at once: the whole matrix sums to 1. Every query has a "
        "softmax of its own, over the keys: dim=-1.",
        zh="softmax 对所有的查询与键一起做了：整个矩阵之和为 1。每个查询应当各自沿键做 softmax：dim=-1。",
    ),
    mistake(
        "no-softmax",
        "normalization",
        edit(SOFTMAX, "scores"),
        edit(SOFTMAX, "scores / scores.sum(dim=-1, keepdim=True)"),
        edit(RETURN, "return weights @ v, scores"),
        edit(SOFTMAX, "torch.exp(scores)"),
        en="There is no softmax: weights are the exponentials of the scores, divided by their sum over the keys.",
        zh="没有做 softmax：权重应当是打分的指数除以它们沿键方向的和。",
    ),
    mistake(
        "sigmoid-for-softmax",
        "normalization",
        edit(SOFTMAX, "torch.sigmoid(scores)"),
        edit(SOFTMAX, "torch.sigmoid(scores) / torch.sigmoid(scores).sum(dim=-1, keepdim=True)"),
        en="Your weights are sigmoids of the scores, each on its own; with a softmax the keys compete and a query's "
        "weights sum to 1.",
        zh="权重是对每个打分单独取的 sigmoid；用 softmax 时键之间互相竞争，每个查询的权重之和为 1。",
    ),
    mistake(
        "log-softmax",
        "normalization",
        edit(SOFTMAX, "torch.log_softmax(scores, dim=-1)"),
        en="Your weights are logarithms of weights: use the softmax, not the log-softmax.",
        zh="你的权重是权重的对数：请用 softmax，而不是 log-softmax。",
    ),
    mistake(
        "transpose-of-two-axes",
        "shape",
        edit(KEYS, "k.transpose(0, 1)"),
        edit(KEYS, "k.T"),
        edit(KEYS, "k.t()"),
        edit(KEYS, "k.transpose(1, 2)"),
        edit(KEYS, "k.permute(0, 2, 1)"),
        edit(SCORES, "torch.bmm(q, k.transpose(1, 2))"),
        edit(KEYS, "k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])"),
        edit(KEYS, "k"),
        en="Your transpose fits one number of axes only: .T, transpose(0, 1) and transpose(1, 2) swap other axes, or "
        "fail, when there are more or fewer. Swap the last two axes of k, counted from the end: transpose(-2, -1).",
        zh="你的转置只适用于某一种维数：维数变化时，.T、transpose(0, 1)、transpose(1, 2) 会交换别的维度或直接报错。"
        "应当从末尾数起交换 k 的最后两个维度：transpose(-2, -1)。",
    ),
    mistake(
        "weights-transposed",
        "shape",
        edit(RETURN, "return weights @ v, weights.mT"),
        en="Your weights come back transposed, (..., S, L): one row belongs to one query, (..., L, S).",
        zh="返回的权重是转置的，形状为 (..., S, L)：每个查询一行，应为 (..., L, S)。",
    ),
    mistake(
        "output-and-weights-swapped",
        "interface",
        edit(RETURN, "return weights, weights @ v"),
        en="The weights come first in what you return: it is (output, weights).",
        zh="返回值的顺序反了：应当是 (output, weights)。",
    ),
    mistake(
        "weights-not-returned",
        "interface",
        edit(RETURN, "return weights @ v"),
        en="Only the output comes back: return both, (output, weights).",
        zh="只返回了输出：应当返回 (output, weights) 两者。",
    ),
    mistake(
        "keys-for-values",
        "numerics",
        edit("weights @ v", "weights @ k"),
        en="Your output is a sum of keys: the weights come from the keys, but what is added up are the values.",
        zh="输出是键的加权和：权重来自键，而加权求和的应当是值。",
    ),
    mistake(
        "exp-overflow",
        "numerics",
        edit(SOFTMAX, "scores.exp() / scores.exp().sum(dim=-1, keepdim=True)"),
        edit(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=-1)"),
        edit(SOFTMAX, "scores.exp() / (scores.exp().sum(dim=-1, keepdim=True) + 1e-9)"),
        en="Large scores overflow in your exponential: subtract each row's largest score first, as torch.softmax does.",
        zh="打分很大时指数溢出了：请先减去每行的最大打分，torch.softmax 就是这样做的。",
    ),
    shared.returns_float32(
        edit((SCORES, "q.float() @ k.float().transpose(-2, -1)"), ("weights @ v", "weights @ v.float()")),
        edit(RETURN, "return (weights @ v).float(), weights.float()"),
        edit(RETURN, "return weights @ v, weights.float()"),
    ),
    shared.inputs_changed(
        edit("scores = q @", "q.mul_(2.0)\n    scores = q / 2 @"),
        edit("scores = q @", "q *= 1 + 1e-2\n    scores = q / (1 + 1e-2) @"),
        edit("scores = q @", "k.sub_(1)\n    scores = q @"),
    ),
    shared.detached(
        edit(SOFTMAX, f"{SOFTMAX}.detach()"),
        edit(RETURN, "return weights @ v, weights.detach()"),
        edit(RETURN, "return (weights @ v).detach(), weights.detach()"),
    ),
    shared.library_called(rewrite(dot_product_attention)),
)

exercise = Exercise(
    targets=("dot_product_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(dot_product_attention,),
    forbidden=LIBRARY_ATTENTION,
)
