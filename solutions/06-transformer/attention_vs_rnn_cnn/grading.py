"""How the numbers that set attention, RNNs and CNNs apart are graded, and the test of permutation equivariance."""

from collections.abc import Iterator

from grader.authoring import Case, Exercise, Random, edit, mistake


def judged(is_permutation_equivariant, name, x):
    import torch

    before = x.clone()
    position = torch.arange(1.0, x.shape[1] + 1, device=x.device, dtype=x.dtype)[:, None]

    def attend(x, hidden=None):
        scores = x @ x.mT / x.shape[-1] ** 0.5
        return (scores if hidden is None else scores.masked_fill(hidden, float("-inf"))).softmax(-1) @ x

    layers = {
        "attention": attend,
        "attention with positions": lambda x: attend(x + position.cos()),
        "causal attention": lambda x: attend(x, torch.ones_like(x @ x.mT, dtype=torch.bool).triu(1)),
        "one token at a time": lambda x: torch.tanh(2 * x + 1),
        "mean of the sequence": lambda x: x.mean(1, keepdim=True).expand_as(x),
        "running sum": lambda x: x.cumsum(1),
        "circular convolution": lambda x: x.roll(1, 1) + 2 * x - x.roll(-1, 1),
        "symmetric about the middle": lambda x: x + x.flip(1),
    }
    answer = is_permutation_equivariant(layers[name], x)
    return answer, bool((x == before).all())


def cases(rand: Random) -> Iterator[Case]:
    for public, arguments in (
        (True, ("attention", 9)),
        (True, ("rnn", 9)),
        (True, ("cnn", 9)),
        (False, ("cnn", 10, 5)),
        (False, ("cnn", 30, 7)),
        (False, ("cnn", 4, 9)),
        (False, ("rnn", 2, 7)),
        (False, ("attention", 2)),
        (False, ("attention", 1)),
        (False, ("rnn", 1)),
        (False, ("cnn", 1, 5)),
    ):
        yield Case(f"path length {arguments}", arguments, public=public)
    yield Case("path length of an unknown kind", ("mlp", 5), raises="ValueError", family="interface")
    yield Case("path length of an unknown kind, in a sequence of one", ("mlp", 1), raises="ValueError", family="interface")
    for kind, n in (("attention", 12), ("rnn", 12), ("cnn", 12), ("rnn", 1)):
        yield Case(f"sequential steps of {kind}, {n} positions", (kind, n), target="sequential_steps", public=n > 1)
    yield Case(
        "steps of an unknown kind", ("mlp", 5), target="sequential_steps", raises="ValueError", family="interface"
    )
    # Layers that are equivariant come in float64, where no sensible tolerance is in doubt.
    for name, dtype in (
        ("attention", "float64"),
        ("attention with positions", "float32"),
        ("causal attention", "float32"),
        ("one token at a time", "float64"),
        ("mean of the sequence", "float64"),
        ("running sum", "float32"),
        ("circular convolution", "float32"),
        ("symmetric about the middle", "float32"),
    ):
        yield Case(
            f"equivariant? {name}",
            (name, rand.normal(2, 8, 5)),
            target="is_permutation_equivariant",
            drive=judged,
            dtype=dtype,
            public=name.startswith("attention"),
        )


