"""How relative attention is graded."""

from collections.abc import Iterator

import shared
import torch
from shared import causal, huge_scores, rows_empty, scores_far_below

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite


def index_values(relative_index, *sizes):
    return relative_index(*sizes).long()


def index_dtype(relative_index, *sizes):
    return str(relative_index(*sizes).dtype)


def cases(rand: Random) -> Iterator[Case]:
    def attend(reason, *batch, m, mask=None, L=5, S=7, d=6, d_v=3, **more):  # type: ignore[no-untyped-def]
        inputs = (*rand.qkv(*batch, L=L, S=S, d=d, d_v=d_v), rand.normal(2 * m + 1, d), m)
        keywords = {} if mask is None else {"mask": mask}
        return Case(reason, inputs, keywords, target="relative_attention", **more)

    def index(reason, *sizes, **more):  # type: ignore[no-untyped-def]
        return Case(reason, sizes, target="relative_index", **{"drive": index_values} | more)

    yield index("index: more keys than queries", 5, 7, 2, public=True)
    yield index("index: more queries than keys", 6, 3, 1)
    yield index("index: a largest distance of 0", 3, 4, 0)
    yield index("index: nothing is far enough to be clipped", 4, 3, 9)
    yield index("index: int64", 2, 3, 1, drive=index_dtype, family="dtype")
    yield attend("every size different", 2, 3, m=2, d_v=4, gradients=True, twice=True, public=True)
    yield attend("no leading axes, more queries than keys", m=1, L=6, S=4, d=5, d_v=2)
    yield attend("one distance for all, one query", 2, m=0, L=1, S=4, d=3, d_v=5)
    yield attend("a table longer than the sequence", 2, m=8, L=3, S=4, d=6, d_v=5)
    yield attend("another head size: a fixed scale shows", 2, m=1, L=4, S=5, d=20, family="scaling")
    yield attend("causal, as the mask says", 2, 4, m=2, mask=causal(5, 7), family="masking", public=True)
    mask = rand.mask(2, 1, 5, 7)
    yield attend("a mask for every sequence", 2, 3, m=3, mask=mask, family="masking", gradients=True)
    mask = rows_empty(4, 5, [1])
    empty = "a query that may see nothing"
    yield attend(empty, 2, m=1, L=4, S=5, d=8, mask=mask, family="masking", gradients=True)
    q, k, v = huge_scores(rand, 2, L=4, S=6, d=16, d_v=3)
    rel_k = torch.zeros(5, 16)
    rel_k[:, 1] = torch.tensor([0.5, -0.5, 0.0, 1.0, -1.0])
    yield Case("scores near 10,000", (q, k, v, rel_k, 2), target="relative_attention", tolerance=1e-3)
    low = (*scores_far_below(rand, 2, L=4, S=6, d=16, d_v=3), rel_k, 2)
    hidden = {"mask": rand.mask(4, 6)}
    yield Case("scores near −10,000, some of them hidden", low, hidden, target="relative_attention", family="masking", tolerance=1e-3)
    yield attend("float64", 2, m=1, L=3, S=4, d=6, d_v=5, dtype="float64", family="dtype")
    mask = rand.mask(3, 6)
    yield attend("bfloat16 with a mask", 2, m=2, L=3, S=6, d=8, d_v=5, mask=mask, dtype="bfloat16", family="dtype")
    mask = rand.mask(3, 6)
    yield attend("float16 with a mask", 2, m=2, L=3, S=6, d=8, d_v=5, mask=mask, dtype="float16", family="dtype")


def relative_index(L, S, max_distance):
    """The oracle: one entry after the other."""
    rows = [[max(-max_distance, min(max_distance, j - i)) + max_distance for j in range(S)] for i in range(L)]
    return torch.tensor(rows)


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    """The oracle: the relative scores as a float mask of PyTorch's own attention."""
    every = q @ rel_k.T / q.shape[-1] ** 0.5
    columns = [
        torch.stack(
            [every[..., i, max(0, min(2 * max_distance, j - i + max_distance))] for i in range(q.shape[-2])], -1
        )
        for j in range(k.shape[-2])
    ]
    bias = torch.stack(columns, -1)
    if mask is not None:
        bias = bias.masked_fill(~mask, float("-inf"))
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    weights = torch.nn.functional.scaled_dot_product_attention(q, k, identity, attn_mask=bias)
    return weights @ v, weights


