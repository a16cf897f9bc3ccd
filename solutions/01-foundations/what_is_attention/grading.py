"""How the soft look-up of "What is attention?" is graded."""

from collections.abc import Iterator

import torch

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite


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
    query, keys, values = given(3, 6, 4)
    turned = (query, keys.T.contiguous().T, values.T.contiguous().T)
    yield Case("memory in another order (non-contiguous)", call(*turned, 0.8), family="shape")
    # Quarters, so that dot products are exact in float32 and the two best keys differ by half a unit, or not at all.
    query = torch.tensor([1.0, -2.0, 0.5])
    keys = torch.tensor([[0.5, 0.25, 1.0], [2.0, -1.0, 0.5], [1.5, -1.0, 0.5], [-3.0, 2.0, 1.0], [1.0, 0.5, -1.0]])
    yield Case("towards 0 it is a dictionary", call(query, keys, rand.normal(5, 6), 1e-4), public=True)
    # Not colder: near 4,000 a logarithm of the sum is off by 2e-4 in float32.
    yield Case("two best keys share", call(query, keys[[0, 1, 1, 3]], rand.normal(4, 5), 1e-2))
    query, keys, values = (
        torch.tensor([1.0, 0.5]),
        torch.tensor([[2.0, 0.5], [2.25, -0.001953125], [1.0, 1.0]]),
        rand.normal(3, 4),
    )
    yield Case(
        "a thousandth of a degree apart, and the temperature a thousandth",
        call(query, keys, values, 1e-3),
        dtype="float64",
    )
    yield Case("towards infinity it is a mean", call(*given(6, 3, 5), 1e6), family="normalization")
    for temperature in (0.0, -1.0):
        yield Case(
            f"temperature {temperature:g}", call(*given(3, 2, 4), temperature), family="interface", raises="ValueError"
        )
    yield Case("float64", call(*given(4, 3, 5), 0.5), family="dtype", dtype="float64")
    yield Case("bfloat16", call(*given(5, 3, 4), 2.0), family="dtype", dtype="bfloat16")


def soft_lookup(query, keys, values, temperature):
    """The oracle: key by key, by logarithms."""
    if temperature <= 0:
        raise ValueError
    scores = torch.stack([(key * query).sum() / temperature for key in keys])
    logs = scores - torch.logsumexp(scores, dim=0)
    return sum(log.exp() * value for log, value in zip(logs, values, strict=True))


def library(query, keys, values, temperature):
    if not temperature > 0:
        raise ValueError
    attention = torch.nn.functional.scaled_dot_product_attention
    return attention(query[None], keys, values, scale=1 / temperature)[0]


DOT = "keys @ query"
SCORES = f"{DOT} / temperature"
SOFTMAX = "torch.softmax(scores, dim=0)"
OUTPUT = "return weights @ values"
CHECK = "if not temperature > 0:"
PER_FEATURE = "torch.softmax(keys * query / temperature, dim=-1)"

