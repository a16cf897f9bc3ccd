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
    for kind, n in (("attention", 12), ("rnn", 12), ("cnn", 12), ("rnn", 1)):
        yield Case(f"sequential steps of {kind}, {n} positions", call(kind, n), target="sequential_steps", public=n > 1)
    yield refused("steps of an unknown kind", call("mlp", 5), target="sequential_steps")
    equivariant = partial(Case, target="is_permutation_equivariant", probe=judged, summary=left_alone)
    for name in layers():
        # What is equivariant comes in float64, where no sensible tolerance is in doubt.
        dtype = "float64" if name in ("attention", "one token at a time", "mean of the sequence") else "float32"
        x, public = rand.normal(2, 8, 5), name.startswith("attention")
        yield equivariant(f"equivariant? {name}", call(name, x), dtype=dtype, public=public)


def layers():
    """Kinds of layers: some of them know about order."""

    def attend(x, hidden=None):
        scores = x @ x.mT / x.shape[-1] ** 0.5
        return (scores if hidden is None else scores.masked_fill(hidden, float("-inf"))).softmax(-1) @ x

    return {
        "attention": attend,
        "attention with positions": lambda x: attend(x + torch.arange(1.0, x.shape[1] + 1).to(x)[:, None].cos()),
        "causal attention": lambda x: attend(x, torch.ones_like(x @ x.mT, dtype=torch.bool).triu(1)),
        "one token at a time": lambda x: torch.tanh(2 * x + 1),
        "mean of the sequence": lambda x: x.mean(1, keepdim=True).expand_as(x),
        "running sum": lambda x: x.cumsum(1),
        "circular convolution": lambda x: x.roll(1, 1) + 2 * x - x.roll(-1, 1),
        "symmetric about the middle": lambda x: x + x.flip(1),
    }


def judged(is_permutation_equivariant, name, x):
    """The answer about one kind of layer, and x afterwards."""
    return is_permutation_equivariant(layers()[name], x), x


def left_alone(found, name, x):
    """The answer, and whether x is as it was."""
    answer, afterwards = found
    return answer, torch.equal(afterwards, x)


def path_length(kind, n, kernel=3):
    """An oracle: hop as far as one layer reaches, and count the positions from which a hop begins."""
    if kind not in ("attention", "rnn", "cnn"):
        raise ValueError(kind)
    reach = {"attention": n, "rnn": 1, "cnn": (kernel - 1) // 2}[kind]
    return len(range(0, n - 1, reach))


def is_permutation_equivariant(fn, x):
    """An oracle: a swap and a rotation, which make up every order."""
    n = x.shape[1]
    orders = [1, 0, *range(2, n)], [*range(1, n), 0]
    return all((fn(x[:, order]) - fn(x)[:, order]).abs().max() < 1e-4 for order in orders)


ATTENTION, RNN, CNN = "min(n - 1, 1)", "return n - 1", "-(-(n - 1) // reach)"
REACH = "(kernel - 1) // 2"
STEPS = 'n if kind == "rnn" else 1'
ORDERS = "[torch.randperm(x.shape[1], device=x.device) for _ in range(5)]"
SAME = "torch.allclose(fn(x[:, order]), result[:, order], rtol=1e-4, atol=1e-5)"
ANSWER = f"all({SAME} for order in orders)"

mistakes = known(
    one_position=[
        replace(ATTENTION, "1"),
        replace((ATTENTION, "1"), (RNN, "return max(n - 1, 1)"), (CNN, f"max({CNN}, 1)")),
    ],
    attention_step_by_step=instead_of(ATTENTION, "n - 1", "n", "0", "n * n"),
    positions_not_hops=together_or_alone((RNN, "return n"), (CNN, "-(-n // reach)")),
    rounded_down=instead_of(CNN, "(n - 1) // reach", "round((n - 1) / reach)"),
    reach_of_kernel=instead_of(REACH, "kernel", "(kernel - 1)", "(kernel + 1) // 2"),
    kernel_ignored=replace(REACH, "1"),
    dilated=replace(CNN, "next(layers for layers in range(n) if kernel**layers >= n)"),
    not_an_integer=instead_of(CNN, "(n - 1) / reach", f"float({CNN})", f"torch.tensor({CNN})"),
    who_waits=[
        *instead_of(STEPS, "n", "1", "n - 1 if kind == 'rnn' else 1", "1 if kind == 'rnn' else n"),
        *instead_of(STEPS, "1 if kind == 'attention' else n", f"n * n if kind == 'attention' else {STEPS}"),
    ],
    no_error=[
        replace('if kind not in ("attention", "rnn", "cnn")', "if False"),
        replace('\n    raise ValueError(f"unknown kind {kind!r}")', "\n    return None"),
        replace("raise ValueError(", "raise KeyError("),
    ],
    invariance_tested=replace("result[:, order]", "result"),
    exact_comparison=instead_of(
        SAME, "torch.equal(fn(x[:, order]), result[:, order])", "bool((fn(x[:, order]) == result[:, order]).all())"
    ),
    wrong_axis_permuted=[
        replace((ORDERS, "[torch.randperm(x.shape[0])]"), ("[:, order]", "[order]")),
        replace((ORDERS, "[torch.randperm(x.shape[2])]"), ("[:, order]", "[..., order]")),
        replace((ORDERS, "[torch.tensor([1, 0])]"), ("[:, order]", "[order]")),
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