def library(q, k, v, rel_k, max_distance, mask=None):
    bias = torch.einsum("...id,ijd->...ij", q, rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance)])
    bias = bias * q.shape[-1] ** -0.5
    if mask is not None:
        bias = bias.masked_fill(~mask, float("-inf"))
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    weights = torch.nn.functional.scaled_dot_product_attention(q, k, identity, attn_mask=bias)
    return weights @ v, weights


DISTANCE = "torch.arange(S) - torch.arange(L)[:, None]"
FLIPPED = "torch.arange(L)[:, None] - torch.arange(S)"
CLIPPED = "distance.clamp(-max_distance, max_distance) + max_distance"
INDEX = "relative_index(q.shape[-2], k.shape[-2], max_distance)"
TERM = 'torch.einsum("...id,ijd->...ij", q, rel_k[index.to(q.device)])'
GATHERED = "torch.gather(q @ rel_k.T, -1, index.expand(*q.shape[:-2], -1, -1))"
SUM = "(q @ k.transpose(-2, -1) + relative) * q.shape[-1] ** -0.5"
SCALE = "q.shape[-1] ** -0.5"
CONTENT = f"q @ k.transpose(-2, -1) * {SCALE}"
FILL = 'scores.masked_fill(~mask, float("-inf"))'
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"

