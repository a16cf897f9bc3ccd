"""How linear attention is graded."""

from collections.abc import Iterator

import shared
import torch
import torch.nn.functional as F

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite

LONG = 300
"""Long enough for a right answer that goes in blocks of 256 to stay below L·S."""


def cases(rand: Random) -> Iterator[Case]:
    yield Case("every size different", rand.qkv(2, 3, L=5, S=7, d=6, d_v=4), gradients=True, twice=True, public=True)
    yield Case("no leading axes", rand.qkv(L=3, S=4, d=5, d_v=2), public=True)
    yield Case("as many leading axes as one likes", rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6), family="shape")
    yield Case("one query, one key", rand.qkv(1, 1, L=1, S=1, d=3, d_v=2), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        (q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT),
        family="shape",
    )
    yield Case(
        "causal",
        rand.qkv(2, 3, L=7, S=7, d=5, d_v=4),
        {"causal": True},
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("causal, no leading axes", rand.qkv(L=4, S=4, d=3, d_v=5), {"causal": True}, family="masking")
    yield Case(
        "an eps that can be seen", rand.qkv(2, L=3, S=5, d=4, d_v=6), {"eps": 2.5}, family="normalization"
    )
    yield Case(
        "an eps that can be seen, causal",
        rand.qkv(2, L=6, S=6, d=4, d_v=3),
        {"causal": True, "eps": 1.5},
        family="normalization",
    )
    for causal in (False, True):
        yield Case(
            f"long{', causal' if causal else ''}: no tensor with L·S elements",
            rand.qkv(1, L=LONG, S=LONG, d=3, d_v=2),
            {"causal": causal},
            family="resources",
            max_elements=LONG * LONG - 1,
        )
    yield Case("float64", rand.qkv(2, L=3, S=4, d=6, d_v=5), dtype="float64", family="dtype")
    yield Case("bfloat16, causal", rand.qkv(2, L=5, S=5, d=6, d_v=3), {"causal": True}, dtype="bfloat16", family="dtype")


def linear_attention(q, k, v, causal=False, eps=1e-6):
    """The oracle: all pairs, one query at a time."""

    def feature(x):
        return torch.where(x > 0, x + 1, torch.exp(x.clamp(max=0)))

    rows = []
    for i in range(q.shape[-2]):
        near = feature(q[..., i : i + 1, :]) * feature(k if not causal else k[..., : i + 1, :])
        similarity = near.sum(-1)
        mixed = (similarity.unsqueeze(-1) * v[..., : similarity.shape[-1], :]).sum(-2)
        rows.append(mixed / (similarity.sum(-1, keepdim=True) + eps))
    return torch.stack(rows, dim=-2)


FEATURES = "q, k = F.elu(q) + 1, F.elu(k) + 1"
STATES = 'torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)'
TOTALS = "k.cumsum(dim=-2)"
TOTAL = "k.sum(dim=-2, keepdim=True)"
RESULT = "numerator / (denominator + eps)"


def quadratic(q, k, v, causal=False, eps=1e-6):
    similarity = (F.elu(q) + 1) @ (F.elu(k) + 1).transpose(-2, -1)
    if causal:
        similarity = similarity.tril()
    return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)


def quadratic_if_causal(q, k, v, causal=False, eps=1e-6):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    if causal:
        similarity = (q @ k.transpose(-2, -1)).tril()
        return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)
    return q @ (k.transpose(-2, -1) @ v) / ((q * k.sum(dim=-2, keepdim=True)).sum(dim=-1, keepdim=True) + eps)


def softmax_attention(q, k, v, causal=False, eps=1e-6):
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_attention_unscaled(q, k, v, causal=False, eps=1e-6):
    scores = q @ k.transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_of_features(q, k, v, causal=False, eps=1e-6):
    scores = (F.elu(q) + 1) @ (F.elu(k) + 1).transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


def softmax_of_each(q, k, v, causal=False, eps=1e-6):
    q = torch.softmax(q, dim=-1)
    if causal:
        k = torch.exp(k)
        states = torch.einsum("...sd,...se->...sde", k, v).cumsum(dim=-3)
        return torch.einsum("...ld,...lde->...le", q / k.cumsum(dim=-2), states)
    return q @ (torch.softmax(k, dim=-2).transpose(-2, -1) @ v)


