"""How the variants of attention scores are graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def weights(kind: str, d_q: int, d_k: int, a: int) -> dict[str, torch.Tensor]:
        if kind == "general":
            return {"W": rand.normal(d_q, d_k)}
        if kind == "additive":
            return {"W_q": rand.normal(a, d_q, std=0.5), "W_k": rand.normal(a, d_k, std=0.5), "w": rand.normal(a)}
        return {}

    def scored(kind: str, *batch: int, L: int = 3, S: int = 5, d_q: int = 4, d_k: int = 6, a: int = 7) -> Any:
        d_k = d_q if "dot" in kind else d_k
        return call(rand.normal(*batch, L, d_q), rand.normal(*batch, S, d_k), kind, **weights(kind, d_q, d_k, a))

    def shown(reason: str, kind: str) -> Case:
        return Case(reason, scored(kind, 2), gradients=True, twice=True, public=True)

    def refused(reason: str, kind: str, **given: Any) -> Case:
        return Case(reason, call(rand.normal(2, 4), rand.normal(3, 4), kind, **given), "interface", raises="ValueError")

    yield shown("dot", "dot")
    yield shown("scaled dot", "scaled_dot")
    yield shown("general: queries and keys of different sizes", "general")
    yield Case("general: a square W", scored("general", 2, L=4, S=3, d_q=5, d_k=5))
    yield shown("additive: every size different", "additive")
    yield Case("additive: many sizes equal", scored("additive", 4, L=4, S=4, d_q=4, d_k=4, a=4))
    yield Case("dot: no leading axes", scored("dot", L=2, S=4, d_q=3))
    yield Case("scaled dot: two leading axes, another size", scored("scaled_dot", 2, 3, L=4, S=2, d_q=20))
    yield Case("general: no leading axes", scored("general", L=2, S=4))
    yield Case("additive: two leading axes, one query", scored("additive", 2, 3, L=1, S=4, d_q=5, d_k=2, a=3))
    yield Case("additive: no leading axes, one hidden unit", scored("additive", L=2, S=3, d_q=5, d_k=4, a=1))
    every = {**weights("general", 5, 5, 2), **weights("additive", 5, 5, 2)}
    yield Case("weights of other kinds are ignored", call(rand.normal(3, 5), rand.normal(4, 5), "scaled_dot", **every))
    yield refused("an unknown kind", "cosine")
    yield refused("an unknown kind, and weights of every kind", "cosine", **weights("general", 4, 4, 3), **weights("additive", 4, 4, 3))
    yield refused("general without W", "general")
    given = weights("additive", 4, 4, 3)
    for missing in given:
        rest = {name: given[name] for name in given if name != missing}
        yield refused(f"additive without {missing}", "additive", **rest)
    yield Case("float64, additive", scored("additive", 2), "dtype", dtype="float64")
    small = {"L": 2, "S": 3, "d_q": 3, "d_k": 5, "a": 2}
    yield Case("bfloat16, scaled dot", scored("scaled_dot", 2), "dtype", dtype="bfloat16")
    yield Case("bfloat16, general", scored("general", 4, **small), "dtype", dtype="bfloat16")
    yield Case("bfloat16, additive", scored("additive", 4, **small), "dtype", dtype="bfloat16")


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    """The oracle: one pair of vectors after the other."""
    needed = {"dot": (), "scaled_dot": (), "general": (W,), "additive": (W_q, W_k, w)}
    if kind not in needed or any(weight is None for weight in needed[kind]):
        raise ValueError
    score = {
        "dot": lambda x, y: (x * y).sum(-1),
        "scaled_dot": lambda x, y: (x * y).sum(-1) / x.shape[-1] ** 0.5,
        "general": lambda x, y: torch.einsum("...i,ij,...j->...", x, W, y),
        "additive": lambda x, y: torch.einsum(
            "a,...a->...", w, (torch.nn.functional.linear(x, W_q) + torch.nn.functional.linear(y, W_k)).tanh()
        ),
    }[kind]
    rows = [
        torch.stack([score(q[..., i, :], k[..., j, :]) for j in range(k.shape[-2])], -1) for i in range(q.shape[-2])
    ]
    return torch.stack(rows, -2)


PRODUCT = "q @ k.transpose(-2, -1)"
SCALE = "k.shape[-1] ** -0.5"
SCALED = f"{PRODUCT} * {SCALE}"
GENERAL = "q @ W @ k.transpose(-2, -1)"
HIDDEN = "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)"
ADDITIVE = "torch.tanh(hidden) @ w"
NEEDS_W = "if W is None:"
NEEDS_ALL = "if W_q is None or W_k is None or w is None:"
UNKNOWN = 'raise ValueError(f"unknown kind {kind!r}")'

mistakes = known(
    scaled_dot_unscaled=replace(SCALED, PRODUCT),
    scaled_dot_by_d=replace(SCALED, f"{PRODUCT} / k.shape[-1]"),
    scale_inverted=replace(SCALE, "k.shape[-1] ** 0.5"),
    scale_by_length=instead_of(SCALE, "k.shape[-2] ** -0.5", "q.shape[-2] ** -0.5"),
    all_scaled=[
        replace((SCALED, PRODUCT), (PRODUCT, SCALED)),
        *instead_of(GENERAL, f"{GENERAL} * {SCALE}", f"{GENERAL} * q.shape[-1] ** -0.5"),
        *instead_of(ADDITIVE, f"{ADDITIVE} * w.shape[0] ** -0.5", f"{ADDITIVE} * {SCALE}"),
    ],
    W_transposed=instead_of(
        GENERAL, "q @ W.T @ k.transpose(-2, -1)", "(k @ W @ q.transpose(-2, -1)).transpose(-2, -1)"
    ),
    W_ignored=replace(GENERAL, PRODUCT),
    no_tanh=replace(ADDITIVE, "hidden @ w"),
    other_nonlinearity=instead_of("torch.tanh", "torch.relu", "torch.sigmoid", "torch.nn.functional.gelu"),
    tanh_before_sum=replace(
        ADDITIVE, "(torch.tanh((q @ W_q.T).unsqueeze(-2)) + torch.tanh((k @ W_k.T).unsqueeze(-3))) @ w"
    ),
    tanh_outside=replace(ADDITIVE, "torch.tanh(hidden @ w)"),
    summed_over_wrong_axes=[
        *instead_of(
            HIDDEN,
            "(q @ W_q.T).unsqueeze(-3) + (k @ W_k.T).unsqueeze(-2)",
            "(q @ W_q.T) + (k @ W_k.T)",
            "(q @ W_q.T).sum(-2, keepdim=True).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)",
            "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).sum(-2, keepdim=True).unsqueeze(-3)",
        ),
        replace(ADDITIVE, "torch.tanh(hidden).transpose(-3, -2) @ w"),
    ],
    w_ignored=instead_of(ADDITIVE, "torch.tanh(hidden).sum(-1)", "torch.tanh(hidden).mean(-1)"),
    product_for_sum=replace(HIDDEN, HIDDEN.replace("+", "*")),
    one_projection_for_both=[
        replace("k @ W_k.T", "k @ W_q.T"),
        replace("q @ W_q.T", "q @ W_k.T"),
        replace(("q @ W_q.T", "q @ W_k.T"), ("k @ W_k.T", "k @ W_q.T")),
    ],
    projections_transposed=replace(HIDDEN, HIDDEN.replace(".T", "")),
    softmax_applied=replace(
        ("return q @", "return torch.softmax(q @"),
        ("k.transpose(-2, -1)\n", "k.transpose(-2, -1), dim=-1)\n"),
        ("** -0.5\n", "** -0.5, dim=-1)\n"),
        (f"return {ADDITIVE}", f"return torch.softmax({ADDITIVE}, dim=-1)"),
    ),
    scores_transposed=replace(f"return {PRODUCT}", "return k @ q.transpose(-2, -1)"),
    unknown_kind_accepted=instead_of(
        UNKNOWN, "return None", f"return {PRODUCT}", "raise KeyError(kind)", "raise NotImplementedError(kind)"
    ),
    missing_weight_accepted=[
        replace((NEEDS_W, "if False:"), (NEEDS_ALL, "if False:")),
        replace(NEEDS_W, "if False:"),
        *instead_of(
            NEEDS_ALL, "if False:", "if W_q is None and W_k is None and w is None:", "if W_q is None or W_k is None:"
        ),
        replace(
            (NEEDS_ALL, "if False:"),
            (ADDITIVE, "torch.tanh(hidden) @ (w if w is not None else torch.ones(hidden.shape[-1]))"),
        ),
        replace(NEEDS_W, f"if W is None:\n            return {PRODUCT}\n        if False:"),
    ],
    returns_float32=[
        replace(SCALED, f"({SCALED}).float()"),
        replace((GENERAL, f"({GENERAL}).float()"), (ADDITIVE, f"({ADDITIVE}).float()")),
        replace(ADDITIVE, f"({ADDITIVE}).float()"),
    ],
    inputs_changed=instead_of(
        SCALED, f"q.data.mul_({SCALE}) @ k.transpose(-2, -1)", f"q.mul_({SCALE}) @ k.transpose(-2, -1)"
    ),
    weights_detached=[
        replace(GENERAL, "q @ W.detach() @ k.transpose(-2, -1)"),
        replace(ADDITIVE, "torch.tanh(hidden) @ w.detach()"),
    ],
)

exercise = Exercise(
    targets=("attention_scores",), outputs=("scores",), cases=cases, mistakes=mistakes, oracles=(attention_scores,)
)
