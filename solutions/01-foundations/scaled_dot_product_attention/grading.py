"""How scaled dot-product attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import causal, huge_scores, rows_empty, scores_far_below

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite


def cases(rand: Random) -> Iterator[Case]:
    yield Case("every size different", rand.qkv(2, 3, L=5, S=7, d=6, d_v=4), gradients=True, twice=True, public=True)
    yield Case("no leading axes", rand.qkv(L=3, S=4, d=5, d_v=2), public=True)
    yield Case("another head size: a fixed scale shows", rand.qkv(2, L=4, S=6, d=20, d_v=3), family="scaling")
    yield Case("as many leading axes as one likes", rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6), family="shape")
    yield Case("one query, one key", rand.qkv(1, 1, L=1, S=1, d=3, d_v=2), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        (q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT),
        family="shape",
    )
    yield Case(
        "decoding: fewer queries than keys, causal",
        rand.qkv(2, L=3, S=8, d=4, d_v=5),
        {"mask": causal(3, 8)},
        family="masking",
        public=True,
    )
    yield Case(
        "a mask for every sequence, broadcast over heads",
        rand.qkv(2, 3, L=4, S=5, d=6, d_v=3),
        {"mask": rand.mask(2, 1, 4, 5)},
        family="masking",
        gradients=True,
    )
    yield Case(
        "padding: a mask without a query axis of its own",
        rand.qkv(3, L=4, S=6, d=5, d_v=2),
        {"mask": rand.mask(3, 1, 6)},
        family="masking",
    )
    yield Case(
        "a query that may see nothing",
        rand.qkv(2, L=4, S=5, d=8, d_v=3),
        {"mask": rows_empty(4, 5, [1])},
        family="masking",
        gradients=True,
    )
    yield Case(
        "a mask (H, L, S) where there are as many sequences as heads",
        rand.qkv(3, 3, L=2, S=4, d=5, d_v=6),
        {"mask": rand.mask(3, 2, 4)},
        family="masking",
    )
    yield Case("scores near 10,000", huge_scores(rand, 2, L=4, S=6, d=16, d_v=3), tolerance=1e-3)
    yield Case(
        "scores near −10,000, some of them hidden",
        scores_far_below(rand, 2, L=4, S=6, d=16, d_v=3),
        {"mask": rand.mask(4, 6)},
        family="masking",
        tolerance=1e-3,
    )
    yield Case("float64", rand.qkv(2, L=3, S=4, d=6, d_v=5), dtype="float64", family="dtype")
    yield Case(
        "bfloat16 with a mask",
        rand.qkv(2, L=3, S=6, d=8, d_v=5),
        {"mask": rand.mask(3, 6)},
        dtype="bfloat16",
        family="dtype",
    )
    yield Case(
        "float16 with a mask",
        rand.qkv(2, L=3, S=6, d=8, d_v=5),
        {"mask": rand.mask(3, 6)},
        dtype="float16",
        family="dtype",
    )


def scaled_dot_product_attention(q, k, v, mask=None):
    """The oracle: PyTorch's own."""
    import torch.nn.functional as F

    output = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return output, F.scaled_dot_product_attention(q, k, identity, attn_mask=mask)


SCALE = "q.shape[-1] ** -0.5"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
ADD = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"


mistakes = (
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "q.shape[-1] ** -1.0")),
    mistake(
        "multiplied-by-root-d",
        "scaling",
        edit(SCALE, "q.shape[-1] ** 0.5"),
        en="Your scores are multiplied by √d; they should be divided by it.",
        zh="打分乘以了 √d；应当除以 √d。",
    ),
    mistake(
        "scale-by-keys",
        "scaling",
        edit(SCALE, "k.shape[-2] ** -0.5"),
        en="Your scores are divided by √S, the number of keys; the scale is 1/√d, from the size of one key vector.",
        zh="打分除以了 √S（键的个数）；应当除以 √d（单个键向量的维度）。",
    ),
    mistake(
        "scale-by-queries",
        "scaling",
        edit(SCALE, "q.shape[-2] ** -0.5"),
        en="Your scores are divided by √L, the number of queries; the scale is 1/√d, from the size of one key vector.",
        zh="打分除以了 √L（查询的个数）；应当除以 √d（单个键向量的维度）。",
    ),
    mistake(
        "scale-by-values",
        "scaling",
        edit(SCALE, "v.shape[-1] ** -0.5"),
        en="Your scale comes from d_v, the size of the values; it comes from d, the size of the vectors that are dotted.",
        zh="缩放用了值向量的维度 d_v；应当用做点积的向量的维度 d。",
    ),
    mistake(
        "scale-fixed",
        "scaling",
        edit(SCALE, "64**-0.5"),
        en="Your scale is a constant (1/8, as for d = 64); it depends on the d of the inputs.",
        zh="缩放是常数（1/8，相当于 d = 64）；它应当取决于输入的 d。",
    ),
    mistake(
        "scale-after-softmax",
        "scaling",
        edit((f" * {SCALE}", ""), (SOFTMAX, f"{SOFTMAX} * {SCALE}")),
        en="The scale is applied after the softmax: the weights shrink and no longer sum to 1. Scale the scores.",
        zh="缩放放到了 softmax 之后：权重变小，之和不再为 1。应当缩放打分。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    *shared.softmax_by_fixed_axis(SOFTMAX, "scores"),
    mistake(
        "no-softmax",
        "normalization",
        edit(SOFTMAX, "scores"),
        en="There is no softmax: what is returned as weights are the scores themselves.",
        zh="没有做 softmax：作为权重返回的是打分本身。",
    ),
    shared.mask_inverted(edit("~mask,", "mask,")),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights"))),
    shared.masked_after_softmax(edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)"))),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
    ),
    mistake(
        "mask-too-weak",
        "masking",
        edit(FILL, "scores + torch.where(mask, 0.0, -1.0)"),
        edit(FILL, "scores.masked_fill(~mask, -1.0)"),
        edit((FILL, "scores.masked_fill(~mask, -1.0)"), (EMPTY, "weights")),
        edit((FILL, "scores + torch.where(mask, 0.0, -1.0)"), (EMPTY, "weights")),
        en="Masked scores get a finite number that is too small to hide them: those keys still get weight. Use −∞.",
        zh="被屏蔽的打分只换成了不够小的有限数，这些键仍有权重。请用 −∞。",
    ),
    shared.empty_rows_nan(edit(EMPTY, "weights")),
    shared.nan_gradient(
        edit(FILL, ADD),
        edit((FILL, ADD), (EMPTY, "weights.nan_to_num(0.0)")),
    ),
    shared.empty_rows_uniform(edit(('float("-inf")', "-1e9"), (EMPTY, "weights"))),
    shared.returns_float32(
        edit(("q @ k", "q.float() @ k.float()"), ("weights @ v", "weights @ v.float()")),
        edit("return weights @ v, weights", "return (weights @ v).float(), weights.float()"),
    ),
    shared.inputs_changed(edit("scores = q @", "q.mul_(1.0).add_(1.0).sub_(1.0).mul_(2.0)\n    scores = q / 2 @")),
    shared.detached(
        edit(SOFTMAX, f"{SOFTMAX}.detach()"),
        edit("weights @ v, weights", "weights @ v, weights.detach()"),
    ),
    shared.library_called(rewrite(scaled_dot_product_attention)),
)

exercise = Exercise(
    targets=("scaled_dot_product_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(scaled_dot_product_attention,),
    forbidden=LIBRARY_ATTENTION,
)