mistakes = (
    mistake(
        "distance-flipped",
        "numerics",
        edit(DISTANCE, FLIPPED),
        # Right in one of the two functions, wrong in the other.
        edit((DISTANCE, FLIPPED), (INDEX, f"2 * max_distance - {INDEX}")),
        edit(INDEX, f"2 * max_distance - {INDEX}"),
        en="Your distance is i − j, with the sign flipped: it is j − i, key minus query, so that keys to the right "
        "use the "
        "later rows of the table.",
        zh="你的距离是 i − j，符号反了；应当是 j − i（键减查询），右侧的键使用表中靠后的行。",
    ),
    mistake(
        "distance-absolute",
        "numerics",
        edit(DISTANCE, f"({DISTANCE}).abs()"),
        edit(INDEX, f"(max_distance - {INDEX}).abs() + max_distance"),
        en="Your distance has no sign: left and right share a vector. Clip j − i itself, from −m to m.",
        zh="你的距离没有符号：左右两侧共用了同一个向量。应当对 j − i 本身截断到 −m … m。",
    ),
    mistake(
        "not-clipped",
        "numerics",
        edit(CLIPPED, "distance + max_distance"),
        edit(CLIPPED, "(distance + max_distance).clamp(min=0)"),
        edit(CLIPPED, "(distance + max_distance).clamp(max=2 * max_distance)"),
        edit(CLIPPED, "(distance + max_distance) % (2 * max_distance + 1)"),
        edit(CLIPPED, "distance.clamp(max=max_distance) + max_distance"),
        edit((CLIPPED, "distance + max_distance"), (TERM, GATHERED)),
        en="Distances beyond m are not clipped on both sides: all that is further than m shares the outermost row, 0 "
        "on the "
        "left and 2m on the right.",
        zh="没有在两侧截断超过 m 的距离：所有比 m 更远的位置共用最外侧的行，左侧是第 0 行，右侧是第 2m 行。",
    ),
    mistake(
        "not-shifted",
        "numerics",
        edit(CLIPPED, "distance.clamp(-max_distance, max_distance)"),
        edit(CLIPPED, "distance.clamp(0, 2 * max_distance)"),
        edit((CLIPPED, "distance.clamp(-max_distance, max_distance)"), (TERM, GATHERED)),
        en="The index is not shifted by m: a negative one counts from the end of the table, so distance −1 gets the "
        "vector "
        "of +m. Add m after clipping.",
        zh="下标没有加 m：负数会从表的末尾取，距离 −1 拿到的是 +m 的向量。截断之后请加 m。",
    ),
    mistake(
        "shifted-then-clipped",
        "numerics",
        edit(CLIPPED, "(distance + max_distance).clamp(-max_distance, max_distance)"),
        edit(CLIPPED, "(distance + max_distance).clamp(0, max_distance)"),
        en="You shift by m and then clip to the bounds from before the shift: clip to −m … m first, or to 0 … 2m "
        "after.",
        zh="你先加了 m，却仍按平移之前的范围截断：应当先截断到 −m … m 再加 m，或者平移之后截断到 0 … 2m。",
    ),
    mistake(
        "aligned-bottom-right",
        "numerics",
        edit(DISTANCE, f"{DISTANCE} + L - S"),
        edit(
            INDEX,
            "(torch.arange(k.shape[-2]) - torch.arange(q.shape[-2])[:, None] + q.shape[-2] - k.shape[-2]).clamp("
            "-max_distance, max_distance) + max_distance",
        ),
        en="Your queries are placed at the end of the keys (j − i − (S − L)). Here positions start at 0 on both sides.",
        zh="你把查询放在了键的末尾（j − i − (S − L)）。这里两侧的位置都从 0 开始。",
    ),
    mistake(
        "absolute-positions",
        "numerics",
        edit(INDEX, "torch.arange(k.shape[-2]).clamp(max=2 * max_distance).expand(q.shape[-2], -1)"),
        edit(DISTANCE, "torch.arange(S).expand(L, -1)"),
        edit(INDEX, "torch.arange(k.shape[-2]).expand(q.shape[-2], -1) % (2 * max_distance + 1)"),
        en="The vector depends on one position alone, not on the distance j − i of key and query: that is an absolute "
        "position encoding.",
        zh="向量只取决于单个位置，而不是键与查询的距离 j − i：那是绝对位置编码。",
    ),
    mistake(
        "index-transposed",
        "shape",
        edit(DISTANCE, FLIPPED.replace("(L)", "(X)").replace("(S)", "(L)").replace("(X)", "(S)")),
        edit(DISTANCE, DISTANCE.replace("(S)", "(X)").replace("(L)", "(S)").replace("(X)", "(L)")),
        en="The index has shape (S, L): one row a query, one column a key is asked for, (L, S).",
        zh="下标的形状是 (S, L)；要求一行对应一个查询、一列对应一个键，即 (L, S)。",
    ),
    mistake(
        "index-not-int64",
        "dtype",
        edit(CLIPPED, f"({CLIPPED}).int()"),
        edit((CLIPPED, f"({CLIPPED}).float()"), (INDEX, f"{INDEX}.long()")),
        en="The index is not int64: an index into a table is a long tensor.",
        zh="下标不是 int64：表的下标应为 long 张量。",
    ),
    mistake(
        "relative-term-unscaled",
        "scaling",
        edit(SUM, f"q @ k.transpose(-2, -1) * {SCALE} + relative"),
        en="Only q·k is divided by √d: the relative term has to be scaled as well. Add first, then divide the sum.",
        zh="只有 q·k 除以了 √d：相对位置项也要缩放。先相加，再把和除以 √d。",
    ),
    mistake(
        "relative-term-scaled-twice",
        "scaling",
        edit(SUM, f"(q @ k.transpose(-2, -1) + relative * {SCALE}) * {SCALE}"),
        en="The relative term is divided by √d twice; once is enough, together with q·k.",
        zh="相对位置项被除以了两次 √d；与 q·k 一起除一次即可。",
    ),
    mistake(
        "only-relative-scaled",
        "scaling",
        edit(SUM, f"q @ k.transpose(-2, -1) + relative * {SCALE}"),
        en="Only the relative term is divided by √d: q·k has to be scaled as well.",
        zh="只有相对位置项除以了 √d：q·k 也要缩放。",
    ),
    shared.no_scale(edit(f" * {SCALE}", "")),
    shared.scale_by_d(edit(SCALE, "q.shape[-1] ** -1.0")),
    mistake(
        "scale-fixed",
        "scaling",
        edit(SCALE, "64**-0.5"),
        edit(SCALE, "8**-0.5"),
        en="Your scale is a constant; it depends on the d of the inputs.",
        zh="缩放是常数；它应当取决于输入的 d。",
    ),
    mistake(
        "relative-term-from-keys",
        "numerics",
        edit(TERM, TERM.replace("...id,ijd", "...jd,ijd").replace('", q,', '", k,')),
        en="The relative vectors are dotted with the keys; they stand in for keys, and are dotted with the query.",
        zh="相对位置向量与键做了点积；它们扮演键的角色，应当与查询做点积。",
    ),
    mistake(
        "relative-term-without-query",
        "numerics",
        edit(TERM, "rel_k[index].sum(-1)"),
        edit(TERM, "rel_k[index].mean(-1)"),
        en="The relative vector is added up without the query: q takes part in the term, as a dot product q·r.",
        zh="相对位置项里没有查询：应当是查询与相对位置向量的点积 q·r。",
    ),
    mistake(
        "relative-term-missing",
        "numerics",
        edit("+ relative)", ")"),
        en="The scores have no relative term: rel_k does not matter in your weights.",
        zh="打分里没有相对位置项：rel_k 对你的权重毫无影响。",
    ),
    mistake(
        "relative-term-subtracted",
        "numerics",
        edit("+ relative)", "- relative)"),
        en="The relative term is subtracted; it is added.",
        zh="相对位置项被减去了；应当加上。",
    ),
    mistake(
        "relative-values",
        "numerics",
        edit("return weights @ v, weights", "return weights @ v + weights @ rel_k[index].mean(-1).T @ v, weights"),
        en="The output has a relative term too; here only the scores do, and the values are as given.",
        zh="输出里也加了相对位置项；这里只有打分有，值保持原样。",
    ),
    shared.softmax_over_queries(edit(SOFTMAX, "torch.softmax(scores, dim=-2)")),
    *shared.softmax_by_fixed_axis(SOFTMAX, "scores"),
    shared.mask_inverted(edit("~mask,", "mask,")),
    shared.mask_ignored(edit((FILL, "scores"), (EMPTY, "weights"))),
    mistake(
        "relative-term-not-masked",
        "masking",
        edit(
            (SUM, f"q @ k.transpose(-2, -1) * {SCALE}"),
            (FILL, "scores.masked_fill(~mask, 0.0)"),
            (SOFTMAX, f"torch.softmax(scores + relative * {SCALE}, dim=-1)"),
        ),
        en="The relative term is added after masking, which undoes it: add first, then set masked scores to −∞.",
        zh="相对位置项在屏蔽之后才加上，抵消了屏蔽：应当先相加，再把被屏蔽的打分置为 −∞。",
    ),
    mistake(
        "relative-term-after-softmax",
        "normalization",
        edit((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative * {SCALE}")),
        edit((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative * {SCALE}"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
        edit((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative")),
        edit((SUM, CONTENT), (SOFTMAX, f"{SOFTMAX} + relative"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
        en="The relative term is added to the weights, after the softmax: rows no longer sum to 1. It belongs to the "
        "scores, before the softmax.",
        zh="相对位置项加到了 softmax 之后的权重上，每行之和不再是 1。它属于打分，应当在 softmax 之前相加。",
    ),
    shared.masked_after_softmax(edit((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)"))),
    shared.masked_scores_zero(
        edit('float("-inf")', "0.0"),
        edit(('float("-inf")', "0.0"), (EMPTY, "weights")),
    ),
    shared.empty_rows_nan(edit(EMPTY, "weights")),
    shared.empty_rows_uniform(edit(('float("-inf")', "-1e9"), (EMPTY, "weights"))),
    mistake(
        "softmax-overflows",
        "numerics",
        edit(SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
        en="The exponential overflows for large scores: subtract each row's largest score first, as torch.softmax "
        "does.",
        zh="打分很大时指数会溢出：先减去每一行的最大值，torch.softmax 就是这样做的。",
    ),
    shared.returns_float32(
        edit((SUM, f"({SUM}).float()"), ("weights @ v", "weights @ v.float()")),
        edit("return weights @ v, weights", "return (weights @ v).float(), weights.float()"),
    ),
    shared.inputs_changed(
        edit(("    index =", f"    q.data.mul_({SCALE})\n    index ="), (f" * {SCALE}\n", "\n")),
        edit("    index =", "    rel_k.data.clamp_(-1, 1)\n    index ="),
    ),
    shared.detached(
        edit(SOFTMAX, f"{SOFTMAX}.detach()"),
        edit("weights @ v, weights", "weights @ v, weights.detach()"),
    ),
    mistake(
        "table-detached",
        "gradient",
        edit("rel_k[index", "rel_k.detach()[index"),
        en="No gradient reaches rel_k: the table is learned, so do not detach it or copy it into a new tensor.",
        zh="梯度没有到达 rel_k：这张表是要学习的，不要 detach，也不要复制到新张量里。",
    ),
    shared.library_called(rewrite(library, "relative_attention")),
)

exercise = Exercise(
    targets=("relative_index", "relative_attention"),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(relative_index, relative_attention),
    forbidden=LIBRARY_ATTENTION,
)
