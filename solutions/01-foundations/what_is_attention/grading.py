"""How the soft look-up of "What is attention?" is graded."""

from collections.abc import Iterator

import torch

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def given(S: int, d: int, d_v: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return rand.normal(d), rand.normal(S, d), rand.normal(S, d_v)

    yield Case("temperature 1", call(*given(5, 3, 4), 1.0), gradients=True, twice=True, public=True)
    yield Case("longer vectors: no scale but the temperature", call(*given(6, 16, 2), 1.0), family="scaling")
    yield Case("a lower temperature", call(*given(6, 4, 3), 0.4), family="scaling", public=True)
    yield Case("a higher temperature", call(*given(4, 6, 5), 2.5), family="scaling", gradients=True)
    yield Case("given by name, a whole number", call(*given(7, 5, 2), temperature=2))
    yield Case("one key", call(*given(1, 4, 3), 0.7), family="shape")
    yield Case("one feature in the values", call(*given(5, 2, 1), 1.5), family="shape")
    # Quarters, so that dot products are exact in float32 and the two best keys differ by half a unit, or not at all.
    query = torch.tensor([1.0, -2.0, 0.5])
    keys = torch.tensor([[0.5, 0.25, 1.0], [2.0, -1.0, 0.5], [1.5, -1.0, 0.5], [-3.0, 2.0, 1.0], [1.0, 0.5, -1.0]])
    yield Case("towards 0 it is a dictionary", call(query, keys, rand.normal(5, 6), 1e-4), public=True)
    # Not colder: near 4,000 a logarithm of the sum is off by 2e-4 in float32.
    yield Case("two best keys share", call(query, keys[[0, 1, 1, 3]], rand.normal(4, 5), 1e-2))
    query, keys = torch.tensor([1.0, 0.5]), torch.tensor([[2.0, 0.5], [2.25, -0.001953125], [1.0, 1.0]])
    close = call(query, keys, rand.normal(3, 4), 1e-3)
    yield Case("a thousandth of a degree apart, and the temperature a thousandth", close, dtype="float64")
    yield Case("towards infinity it is a mean", call(*given(6, 3, 5), 1e6), family="normalization")
    for temperature in (0.0, -1.0):
        refused = call(*given(3, 2, 4), temperature)
        yield Case(f"temperature {temperature:g}", refused, family="interface", raises="ValueError")
    yield from standard(lambda: call(*given(5, 6, 4), 0.8), dtypes=("float64", "bfloat16"))


def soft_lookup(query, keys, values, temperature):
    """The oracle: key by key, by logarithms."""
    if temperature <= 0:
        raise ValueError
    scores = torch.stack([(key * query).sum() / temperature for key in keys])
    logs = scores - torch.logsumexp(scores, dim=0)
    return sum(log.exp() * value for log, value in zip(logs, values, strict=True))


DOT = "keys @ query"
SCORES = f"{DOT} / temperature"
SOFTMAX = "torch.softmax(scores, dim=0)"
OUTPUT = "weights @ values"
ENTRY_BY_ENTRY = (OUTPUT, "(weights * values).sum(dim=0)")
CHECK = "if not temperature > 0:"
PRODUCTS = "keys * query / temperature"
PER_FEATURE = f"torch.softmax({PRODUCTS}, dim=-1)"
JOINED = (".sum(dim=-1)", ".mean(dim=-1)", ".sum(dim=-1) / len(keys)")
QUERY_SOFTENED = "keys @ torch.softmax(query / temperature, dim=0)"
NORM, SQUARES = "(keys - query).norm(dim=-1)", "(keys - query).square().sum(dim=-1)"

mistakes = known(
    temperature_multiplied=replace(SCORES, f"{DOT} * temperature"),
    temperature_ignored=replace(SCORES, DOT),
    temperature_after_softmax=replace((SCORES, DOT), (SOFTMAX, f"{SOFTMAX} / temperature")),
    scaled_as_well=[
        replace(SCORES, f"{SCORES} / query.shape[-1] ** 0.5"),
        replace(SCORES, f"{DOT} / query.shape[-1] ** 0.5"),
        replace(SCORES, f"{DOT} / (temperature * query.shape[-1])"),
    ],
    temperature_rooted=[replace(SCORES, f"{DOT} / temperature**{power}") for power in ("0.5", "2")],
    softmax_over_features=[
        *(replace(SOFTMAX, f"{PER_FEATURE}{joined}") for joined in JOINED),
        *(replace(SOFTMAX, f"torch.softmax({PRODUCTS}, dim=0){joined}") for joined in JOINED[:2]),
        replace(SOFTMAX, "torch.softmax(keys, dim=-1) @ query / temperature"),
        replace((SCORES, QUERY_SOFTENED), (SOFTMAX, "scores")),
        replace(SCORES, QUERY_SOFTENED),
        replace((SOFTMAX, PER_FEATURE), ENTRY_BY_ENTRY),
        replace((SOFTMAX, PER_FEATURE), (OUTPUT, "weights.T @ values")),
        replace((SOFTMAX, "scores"), (OUTPUT, "torch.softmax(weights @ values, dim=-1)")),
        replace(SOFTMAX, "torch.softmax(scores.unsqueeze(-1), dim=-1).squeeze(-1)"),
        replace((SOFTMAX, "torch.softmax(scores[:, None] * values, dim=-1)"), ENTRY_BY_ENTRY),
    ],
    distance_for_dot_product=[
        *(replace(DOT, f"{sign}{distance}") for distance in (NORM, SQUARES) for sign in ("-", "")),
        replace(DOT, f"-{SQUARES} / 2"),
        replace(SCORES, f"-{SQUARES} / (2 * temperature**2)"),
        replace(SCORES, f"1 / ({NORM} + 1e-6) / temperature"),
        replace(DOT, "-(keys - query).abs().sum(dim=-1)"),
        replace(DOT, "torch.nn.functional.cosine_similarity(keys, query[None], dim=-1)"),
    ],
    hard_lookup=[
        replace(OUTPUT, "values[scores.argmax()]"),
        replace(OUTPUT, "values[scores.argmax()] if temperature < 1 else weights @ values"),
        replace(SOFTMAX, "torch.nn.functional.one_hot(scores.argmax(), len(scores)).to(scores.dtype)"),
    ],
    no_softmax=[
        *(replace(SOFTMAX, f"{function}(scores)") for function in ("", "torch.sigmoid", "torch.exp")),
        replace(SOFTMAX, "scores / scores.sum()"),
        replace(SOFTMAX, "torch.log_softmax(scores, dim=0)"),
    ],
    exp_overflow=[
        replace(SOFTMAX, "scores.exp() / scores.exp().sum()"),
        replace(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=0)"),
        replace(SOFTMAX, "scores.exp() / (scores.exp().sum() + 1e-9)"),
    ],
    temperature_padded=[replace(SCORES, f"{DOT} / {it}") for it in ("(temperature + 1e-2)", "max(temperature, 1e-1)")],
    temperature_unchecked=[
        *(replace(CHECK, check) for check in ("if False:", "if temperature < 0:", "if temperature == 0:")),
        replace("raise ValueError(", "raise AssertionError("),
    ],
    keys_for_values=replace(OUTPUT, "weights @ keys"),
    axis_left=[replace(OUTPUT, "weights[None] @ values"), replace(OUTPUT, "weights[:, None] * values")],
    axis_of_one_squeezed=replace(OUTPUT, "(weights[None] @ values).squeeze()"),
    weights_returned=replace(OUTPUT, "weights @ values, weights"),
    # The one that the grader makes changes whatever it is given; a temperature of 1 changes nothing here.
    inputs_changed=[
        replace(f"scores = {SCORES}", f"query /= temperature\n    scores = {DOT}"),
        replace("scores = keys", "keys.mul_(2)\n    scores = keys / 2"),
    ],
    detached_weights=replace(SOFTMAX, f"{SOFTMAX}.detach()"),
)

exercise = Exercise(
    targets=("soft_lookup",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(soft_lookup,),
    forbidden=LIBRARY_ATTENTION,
)
