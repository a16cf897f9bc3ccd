"""How the numbers that set attention, RNNs and CNNs apart are graded, and the test of permutation equivariance."""

from collections.abc import Iterator
from functools import partial

import torch
from shared import instead_of, together_or_alone

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    everyday = [("attention", 9), ("rnn", 9), ("cnn", 9)]
    larger = [("cnn", 10, 5), ("cnn", 30, 7), ("cnn", 4, 9), ("rnn", 2, 7)]
    smallest = [("attention", 2), ("attention", 1), ("rnn", 1), ("cnn", 1, 5)]
    for arguments in [*everyday, *larger, *smallest]:
        yield Case(f"path length {arguments}", call(*arguments), public=arguments in everyday)
    refused = partial(Case, family="interface", raises="ValueError")
    yield refused("path length of an unknown kind", call("mlp", 5))
    yield refused("path length of an unknown kind, in a sequence of one", call("mlp", 1))
    steps = partial(Case, target="sequential_steps")
    for kind, n in (("attention", 12), ("rnn", 12), ("cnn", 12), ("rnn", 1)):
        yield steps(f"sequential steps of {kind}, {n} positions", call(kind, n), public=n > 1)
    yield refused("steps of an unknown kind", call("mlp", 5), target="sequential_steps")
    equivariant = partial(Case, target="is_permutation_equivariant", probe=judged)
    for name, dtype in (
        ("attention", "float64"),  # what is equivariant comes in float64, where no sensible tolerance is in doubt
        ("attention with positions", "float32"),
        ("causal attention", "float32"),
        ("one token at a time", "float64"),
        ("mean of the sequence", "float64"),
        ("running sum", "float32"),
        ("circular convolution", "float32"),
        ("symmetric about the middle", "float32"),
    ):
        x, public = rand.normal(2, 8, 5), name.startswith("attention")
        yield equivariant(f"equivariant? {name}", call(name, x), dtype=dtype, public=public)


def judged(is_permutation_equivariant, name, x):
    """The answer about one kind of layer, and whether x is as it was."""
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
REACH = "(kernel - 1) // 2"
LAYERS_IF_DILATED = "torch.log(torch.tensor(float(n))) / torch.log(torch.tensor(float(kernel)))"
STEPS = 'return n if kind == "rnn" else 1'
ORDERS = "[torch.randperm(x.shape[1], device=x.device) for _ in range(5)]"
SAME = "torch.allclose(fn(x[:, order]), result[:, order], rtol=1e-4, atol=1e-5)"
SAME_OF_BATCH = (SAME, "torch.allclose(fn(x[order]), result[order])")
SAME_OF_FEATURES = (SAME, "torch.allclose(fn(x[..., order]), result[..., order])")
ANSWER = f"all({SAME} for order in orders)"
UNKNOWN = """    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(f"unknown kind {kind!r}")
"""

mistakes = known(
    one_position=[
        replace(ATTENTION, "return 1"),
        replace((ATTENTION, "return 1"), (RNN, "return max(n - 1, 1)"), (CNN, "return max(-(-(n - 1) // reach), 1)")),
    ],
    attention_step_by_step=instead_of(ATTENTION, "return n - 1", "return n", "return 0", "return n * n"),
    positions_not_hops=together_or_alone((RNN, "return n"), (CNN, "return -(-n // reach)")),
    rounded_down=instead_of(CNN, "return (n - 1) // reach", "return round((n - 1) / reach)"),
    reach_of_kernel=instead_of(REACH, "kernel", "(kernel - 1)", "(kernel + 1) // 2"),
    kernel_ignored=replace(REACH, "1"),
    dilated=replace(CNN, f"return 0 if n == 1 else int(torch.ceil({LAYERS_IF_DILATED}))"),
    not_an_integer=instead_of(
        CNN, "return (n - 1) / reach", "return float(-(-(n - 1) // reach))", "return torch.tensor(-(-(n - 1) // reach))"
    ),
    who_waits=instead_of(
        STEPS,
        "return n",
        "return 1",
        "return 1 if kind == 'attention' else n",
        "return 1 if kind == 'rnn' else n",
        "return n - 1 if kind == 'rnn' else 1",
        "return n * n if kind == 'attention' else n if kind == 'rnn' else 1",
    ),
    no_error=[
        replace(UNKNOWN, ""),
        replace('\n    raise ValueError(f"unknown kind {kind!r}")', "\n    return None"),
        replace("raise ValueError(", "raise KeyError("),
    ],
    invariance_tested=replace("result[:, order]", "result"),
    exact_comparison=instead_of(
        SAME, "torch.equal(fn(x[:, order]), result[:, order])", "bool((fn(x[:, order]) == result[:, order]).all())"
    ),
    wrong_axis_permuted=[
        replace((ORDERS, "[torch.randperm(x.shape[0])]"), SAME_OF_BATCH),
        replace((ORDERS, "[torch.randperm(x.shape[2])]"), SAME_OF_FEATURES),
        replace((ORDERS, "[torch.tensor([1, 0])]"), SAME_OF_BATCH),
    ],
    symmetric_order=instead_of(ORDERS, "[torch.arange(x.shape[1] - 1, -1, -1)]", "[torch.arange(x.shape[1]).roll(1)]"),
    answer_not_bool=instead_of(ANSWER, f"torch.tensor({ANSWER})", f"int({ANSWER})"),
    input_changed=replace("    result = fn(x)", "    result = fn(x.clone())\n    x.sub_(x.mean())"),
)

exercise = Exercise(
    targets=("path_length", "sequential_steps", "is_permutation_equivariant"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(path_length, is_permutation_equivariant),
)