def path_length(kind, n, kernel=3):
    """An oracle: spread from the first position, layer by layer, until the last is reached."""
    reach = {"attention": n, "rnn": 1, "cnn": (kernel - 1) // 2}
    if kind not in reach:
        raise ValueError(kind)
    layers, seen = 0, 0
    while seen < n - 1:
        layers, seen = layers + 1, seen + reach[kind]
    return layers


def is_permutation_equivariant(fn, x):
    """An oracle: swaps of neighbours, which make up every order."""
    right = fn(x)
    for i in range(x.shape[1] - 1):
        order = list(range(x.shape[1]))
        order[i], order[i + 1] = order[i + 1], order[i]
        if (fn(x[:, order]) - right[:, order]).abs().max() > 1e-4:
            return False
    return True


ATTENTION, RNN, CNN = "return min(n - 1, 1)", "return n - 1", "return -(-(n - 1) // reach)"
STEPS = 'return n if kind == "rnn" else 1'
ORDERS = "[torch.randperm(x.shape[1], device=x.device) for _ in range(5)]"
SAME = "torch.allclose(fn(x[:, order]), result[:, order], rtol=1e-4, atol=1e-5)"
ANSWER = f"all({SAME} for order in orders)"
UNKNOWN = """    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(f"unknown kind {kind!r}")
"""

mistakes = (
    mistake(
        "one-position",
        "numerics",
        edit(ATTENTION, "return 1"),
        edit((ATTENTION, "return 1"), (RNN, "return max(n - 1, 1)"), (CNN, "return max(-(-(n - 1) // reach), 1)")),
        en="With a single position there is no way to go: the path length is 0 for n = 1.",
        zh="只有一个位置时不需要移动：n = 1 的路径长度为 0。",
    ),
    mistake(
        "attention-step-by-step",
        "numerics",
        edit(ATTENTION, "return n - 1"),
        edit(ATTENTION, "return n"),
        edit(ATTENTION, "return 0"),
        edit(ATTENTION, "return n * n"),
        en="One attention layer lets the last position look straight at the first, however far apart they are: the "
        "path length "
        "is 1 (its cost is another matter).",
        zh="一层注意力就让最后一个位置直接看到第一个，无论相隔多远：路径长度为 1（代价是另一回事）。",
    ),
    mistake(
        "positions-not-hops",
        "numerics",
        edit((RNN, "return n"), (CNN, "return -(-n // reach)")),
        edit(RNN, "return n"),
        edit(CNN, "return -(-n // reach)"),
        en="You count positions: from the first of n positions to the last there are n − 1 hops, not n.",
        zh="你数的是位置：从 n 个位置的第一个到最后一个是 n − 1 格，不是 n 格。",
    ),
    mistake(
        "rounded-down",
        "numerics",
        edit(CNN, "return (n - 1) // reach"),
        edit(CNN, "return round((n - 1) / reach)"),
        en="The number of CNN layers is rounded the wrong way: a rest that is shorter than one layer's reach still "
        "needs a "
        "layer (round up).",
        zh="CNN 的层数取整方式不对：剩下的距离不足一层也还需要一层（向上取整）。",
    ),
    mistake(
        "reach-of-kernel",
        "numerics",
        edit("(kernel - 1) // 2", "kernel"),
        edit("(kernel - 1) // 2", "(kernel - 1)"),
        edit("(kernel - 1) // 2", "(kernel + 1) // 2"),
        en="A CNN layer does not reach that far: its kernel is centred, so one layer moves information by (kernel − "
        "1)/2 positions.",
        zh="一层 CNN 到不了那么远：卷积核居中，一层只把信息移动 (kernel − 1)/2 个位置。",
    ),
    mistake(
        "kernel-ignored",
        "numerics",
        edit("(kernel - 1) // 2", "1"),
        en="The kernel size is ignored: a larger kernel needs fewer layers.",
        zh="没有用到卷积核大小：核越大，需要的层数越少。",
    ),
    mistake(
        "dilated",
        "numerics",
        edit(
            CNN,
            "return 0 if n == 1 else int(torch.ceil(torch.log(torch.tensor(float(n))) / torch.log(torch.tensor(float(kernel)))))",
        ),
        en="The number of CNN layers grows with log n only when the kernels are dilated; plain ones move (kernel − "
        "1)/2 positions a "
        "layer, linear in n.",
        zh="只有使用空洞卷积时 CNN 的层数才按 log n 增长；普通卷积每层移动 (kernel − 1)/2 个位置，与 n 成线性。",
    ),
    mistake(
        "not-an-integer",
        "interface",
        edit(CNN, "return (n - 1) / reach"),
        edit(CNN, "return float(-(-(n - 1) // reach))"),
        edit(CNN, "return torch.tensor(-(-(n - 1) // reach))"),
        en="The path length has to be an int: layers come whole. (n − 1) / reach is a float; round it up.",
        zh="路径长度必须是 int：层数是整数。(n − 1) / reach 是浮点数，请向上取整。",
    ),
    mistake(
        "who-waits",
        "numerics",
        edit(STEPS, "return n"),
        edit(STEPS, "return 1"),
        edit(STEPS, "return 1 if kind == 'attention' else n"),
        edit(STEPS, "return 1 if kind == 'rnn' else n"),
        edit(STEPS, "return n - 1 if kind == 'rnn' else 1"),
        edit(STEPS, "return n * n if kind == 'attention' else n if kind == 'rnn' else 1"),
        en="Count what has to wait: within one layer only an RNN's positions wait for each other, n steps in a row. "
        "Attention's and a "
        "CNN's are computed all at once, whatever the total work.",
        zh="要数的是必须等待的操作：一层之内只有 RNN 的各个位置要依次等待，共 n 步。注意力和 CNN 的所有位置同时计算，"
        "与总计算量无关。",
    ),
    mistake(
        "no-error",
        "interface",
        edit(UNKNOWN, ""),
        edit('\n    raise ValueError(f"unknown kind {kind!r}")', "\n    return None"),
        edit("raise ValueError(", "raise KeyError("),
        en="An unknown kind has to be refused with ValueError, in both functions.",
        zh="未知的 kind 在两个函数里都应当抛出 ValueError。",
    ),
    mistake(
        "invariance-tested",
        "numerics",
        edit("result[:, order]", "result"),
        en="You test invariance, fn(Px) = fn(x). Equivariance is fn(Px) = P fn(x): the result is reordered in the "
        "same way.",
        zh="你测的是不变性 fn(Px) = fn(x)。等变性是 fn(Px) = P fn(x)：结果也以同样方式重排。",
    ),
    mistake(
        "exact-comparison",
        "numerics",
        edit(SAME, "torch.equal(fn(x[:, order]), result[:, order])"),
        edit(SAME, "bool((fn(x[:, order]) == result[:, order]).all())"),
        en="You compare exactly: sums in another order are rounded otherwise, so that even attention fails. Use a "
        "tolerance "
        "(torch.allclose).",
        zh="你做的是精确比较：求和次序不同，舍入就不同，连注意力也通不过。请使用容差（torch.allclose）。",
    ),
    mistake(
        "wrong-axis-permuted",
        "numerics",
        edit((ORDERS, "[torch.randperm(x.shape[0])]"), (SAME, "torch.allclose(fn(x[order]), result[order])")),
        edit((ORDERS, "[torch.randperm(x.shape[2])]"), (SAME, "torch.allclose(fn(x[..., order]), result[..., order])")),
        edit((ORDERS, "[torch.tensor([1, 0])]"), (SAME, "torch.allclose(fn(x[order]), result[order])")),
        en="You reorder the batch or the features. The sequence is axis 1: x[:, order].",
        zh="你打乱的是批维度或特征维度。序列是第 1 维：x[:, order]。",
    ),
    mistake(
        "symmetric-order",
        "numerics",
        edit(ORDERS, "[torch.arange(x.shape[1] - 1, -1, -1)]"),
        edit(ORDERS, "[torch.arange(x.shape[1]).roll(1)]"),
        en="You try only a reversal or a rotation: layers that are symmetric in that way pass, though they do "
        "depend on order. Use random permutations.",
        zh="你只试了反转或循环移位：恰好具有这种对称性的层会被误判，尽管它们依赖次序。请用随机置换。",
    ),
    mistake(
        "answer-not-bool",
        "interface",
        edit(ANSWER, f"torch.tensor({ANSWER})"),
        edit(ANSWER, f"int({ANSWER})"),
        en="The answer is not a bool: wrap it in bool(...), or use torch.allclose, which returns one.",
        zh="返回的不是 bool：请用 bool(...) 包一下，或使用本来就返回 bool 的 torch.allclose。",
    ),
    mistake(
        "input-changed",
        "state",
        edit("    result = fn(x)", "    result = fn(x.clone())\n    x.sub_(x.mean())"),
        en="x itself is changed in place; work on x[:, order], which is a copy.",
        zh="你原地修改了 x 本身；请使用 x[:, order]，它是一份副本。",
    ),
)

exercise = Exercise(
    targets=("path_length", "sequential_steps", "is_permutation_equivariant"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(path_length, is_permutation_equivariant),
)