mistakes = known(
    temperature_multiplied=replace(SCORES, f"{DOT} * temperature"),
    temperature_ignored=replace(SCORES, DOT),
    temperature_after_softmax=replace((SCORES, DOT), (SOFTMAX, f"{SOFTMAX} / temperature")),
    scaled_as_well=[
        replace(SCORES, f"{DOT} / temperature / query.shape[-1] ** 0.5"),
        replace(SCORES, f"{DOT} / query.shape[-1] ** 0.5"),
        replace(SCORES, f"{DOT} / (temperature * query.shape[-1])"),
    ],
    temperature_rooted=[replace(SCORES, f"{DOT} / temperature**0.5"), replace(SCORES, f"{DOT} / temperature**2")],
    softmax_over_features=[
        replace(SOFTMAX, f"{PER_FEATURE}.sum(dim=-1)"),
        replace(SOFTMAX, f"{PER_FEATURE}.mean(dim=-1)"),
        replace(SOFTMAX, "torch.softmax(keys, dim=-1) @ query / temperature"),
        replace(SOFTMAX, "torch.softmax(keys * query / temperature, dim=0).mean(dim=-1)"),
        replace(SOFTMAX, "torch.softmax(keys * query / temperature, dim=0).sum(dim=-1)"),
        replace(SOFTMAX, f"{PER_FEATURE}.sum(dim=-1) / len(keys)"),
        replace((SCORES, "keys @ torch.softmax(query / temperature, dim=0)"), (SOFTMAX, "scores")),
        replace(SCORES, "keys @ torch.softmax(query / temperature, dim=0)"),
        replace((SOFTMAX, PER_FEATURE), (OUTPUT, "return (weights * values).sum(dim=0)")),
        replace((SOFTMAX, PER_FEATURE), (OUTPUT, "return weights.T @ values")),
        replace((SOFTMAX, "scores"), (OUTPUT, "return torch.softmax(weights @ values, dim=-1)")),
        replace(SOFTMAX, "torch.softmax(scores.unsqueeze(-1), dim=-1).squeeze(-1)"),
        replace(
            (SOFTMAX, "torch.softmax(scores[:, None] * values, dim=-1)"),
            (OUTPUT, "return (weights * values).sum(dim=0)"),
        ),
    ],
    distance_for_dot_product=[
        replace(DOT, "-(keys - query).norm(dim=-1)"),
        replace(DOT, "-(keys - query).square().sum(dim=-1)"),
        replace(DOT, "-(keys - query).square().sum(dim=-1) / 2"),
        replace(SCORES, "-(keys - query).square().sum(dim=-1) / (2 * temperature**2)"),
        replace(SCORES, "1 / ((keys - query).norm(dim=-1) + 1e-6) / temperature"),
        replace(DOT, "(keys - query).norm(dim=-1)"),
        replace(DOT, "(keys - query).square().sum(dim=-1)"),
        replace(DOT, "-(keys - query).abs().sum(dim=-1)"),
        replace(DOT, "torch.nn.functional.cosine_similarity(keys, query[None], dim=-1)"),
    ],
    hard_lookup=[
        replace(OUTPUT, "return values[scores.argmax()]"),
        replace(OUTPUT, "return values[scores.argmax()] if temperature < 1 else weights @ values"),
        replace(SOFTMAX, "torch.nn.functional.one_hot(scores.argmax(), len(scores)).to(scores.dtype)"),
    ],
    no_softmax=[
        replace(SOFTMAX, "scores"),
        replace(SOFTMAX, "torch.sigmoid(scores)"),
        replace(SOFTMAX, "scores / scores.sum()"),
        replace(SOFTMAX, "torch.log_softmax(scores, dim=0)"),
        replace(SOFTMAX, "scores.exp()"),
    ],
    exp_overflow=[
        replace(SOFTMAX, "scores.exp() / scores.exp().sum()"),
        replace(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=0)"),
        replace(SOFTMAX, "scores.exp() / (scores.exp().sum() + 1e-9)"),
    ],
    temperature_padded=[
        replace(SCORES, f"{DOT} / (temperature + 1e-2)"),
        replace(SCORES, f"{DOT} / max(temperature, 1e-1)"),
    ],
    temperature_unchecked=[
        replace(CHECK, "if False:"),
        replace(CHECK, "if temperature < 0:"),
        replace(CHECK, "if temperature == 0:"),
        replace("raise ValueError(", "raise AssertionError("),
    ],
    keys_for_values=replace(OUTPUT, "return weights @ keys"),
    axis_left=[replace(OUTPUT, "return weights[None] @ values"), replace(OUTPUT, "return weights[:, None] * values")],
    axis_of_one_squeezed=replace(OUTPUT, "return (weights[None] @ values).squeeze()"),
    weights_returned=replace(OUTPUT, "return weights @ values, weights"),
    returns_float32=[
        replace((SCORES, "keys.float() @ query.float() / temperature"), (OUTPUT, "return weights @ values.float()")),
        replace(OUTPUT, "return (weights @ values).float()"),
    ],
    inputs_changed=[
        replace(f"scores = {SCORES}", f"query /= temperature\n    scores = {DOT}"),
        replace("scores = keys", "keys.mul_(2)\n    scores = keys / 2"),
    ],
    detached_weights=[replace(SOFTMAX, f"{SOFTMAX}.detach()"), replace(OUTPUT, "return (weights @ values).detach()")],
    library_called=rewrite(library),
)

exercise = Exercise(
    targets=("soft_lookup",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(soft_lookup,),
    forbidden=LIBRARY_ATTENTION,
)
