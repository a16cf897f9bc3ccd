"""How the soft look-up of "What is attention?" is graded."""

from collections.abc import Iterator

import shared
import torch

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Random, edit, mistake, rewrite


def cases(rand: Random) -> Iterator[Case]:
    def given(S: int, d: int, d_v: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return rand.normal(d), rand.normal(S, d), rand.normal(S, d_v)

    yield Case("temperature 1", (*given(5, 3, 4), 1.0), gradients=True, twice=True, public=True)
    yield Case("longer vectors: no scale but the temperature", (*given(6, 16, 2), 1.0), family="scaling")
    yield Case("a lower temperature", (*given(6, 4, 3), 0.4), family="scaling", public=True)
    yield Case("a higher temperature", (*given(4, 6, 5), 2.5), family="scaling", gradients=True)
    yield Case("given by name, a whole number", given(7, 5, 2), {"temperature": 2})
    yield Case("one key", (*given(1, 4, 3), 0.7), family="shape")
    yield Case("one feature in the values", (*given(5, 2, 1), 1.5), family="shape")
    query, keys, values = given(3, 6, 4)
    turned = (query, keys.T.contiguous().T, values.T.contiguous().T)
    yield Case("memory in another order (non-contiguous)", (*turned, 0.8), family="shape")
    # Quarters, so that dot products are exact in float32 and the two best keys differ by half a unit, or not at all.
    query = torch.tensor([1.0, -2.0, 0.5])
    keys = torch.tensor([[0.5, 0.25, 1.0], [2.0, -1.0, 0.5], [1.5, -1.0, 0.5], [-3.0, 2.0, 1.0], [1.0, 0.5, -1.0]])
    yield Case("towards 0 it is a dictionary", (query, keys, rand.normal(5, 6), 1e-4), public=True)
    # Not colder: near 4,000 a logarithm of the sum is off by 2e-4 in float32.
    yield Case("two best keys share", (query, keys[[0, 1, 1, 3]], rand.normal(4, 5), 1e-2))
    query, keys, values = torch.tensor([1.0, 0.5]), torch.tensor([[2.0, 0.5], [2.25, -0.001953125], [1.0, 1.0]]), rand.normal(3, 4)
    yield Case("a thousandth of a degree apart, and the temperature a thousandth", (query, keys, values, 1e-3), dtype="float64")
    yield Case("towards infinity it is a mean", (*given(6, 3, 5), 1e6), family="normalization")
    for temperature in (0.0, -1.0):
        yield Case(
            f"temperature {temperature:g}", (*given(3, 2, 4), temperature), raises="ValueError", family="interface"
        )
    yield Case("float64", (*given(4, 3, 5), 0.5), dtype="float64", family="dtype")
    yield Case("bfloat16", (*given(5, 3, 4), 2.0), dtype="bfloat16", family="dtype")


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

mistakes = (
    mistake(
        "temperature-multiplied",
        "scaling",
        edit(SCORES, f"{DOT} * temperature"),
        en="The dot products are multiplied by the temperature; divide by it, so that a low temperature makes the look-up hard.",
        zh="点积乘以了温度；应当除以它，温度低时查找才会变硬。",
    ),
    mistake(
        "temperature-ignored",
        "scaling",
        edit(SCORES, DOT),
        en="The temperature has no effect: divide the dot products by it, before the softmax.",
        zh="温度没有起作用：请在 softmax 之前把点积除以温度。",
    ),
    mistake(
        "temperature-after-softmax",
        "scaling",
        edit((SCORES, DOT), (SOFTMAX, f"{SOFTMAX} / temperature")),
        en="The temperature divides the weights, which no longer sum to 1: divide the dot products, before the softmax.",
        zh="温度除在了权重上，权重之和不再为 1：应当在 softmax 之前除点积。",
    ),
    mistake(
        "scaled-as-well",
        "scaling",
        edit(SCORES, f"{DOT} / temperature / query.shape[-1] ** 0.5"),
        edit(SCORES, f"{DOT} / query.shape[-1] ** 0.5"),
        edit(SCORES, f"{DOT} / (temperature * query.shape[-1])"),
        en="The dot products are divided by √d (or d) as well: here the temperature is the only scale.",
        zh="点积另外又除以了 √d（或 d）：这里温度是唯一的缩放。",
    ),
    mistake(
        "temperature-rooted",
        "scaling",
        edit(SCORES, f"{DOT} / temperature**0.5"),
        edit(SCORES, f"{DOT} / temperature**2"),
        en="The dot products are divided by a power of the temperature: divide by the temperature itself.",
        zh="点积除以了温度的幂：应当除以温度本身。",
    ),
    mistake(
        "softmax-over-features",
        "normalization",
        edit(SOFTMAX, f"{PER_FEATURE}.sum(dim=-1)"),
        edit(SOFTMAX, f"{PER_FEATURE}.mean(dim=-1)"),
        edit(SOFTMAX, "torch.softmax(keys, dim=-1) @ query / temperature"),
        edit(SOFTMAX, "torch.softmax(keys * query / temperature, dim=0).mean(dim=-1)"),
        edit(SOFTMAX, "torch.softmax(keys * query / temperature, dim=0).sum(dim=-1)"),
        edit(SOFTMAX, f"{PER_FEATURE}.sum(dim=-1) / len(keys)"),
        edit((SCORES, "keys @ torch.softmax(query / temperature, dim=0)"), (SOFTMAX, "scores")),
        edit(SCORES, "keys @ torch.softmax(query / temperature, dim=0)"),
        edit((SOFTMAX, PER_FEATURE), (OUTPUT, "return (weights * values).sum(dim=0)")),
        edit((SOFTMAX, PER_FEATURE), (OUTPUT, "return weights.T @ values")),
        edit((SOFTMAX, "scores"), (OUTPUT, "return torch.softmax(weights @ values, dim=-1)")),
        edit(SOFTMAX, "torch.softmax(scores.unsqueeze(-1), dim=-1).squeeze(-1)"),
        edit((SOFTMAX, "torch.softmax(scores[:, None] * values, dim=-1)"), (OUTPUT, "return (weights * values).sum(dim=0)")),
        en="Your softmax runs over features: there is one score a key, and the softmax runs over the keys, so that their weights "
        "sum to 1.",
        zh="softmax 沿特征做了：每个键有一个打分，softmax 应当沿键做，使各键的权重之和为 1。",
    ),
    mistake(
        "distance-for-dot-product",
        "numerics",
        edit(DOT, "-(keys - query).norm(dim=-1)"),
        edit(DOT, "-(keys - query).square().sum(dim=-1)"),
        edit(DOT, "-(keys - query).square().sum(dim=-1) / 2"),
        edit(SCORES, "-(keys - query).square().sum(dim=-1) / (2 * temperature**2)"),
        edit(SCORES, "1 / ((keys - query).norm(dim=-1) + 1e-6) / temperature"),
        edit(DOT, "(keys - query).norm(dim=-1)"),
        edit(DOT, "(keys - query).square().sum(dim=-1)"),
        edit(DOT, "-(keys - query).abs().sum(dim=-1)"),
        edit(DOT, "torch.nn.functional.cosine_similarity(keys, query[None], dim=-1)"),
        en="Keys are compared with the query by a distance (or an angle), not by the dot product: long keys then get other weights.",
        zh="键与查询是按距离（或夹角）而不是按点积比较的：这样长的键得到的权重就不同了。",
    ),
    mistake(
        "hard-lookup",
        "numerics",
        edit(OUTPUT, "return values[scores.argmax()]"),
        edit(OUTPUT, "return values[scores.argmax()] if temperature < 1 else weights @ values"),
        edit(SOFTMAX, "torch.nn.functional.one_hot(scores.argmax(), len(scores)).to(scores.dtype)"),
        en="You return the value of the best key alone: the look-up is soft, a mean of all values weighted by the softmax.",
        zh="你只返回了最匹配的键的值：这里的查找是软的，应当是所有值按 softmax 加权的平均。",
    ),
    mistake(
        "no-softmax",
        "normalization",
        edit(SOFTMAX, "scores"),
        edit(SOFTMAX, "torch.sigmoid(scores)"),
        edit(SOFTMAX, "scores / scores.sum()"),
        edit(SOFTMAX, "torch.log_softmax(scores, dim=0)"),
        edit(SOFTMAX, "scores.exp()"),
        en="There is no softmax over the keys: the weights have to be exponentials of the scores, divided by their sum.",
        zh="没有沿键做 softmax：权重应当是打分的指数除以它们的和。",
    ),
    mistake(
        "exp-overflow",
        "numerics",
        edit(SOFTMAX, "scores.exp() / scores.exp().sum()"),
        edit(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=0)"),
        edit(SOFTMAX, "scores.exp() / (scores.exp().sum() + 1e-9)"),
        en="At a low temperature the exponential overflows: subtract the largest score first, as torch.softmax does.",
        zh="温度很低时指数会溢出：请先减去最大的打分，torch.softmax 就是这样做的。",
    ),
    mistake(
        "temperature-padded",
        "numerics",
        edit(SCORES, f"{DOT} / (temperature + 1e-2)"),
        edit(SCORES, f"{DOT} / max(temperature, 1e-1)"),
        en="Small temperatures are not used as they are (something is added, or they are clamped from below).",
        zh="很小的温度没有原样使用（加了一个数，或设了下限）。",
    ),
    mistake(
        "temperature-unchecked",
        "interface",
        edit(CHECK, "if False:"),
        edit(CHECK, "if temperature < 0:"),
        edit(CHECK, "if temperature == 0:"),
        edit("raise ValueError(", "raise AssertionError("),
        en="A temperature of 0 or below raises ValueError: 0 divides by zero, and a negative one prefers the worst match.",
        zh="温度小于等于 0 时应当抛出 ValueError：0 会除以零，负数则偏爱最不匹配的键。",
    ),
    mistake(
        "keys-for-values",
        "numerics",
        edit(OUTPUT, "return weights @ keys"),
        en="Your output is a mean of keys: the weights come from the keys, but what is averaged are the values.",
        zh="输出是键的加权平均：权重来自键，而求平均的应当是值。",
    ),
    mistake(
        "axis-left",
        "shape",
        edit(OUTPUT, "return weights[None] @ values"),
        edit(OUTPUT, "return weights[:, None] * values"),
        en="An axis too many is left: one query gives one vector, of shape (d_v,).",
        zh="多留了一个维度：一个查询得到一个向量，形状为 (d_v,)。",
    ),
    mistake(
        "axis-of-one-squeezed",
        "shape",
        edit(OUTPUT, "return (weights[None] @ values).squeeze()"),
        en="A bare squeeze() removes the axis of the features too, when there is only one: name the axis, squeeze(0).",
        zh="只有一个特征时，不带参数的 squeeze() 会把特征维也去掉：请指明维度 squeeze(0)。",
    ),
    mistake(
        "weights-returned",
        "interface",
        edit(OUTPUT, "return weights @ values, weights"),
        en="Only the output comes back here, without the weights.",
        zh="这里只返回输出，不返回权重。",
    ),
    shared.returns_float32(
        edit((SCORES, "keys.float() @ query.float() / temperature"), (OUTPUT, "return weights @ values.float()")),
        edit(OUTPUT, "return (weights @ values).float()"),
    ),
    shared.inputs_changed(
        edit(f"scores = {SCORES}", f"query /= temperature\n    scores = {DOT}"),
        edit("scores = keys", "keys.mul_(2)\n    scores = keys / 2"),
    ),
    shared.detached(edit(SOFTMAX, f"{SOFTMAX}.detach()"), edit(OUTPUT, "return (weights @ values).detach()")),
    shared.library_called(rewrite(library)),
)

exercise = Exercise(
    targets=("soft_lookup",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(soft_lookup,),
    forbidden=LIBRARY_ATTENTION,
)
