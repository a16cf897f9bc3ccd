"""How the numbers that set attention, RNNs and CNNs apart are graded, and the test of permutation equivariance."""

from collections.abc import Iterator

from grader.authoring import Case, Exercise, Inputs, call, known, replace


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


def cases(rand: Inputs) -> Iterator[Case]:
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
        yield Case(f"path length {arguments}", call(*arguments), public=public)
    yield Case("path length of an unknown kind", call("mlp", 5), family="interface", raises="ValueError")
    yield Case(
        "path length of an unknown kind, in a sequence of one", call("mlp", 1), family="interface", raises="ValueError"
    )
    for kind, n in (("attention", 12), ("rnn", 12), ("cnn", 12), ("rnn", 1)):
        yield Case(f"sequential steps of {kind}, {n} positions", call(kind, n), target="sequential_steps", public=n > 1)
    yield Case(
        "steps of an unknown kind", call("mlp", 5), family="interface", target="sequential_steps", raises="ValueError"
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
            call(name, rand.normal(2, 8, 5)),
            target="is_permutation_equivariant",
            probe=judged,
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

mistakes = known(
    one_position=[
        replace(ATTENTION, "return 1"),
        replace((ATTENTION, "return 1"), (RNN, "return max(n - 1, 1)"), (CNN, "return max(-(-(n - 1) // reach), 1)")),
    ],
    attention_step_by_step=[
        replace(ATTENTION, "return n - 1"),
        replace(ATTENTION, "return n"),
        replace(ATTENTION, "return 0"),
        replace(ATTENTION, "return n * n"),
    ],
    positions_not_hops=[
        replace((RNN, "return n"), (CNN, "return -(-n // reach)")),
        replace(RNN, "return n"),
        replace(CNN, "return -(-n // reach)"),
    ],
    rounded_down=[replace(CNN, "return (n - 1) // reach"), replace(CNN, "return round((n - 1) / reach)")],
    reach_of_kernel=[
        replace("(kernel - 1) // 2", "kernel"),
        replace("(kernel - 1) // 2", "(kernel - 1)"),
        replace("(kernel - 1) // 2", "(kernel + 1) // 2"),
    ],
    kernel_ignored=replace("(kernel - 1) // 2", "1"),
    dilated=replace(
        CNN,
        "return 0 if n == 1 else int(torch.ceil(torch.log(torch.tensor(float(n))) / torch.log(torch.tensor(float(kernel)))))",
    ),
    not_an_integer=[
        replace(CNN, "return (n - 1) / reach"),
        replace(CNN, "return float(-(-(n - 1) // reach))"),
        replace(CNN, "return torch.tensor(-(-(n - 1) // reach))"),
    ],
    who_waits=[
        replace(STEPS, "return n"),
        replace(STEPS, "return 1"),
        replace(STEPS, "return 1 if kind == 'attention' else n"),
        replace(STEPS, "return 1 if kind == 'rnn' else n"),
        replace(STEPS, "return n - 1 if kind == 'rnn' else 1"),
        replace(STEPS, "return n * n if kind == 'attention' else n if kind == 'rnn' else 1"),
    ],
    no_error=[
        replace(UNKNOWN, ""),
        replace('\n    raise ValueError(f"unknown kind {kind!r}")', "\n    return None"),
        replace("raise ValueError(", "raise KeyError("),
    ],
    invariance_tested=replace("result[:, order]", "result"),
    exact_comparison=[
        replace(SAME, "torch.equal(fn(x[:, order]), result[:, order])"),
        replace(SAME, "bool((fn(x[:, order]) == result[:, order]).all())"),
    ],
    wrong_axis_permuted=[
        replace((ORDERS, "[torch.randperm(x.shape[0])]"), (SAME, "torch.allclose(fn(x[order]), result[order])")),
        replace(
            (ORDERS, "[torch.randperm(x.shape[2])]"), (SAME, "torch.allclose(fn(x[..., order]), result[..., order])")
        ),
        replace((ORDERS, "[torch.tensor([1, 0])]"), (SAME, "torch.allclose(fn(x[order]), result[order])")),
    ],
    symmetric_order=[
        replace(ORDERS, "[torch.arange(x.shape[1] - 1, -1, -1)]"),
        replace(ORDERS, "[torch.arange(x.shape[1]).roll(1)]"),
    ],
    answer_not_bool=[replace(ANSWER, f"torch.tensor({ANSWER})"), replace(ANSWER, f"int({ANSWER})")],
    input_changed=replace("    result = fn(x)", "    result = fn(x.clone())\n    x.sub_(x.mean())"),
)

exercise = Exercise(
    targets=("path_length", "sequential_steps", "is_permutation_equivariant"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(path_length, is_permutation_equivariant),
)
