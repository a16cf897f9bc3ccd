"""How the variants of attention scores are graded."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def weights(kind: str, d_q: int, d_k: int, a: int) -> dict[str, torch.Tensor]:
        if kind == "general":
            return {"W": rand.normal(d_q, d_k)}
        if kind == "additive":
            return {"W_q": rand.normal(a, d_q, std=0.5), "W_k": rand.normal(a, d_k, std=0.5), "w": rand.normal(a)}
        return {}

    def score(reason, kind, *batch, L=3, S=5, d_q=4, d_k=6, a=7, **more):  # type: ignore[no-untyped-def]
        d_k = d_q if "dot" in kind else d_k
        inputs = (rand.normal(*batch, L, d_q), rand.normal(*batch, S, d_k), kind)
        return Case(reason, call(*inputs, **weights(kind, d_q, d_k, a)), **more)

    def refused(reason, kind, given):  # type: ignore[no-untyped-def]
        inputs = (rand.normal(2, 4), rand.normal(3, 4), kind)
        return Case(reason, call(*inputs, **given), family="interface", raises="ValueError")

    yield score("dot", "dot", 2, gradients=True, twice=True, public=True)
    yield score("scaled dot", "scaled_dot", 2, gradients=True, public=True)
    yield score("general: queries and keys of different sizes", "general", 2, gradients=True, twice=True, public=True)
    yield score("general: a square W", "general", 2, L=4, S=3, d_q=5, d_k=5)
    yield score("additive: every size different", "additive", 2, gradients=True, twice=True, public=True)
    yield score("additive: many sizes equal", "additive", 4, L=4, S=4, d_q=4, d_k=4, a=4)
    yield score("dot: no leading axes", "dot", L=2, S=4, d_q=3)
    yield score("scaled dot: two leading axes, another size", "scaled_dot", 2, 3, L=4, S=2, d_q=20)
    yield score("general: no leading axes", "general", L=2, S=4)
    yield score("additive: two leading axes, one query", "additive", 2, 3, L=1, S=4, d_q=5, d_k=2, a=3)
    yield score("additive: no leading axes, one hidden unit", "additive", L=2, S=3, d_q=5, d_k=4, a=1)
    every = {**weights("general", 5, 5, 2), **weights("additive", 5, 5, 2)}
    yield Case("weights of other kinds are ignored", call(rand.normal(3, 5), rand.normal(4, 5), "scaled_dot", **every))
    yield refused("an unknown kind", "cosine", {})
    yield refused("general without W", "general", {})
    given = weights("additive", 4, 4, 3)
    for missing in given:
        yield refused(
            f"additive without {missing}", "additive", {name: given[name] for name in given if name != missing}
        )
    yield score("float64, additive", "additive", 2, dtype="float64", family="dtype")
    yield score("bfloat16, scaled dot", "scaled_dot", 2, dtype="bfloat16", family="dtype")
    yield score("bfloat16, general", "general", 4, L=2, S=3, d_q=3, d_k=5, dtype="bfloat16", family="dtype")
    yield score("bfloat16, additive", "additive", 4, L=2, S=3, d_q=3, d_k=5, a=2, dtype="bfloat16", family="dtype")


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


SCALED = "q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5"
GENERAL = "q @ W @ k.transpose(-2, -1)"
HIDDEN = "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)"
ADDITIVE = "torch.tanh(hidden) @ w"
NEEDS_W = "if W is None:"
NEEDS_ALL = "if W_q is None or W_k is None or w is None:"
UNKNOWN = 'raise ValueError(f"unknown kind {kind!r}")'

mistakes = known(
    scaled_dot_unscaled=replace(SCALED, "q @ k.transpose(-2, -1)"),
    scaled_dot_by_d=replace(SCALED, "q @ k.transpose(-2, -1) / k.shape[-1]"),
    scale_inverted=replace(SCALED, "q @ k.transpose(-2, -1) * k.shape[-1] ** 0.5"),
    scale_by_length=[
        replace(SCALED, "q @ k.transpose(-2, -1) * k.shape[-2] ** -0.5"),
        replace(SCALED, "q @ k.transpose(-2, -1) * q.shape[-2] ** -0.5"),
    ],
    all_scaled=[
        replace((SCALED, "q @ k.transpose(-2, -1)"), ("q @ k.transpose(-2, -1)", SCALED)),
        replace(GENERAL, f"{GENERAL} * k.shape[-1] ** -0.5"),
        replace(GENERAL, f"{GENERAL} * q.shape[-1] ** -0.5"),
        replace(ADDITIVE, f"{ADDITIVE} * w.shape[0] ** -0.5"),
        replace(ADDITIVE, f"{ADDITIVE} * k.shape[-1] ** -0.5"),
    ],
    W_transposed=[
        replace(GENERAL, "q @ W.T @ k.transpose(-2, -1)"),
        replace(GENERAL, "(k @ W @ q.transpose(-2, -1)).transpose(-2, -1)"),
    ],
    W_ignored=replace(GENERAL, "q @ k.transpose(-2, -1)"),
    no_tanh=replace(ADDITIVE, "hidden @ w"),
    other_nonlinearity=[
        replace(ADDITIVE, "torch.relu(hidden) @ w"),
        replace(ADDITIVE, "torch.sigmoid(hidden) @ w"),
        replace(ADDITIVE, "torch.nn.functional.gelu(hidden) @ w"),
    ],
    tanh_before_sum=replace(
        ADDITIVE, "(torch.tanh((q @ W_q.T).unsqueeze(-2)) + torch.tanh((k @ W_k.T).unsqueeze(-3))) @ w"
    ),
    tanh_outside=replace(ADDITIVE, "torch.tanh(hidden @ w)"),
    summed_over_wrong_axes=[
        replace(HIDDEN, "(q @ W_q.T).unsqueeze(-3) + (k @ W_k.T).unsqueeze(-2)"),
        replace(HIDDEN, "(q @ W_q.T) + (k @ W_k.T)"),
        replace(HIDDEN, "(q @ W_q.T).sum(-2, keepdim=True).unsqueeze(-2) + (k @ W_k.T).unsqueeze(-3)"),
        replace(HIDDEN, "(q @ W_q.T).unsqueeze(-2) + (k @ W_k.T).sum(-2, keepdim=True).unsqueeze(-3)"),
        replace(ADDITIVE, "torch.tanh(hidden).transpose(-3, -2) @ w"),
    ],
    w_ignored=[replace(ADDITIVE, "torch.tanh(hidden).sum(-1)"), replace(ADDITIVE, "torch.tanh(hidden).mean(-1)")],
    product_for_sum=replace(HIDDEN, HIDDEN.replace("+", "*")),
    one_projection_for_both=[
        replace(HIDDEN, HIDDEN.replace("W_k", "W_q")),
        replace(HIDDEN, HIDDEN.replace("W_q", "W_k")),
        replace(HIDDEN, HIDDEN.replace("W_q", "X").replace("W_k", "W_q").replace("X", "W_k")),
    ],
    projections_transposed=replace(HIDDEN, HIDDEN.replace(".T", "")),
    softmax_applied=replace(
        ("return q @", "return torch.softmax(q @"),
        ("k.transpose(-2, -1)\n", "k.transpose(-2, -1), dim=-1)\n"),
        ("** -0.5\n", "** -0.5, dim=-1)\n"),
        (f"return {ADDITIVE}", f"return torch.softmax({ADDITIVE}, dim=-1)"),
    ),
    scores_transposed=replace("return q @ k.transpose(-2, -1)", "return k @ q.transpose(-2, -1)"),
    unknown_kind_accepted=[
        replace(UNKNOWN, "return None"),
        replace(UNKNOWN, "return q @ k.transpose(-2, -1)"),
        replace(UNKNOWN, "raise KeyError(kind)"),
        replace(UNKNOWN, "raise NotImplementedError(kind)"),
    ],
    missing_weight_accepted=[
        replace((NEEDS_W, "if False:"), (NEEDS_ALL, "if False:")),
        replace(NEEDS_W, "if False:"),
        replace(NEEDS_ALL, "if False:"),
        replace(NEEDS_ALL, "if W_q is None and W_k is None and w is None:"),
        replace(NEEDS_ALL, "if W_q is None or W_k is None:"),
        replace(
            (NEEDS_ALL, "if False:"),
            (ADDITIVE, "torch.tanh(hidden) @ (w if w is not None else torch.ones(hidden.shape[-1]))"),
        ),
        replace(NEEDS_W, "if W is None:\n            return q @ k.transpose(-2, -1)\n        if False:"),
    ],
    returns_float32=[
        replace(SCALED, f"({SCALED}).float()"),
        replace((f"return {GENERAL}", f"return ({GENERAL}).float()"), (ADDITIVE, f"({ADDITIVE}).float()")),
        replace(ADDITIVE, f"({ADDITIVE}).float()"),
    ],
    inputs_changed=[
        replace(SCALED, "q.data.mul_(k.shape[-1] ** -0.5) @ k.transpose(-2, -1)"),
        replace(SCALED, "q.mul_(k.shape[-1] ** -0.5) @ k.transpose(-2, -1)"),
    ],
    weights_detached=[
        replace(GENERAL, "q @ W.detach() @ k.transpose(-2, -1)"),
        replace(ADDITIVE, "torch.tanh(hidden) @ w.detach()"),
    ],
)

exercise = Exercise(
    targets=("attention_scores",), outputs=("scores",), cases=cases, mistakes=mistakes, oracles=(attention_scores,)
)