def feature_of_scores(q, k, v, causal=False, eps=1e-6):
    similarity = F.elu(q @ k.transpose(-2, -1)) + 1
    if causal:
        similarity = similarity.tril()
    return similarity @ v / (similarity.sum(dim=-1, keepdim=True) + eps)


def library(q, k, v, causal=False, eps=1e-6):
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


mistakes = (
    mistake(
        "feature-missing-on-keys",
        "numerics",
        edit(FEATURES, "q = F.elu(q) + 1"),
        en="φ is missing on the keys: both queries and keys go through elu(x) + 1.",
        zh="键没有经过 φ：查询和键都要做 elu(x) + 1。",
    ),
    mistake(
        "feature-missing-on-queries",
        "numerics",
        edit(FEATURES, "k = F.elu(k) + 1"),
        en="φ is missing on the queries: both queries and keys go through elu(x) + 1.",
        zh="查询没有经过 φ：查询和键都要做 elu(x) + 1。",
    ),
    mistake(
        "feature-missing",
        "numerics",
        edit(FEATURES, "pass"),
        en="φ is missing altogether: without it similarities may be negative, and the denominator close to zero.",
        zh="完全没有做 φ：相似度可能为负，分母可能接近零。",
    ),
    mistake(
        "feature-on-values",
        "numerics",
        edit(FEATURES, "q, k, v = F.elu(q) + 1, F.elu(k) + 1, F.elu(v) + 1"),
        en="φ is applied to the values too; they are averaged as they are.",
        zh="值也做了 φ；值应当原样参与平均。",
    ),
    mistake(
        "relu-for-elu",
        "numerics",
        edit(FEATURES, "q, k = F.relu(q), F.relu(k)"),
        edit(FEATURES, "q, k = F.relu(q) + 1, F.relu(k) + 1"),
        edit(FEATURES, "q, k = F.relu(q) + eps, F.relu(k) + eps"),
        en="Your φ is a relu; elu(x) + 1 is asked for, which is eˣ for negative x and never zero.",
        zh="你的 φ 用了 relu；要求的是 elu(x) + 1，x 为负时等于 eˣ，永不为零。",
    ),
    mistake(
        "elu-without-one",
        "numerics",
        edit(FEATURES, "q, k = F.elu(q), F.elu(k)"),
        edit(FEATURES, "q, k = F.elu(q) + 1, F.elu(k)"),
        edit(FEATURES, "q, k = F.elu(q), F.elu(k) + 1"),
        en="Your φ is elu(x) without the + 1: it is negative for negative x, and similarities must be positive.",
        zh="你的 φ 是 elu(x)，少了 + 1：x 为负时它为负，而相似度必须为正。",
    ),
    mistake(
        "another-feature",
        "numerics",
        edit(FEATURES, "q, k = q.exp(), k.exp()"),
        edit(FEATURES, "q, k = F.softplus(q), F.softplus(k)"),
        edit(FEATURES, "q, k = torch.sigmoid(q), torch.sigmoid(k)"),
        edit(FEATURES, "q, k = F.gelu(q) + 1, F.gelu(k) + 1"),
        edit(FEATURES, "q, k = torch.softmax(q, dim=-1), torch.softmax(k, dim=-1)"),
        rewrite(softmax_of_each),
        rewrite(feature_of_scores),
        en="Your similarity is not φ(q)·φ(k) with φ(x) = elu(x) + 1, taken entry by entry of q and of k.",
        zh="你的相似度不是 φ(q)·φ(k)，其中 φ(x) = elu(x) + 1 应当分别对 q 和 k 逐元素计算。",
    ),
    mistake(
        "softmax-attention",
        "numerics",
        rewrite(softmax_attention),
        rewrite(softmax_attention_unscaled),
        rewrite(softmax_of_features),
        en="This is softmax attention: linear attention has no exponential of q·k; its weights are φ(q)·φ(k) over their sum.",
        zh="这是 softmax 注意力：线性注意力没有对 q·k 取指数；它的权重是 φ(q)·φ(k) 除以它们之和。",
    ),
    mistake(
        "scaled-anyway",
        "scaling",
        edit(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.5) + 1, F.elu(k) + 1"),
        edit(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.25) + 1, F.elu(k * q.shape[-1] ** -0.25) + 1"),
        edit(FEATURES, "q, k = F.elu(q * q.shape[-1] ** -0.5) + 1, F.elu(k * q.shape[-1] ** -0.5) + 1"),
        edit((f"return {RESULT}", f"return {RESULT} * q.shape[-1] ** -0.5")),
        edit("numerator / (denominator", "numerator * q.shape[-1] ** -0.5 / (denominator"),
        edit("(denominator + eps)", "(denominator * q.shape[-1] ** -0.5 + eps)"),
        en="There is a 1/√d in your result; linear attention as asked for here has no scale.",
        zh="你的结果里有 1/√d；这里要求的线性注意力没有缩放。",
    ),
    mistake(
        "no-denominator",
        "normalization",
        edit(f"return {RESULT}", "return numerator"),
        en="The denominator is missing: divide by φ(q)·Σφ(k) + eps, so that the weights of a query sum to 1.",
        zh="缺少分母：要除以 φ(q)·Σφ(k) + eps，使每个查询的权重之和为 1。",
    ),
    mistake(
        "divided-by-count",
        "normalization",
        edit((f"return {RESULT}", "return numerator / k.shape[-2]")),
        edit(
            f"return {RESULT}",
            "count = torch.arange(1, k.shape[-2] + 1).unsqueeze(-1) if causal else k.shape[-2]\n"
            "    return (numerator / count).to(v.dtype)",
        ),
        en="You divide by the number of keys; the denominator is the sum of the similarities, φ(q)·Σφ(k) + eps.",
        zh="你除以了键的个数；分母应当是相似度之和 φ(q)·Σφ(k) + eps。",
    ),
    mistake(
        "denominator-without-query",
        "normalization",
        edit("(q * totals).sum", "totals.expand_as(q).sum"),
        en="Your denominator is the sum of φ(k) alone; it is φ(q)·Σφ(k), with the query in it.",
        zh="你的分母只是 φ(k) 之和；应当是 φ(q)·Σφ(k)，要与查询做点积。",
    ),
    mistake(
        "eps-ignored",
        "normalization",
        edit("denominator + eps", "denominator"),
        edit("denominator + eps", "denominator + 1e-6"),
        edit("denominator + eps", "denominator.clamp(min=eps)"),
        en="eps is not added to the denominator as given: it is φ(q)·Σφ(k) + eps.",
        zh="没有把给定的 eps 加到分母上：分母是 φ(q)·Σφ(k) + eps。",
    ),
    mistake(
        "eps-elsewhere",
        "normalization",
        edit(RESULT, "numerator / denominator + eps"),
        edit((FEATURES, "q, k = F.elu(q) + 1 + eps, F.elu(k) + 1 + eps"), ("denominator + eps", "denominator")),
        edit(TOTAL, f"{TOTAL} + eps"),
        edit(("* totals)", "* (totals + eps))"), ("denominator + eps", "denominator")),
        en="eps is in the wrong place: it is added once, to the denominator φ(q)·Σφ(k).",
        zh="eps 加错了地方：只在分母 φ(q)·Σφ(k) 上加一次。",
    ),
    mistake(
        "causal-ignored",
        "masking",
        edit("if causal", "if False"),
        edit((".cumsum(dim=-3)", ".sum(dim=-3, keepdim=True).expand(*k.shape, v.shape[-1])"), (TOTALS, TOTAL)),
        en="causal=True has no effect: every query uses all keys. Both sums must be running sums along the sequence.",
        zh="causal=True 没有起作用：每个查询都用到了所有键。两个和都应当是沿序列的累加和。",
    ),
    mistake(
        "causal-denominator-total",
        "masking",
        edit(TOTALS, TOTAL),
        en="With causal=True the denominator still sums over all keys: it must be a running sum too, like the numerator.",
        zh="causal=True 时分母仍对所有键求和：它也应当像分子一样用累加和。",
    ),
    mistake(
        "causal-numerator-total",
        "masking",
        edit(".cumsum(dim=-3)", ".sum(dim=-3, keepdim=True).expand(*k.shape, v.shape[-1])"),
        en="With causal=True the numerator still sums over all keys, so the future leaks: it must be a running sum.",
        zh="causal=True 时分子仍对所有键求和，泄露了未来：应当用累加和。",
    ),
    mistake(
        "causal-not-cumulative",
        "masking",
        edit((".cumsum(dim=-3)", ""), (TOTALS, "k")),
        edit(".cumsum(dim=-3)", ""),
        edit(TOTALS, "k"),
        en="With causal=True a query uses the key of its own position only: what came before has to be summed up (cumsum).",
        zh="causal=True 时查询只用到了自己位置上的键：之前的也要累加进来（cumsum）。",
    ),
    mistake(
        "causal-strict",
        "masking",
        edit(
            (STATES, f'{STATES} - torch.einsum("...sd,...se->...sde", k, v)'),
            (TOTALS, f"{TOTALS} - k"),
        ),
        en="With causal=True a query leaves out its own key: the sums run over j ≤ i (output before adding, instead of after).",
        zh="causal=True 时查询漏掉了自己的键：求和范围是 j ≤ i（应当先累加再输出，而不是先输出再累加）。",
    ),
    mistake(
        "causal-reversed",
        "masking",
        edit(
            (STATES, 'torch.einsum("...sd,...se->...sde", k, v).flip(-3).cumsum(dim=-3).flip(-3)'),
            (TOTALS, "k.flip(-2).cumsum(dim=-2).flip(-2)"),
        ),
        en="With causal=True queries use the keys after them instead of those before: the sum runs from the wrong end.",
        zh="causal=True 时查询用到的是之后而不是之前的键：累加的方向反了。",
    ),
    mistake(
        "always-causal",
        "masking",
        edit("if causal", "if causal or q.shape[-2] == k.shape[-2]"),
        en="The running sum is used although causal is False: every query uses all keys then.",
        zh="causal 为 False 时也用了累加和：此时每个查询都应使用所有键。",
    ),
    mistake(
        "quadratic",
        "resources",
        rewrite(quadratic),
        rewrite(quadratic_if_causal),
        en="A tensor with L·S elements is made on the way, the similarities of all pairs (or a mask "
        "of them). Multiply keys with values first: φ(k)ᵀv is only d×d_v.",
        zh="过程中生成了含 L·S 个元素的张量，即所有位置对的相似度（或其掩码）。先拿键乘值：φ(k)ᵀv 只有 d×d_v。",
    ),
    mistake(
        "weights-returned",
        "interface",
        edit(f"return {RESULT}", f"return {RESULT}, denominator"),
        en="The output alone is asked for, not a pair.",
        zh="只要求返回输出，不要返回二元组。",
    ),
    shared.returns_float32(
        edit((FEATURES, "q, k, v = F.elu(q.float()) + 1, F.elu(k.float()) + 1, v.float()")),
        edit(f"return {RESULT}", f"return ({RESULT}).float()"),
    ),
    shared.inputs_changed(
        edit(FEATURES, "q, k = F.elu(q.detach(), inplace=True) + 1, F.elu(k) + 1"),
        edit(FEATURES, "q, k = F.elu(q.detach(), inplace=True) + 1, F.elu(k.detach(), inplace=True) + 1"),
        edit(FEATURES, "q.copy_(F.elu(q) + 1)\n    k.copy_(F.elu(k) + 1)"),
    ),
    mistake(
        "detached-sums",
        "gradient",
        edit(("return numerator", "numerator = numerator.detach()\n    return numerator")),
        edit("denominator + eps", "denominator.detach() + eps"),
        edit(("= k.transpose(-2, -1) @ v", "= (k.transpose(-2, -1) @ v).detach()"), (STATES, f"({STATES}).detach()")),
        en="A sum is detached: gradients flow through the numerator and the denominator, to q, k and v. "
        "Remove detach() or no_grad().",
        zh="某个和被 detach 了：梯度应当经由分子和分母流向 q、k、v。请去掉 detach() 或 no_grad()。",
    ),
    shared.library_called(rewrite(library)),
)

exercise = Exercise(
    targets=("linear_attention",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(linear_attention,),
    forbidden=LIBRARY_ATTENTION,
)
