"""What the gradings of several exercises share: masks, hard inputs, and the sentences of common mistakes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.authoring import Case, Inputs, Text, built, replace


def causal(L: int, S: int | None = None) -> Tensor:
    """(L, S), True where query i may see key j: ``j <= i + S - L``."""
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool).tril(S - L)


def rows_empty(L: int, S: int, rows: list[int]) -> Tensor:
    """(L, S), all True but for the given rows, which may see nothing."""
    mask = torch.ones(L, S, dtype=torch.bool)
    mask[rows] = False
    return mask


def huge_scores(rand: Inputs, *batch: int, L: int, S: int, d: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key, value whose dot products lie near ±10,000·√d and are exact in float32; ``d`` is a power of four.

    The exponential of such a score overflows. The best keys of a query differ by a few units after scaling, so that
    weights are neither uniform nor one-hot, and come out the same in whatever order one computes. The last query has
    scores of a few units only: the largest score of all is not the one to subtract from its own.
    """
    root = int(d**0.5)
    query, key = torch.zeros(*batch, L, d), torch.zeros(*batch, S, d)
    query[..., :-1, 0] = 128.0 * root
    query[..., 1] = rand.integers(1, 3, *batch, L).float() * root
    key[..., 0] = torch.where(rand.uniform(*batch, S) < 0.7, 80.0, -80.0)
    key[..., 0, 0] = 80.0
    key[..., 1] = rand.integers(-1, 2, *batch, S).float() / 2
    return query, key, rand.normal(*batch, S, d_v)


def scores_far_below(rand: Inputs, *batch: int, L: int, S: int, d: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
    """As `huge_scores`, but that every score is near −10,000·√d: what is hidden must be lower than that."""
    query, key, value = huge_scores(rand, *batch, L=L, S=S, d=d, d_v=d_v)
    query[..., 0] = 128.0 * int(d**0.5)
    key[..., 0] = -80.0
    return query, key, value


def layers_named(*init: Any, **init_kwargs: Any) -> Case:
    """A module's ``state_dict`` has the names and shapes of the reference's: put it first, as nothing else can load."""
    arguments = ", ".join([*map(str, init), *(f"{name}={value}" for name, value in init_kwargs.items())])
    return Case(
        f"layers by the names asked for, built with ({arguments})",
        built(*init, **init_kwargs).as_initialised()(),
        family="state",
        probe=state_shapes,
        fault=state_differs,
    )


TURNS = (False, True, False, True, False, True)


def through_modes(module, *inputs):  # type: ignore[no-untyped-def]
    """Two calls in each of the modes that one module is taken through, and two in training without gradients."""

    def two_calls(training):  # type: ignore[no-untyped-def]
        module.train(training)
        return [module(*(x.clone() for x in inputs)) for _ in range(2)]

    found = [two_calls(training) for training in TURNS]
    with torch.no_grad():
        return [*found, two_calls(True)]


def follows_the_mode(value, *inputs):  # type: ignore[no-untyped-def]
    """Of `through_modes`: does the mode decide alone whether something is dropped?"""
    *drops, without_gradients = [not torch.equal(first, second) for first, second in value]
    return {
        "dropping follows the mode, whatever it was before": drops == list(TURNS),
        "and so it does under no_grad": without_gradients,
    }


def state_shapes(module):  # type: ignore[no-untyped-def]
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def state_differs(value: Any, expected: Any) -> Text | None:
    """What is missing from a state_dict, what is too much, and what has another shape."""
    missing = ", ".join(name for name in expected if name not in value)
    extra = ", ".join(sorted(name for name in value if name not in expected))
    other = ", ".join(name for name in expected if name in value and list(value[name]) != list(expected[name]))
    wrong = [
        (missing, "lacks", "缺少"),
        (extra, "has, in excess,", "多出了"),
        (other, "has another shape for", "形状不对："),
    ]
    if not any(names for names, _, _ in wrong):
        return None
    en = "; ".join(f"{verb} {names}" for names, verb, _ in wrong if names)
    zh = "；".join(f"{verb} {names}" for names, _, verb in wrong if names)
    return Text(f"The module's state_dict {en}.", f"模块的 state_dict {zh}。")


def another_scale(value: Any, expected: Tensor) -> Text | None:
    """Judges weights (..., 4), and finds one thing alone: scores that are multiplied by another number than 1/√d.

    Whatever else is wrong, or not a tensor at all, passes: it shows in the plain cases, which explain it better.
    """
    if not isinstance(value, Tensor) or value.shape != expected.shape or not bool((value > 0).all()):
        return None
    mine, right = (weights.double().unflatten(-1, (-1, 4)).log() for weights in (value, expected))
    mine, right = (logs - logs.mean(dim=-1, keepdim=True) for logs in (mine, right))
    factor = float((mine * right).sum() / (right * right).sum())
    if abs(factor - 1) < 1e-2 or float((mine - factor * right).abs().max()) > 1e-2 * float(mine.abs().max()):
        return None
    return Text(
        "The scores are multiplied by a number other than 1/√d, d being the size of the vectors that are dotted.",
        "得分所乘的数不是 1/√d，其中 d 是做点积的向量的维度。",
    )


def softmax_by_fixed_axis(old: str, scores: str, patched: str = "") -> dict[str, Any]:
    """A softmax along an axis counted from the front, or along none, in place of ``old``, the softmax of ``scores``."""

    def along(axis: str) -> Any:
        return replace(old, f"torch.softmax({scores}, dim={axis}){patched}")

    return {
        "softmax_without_axis": along(f"0 if {scores}.dim() in (0, 1, 3) else 1"),
        "softmax_over_first_axis": along("0"),
        "softmax_over_second_axis": along("1"),
    }


def itself(value):  # type: ignore[no-untyped-def]
    return value


def without_gradients(module, *inputs):  # type: ignore[no-untyped-def]
    """What a module answers as it is used after training: in ``eval()``, and with nothing recorded.

    There ``nn.MultiheadAttention`` takes another path, which may answer otherwise.
    """
    import torch

    with torch.no_grad():
        return module.eval()(*inputs)


def together_or_alone(*edits: tuple[str, str]) -> list[Any]:
    """A mistake made in several places of the reference at once, and in each of them alone."""
    return [replace(*edits), *(replace(edit) for edit in edits)]


def instead_of(old: str, *others: str) -> list[Any]:
    """A mistake made in several ways: each of the others in place of a piece of the reference."""
    return [replace(old, other) for other in others]


def words(rand: Inputs, vocab: int, rows: list[str], pad_id: int = 0) -> Tensor:
    """Tokens, a row for each string: ``w`` is a word, anything else is padding, as in ``["www", "w.."]``."""
    drawn = rand.integers(1, vocab, len(rows), len(rows[0]))
    is_word = torch.tensor([[letter == "w" for letter in row] for row in rows])
    return drawn.where(drawn != pad_id, 0).where(is_word, pad_id)


def loud(module: Any, *tokens: Tensor) -> Any:
    """What a model answers where scores are in the hundreds: its words are embedded forty times as large."""
    with torch.no_grad():
        for name, layer in module.named_modules():
            if name.endswith("embedding"):
                layer.weight.mul_(40.0)
    return module(*tokens)


def wrong_causal_masks(tokens: str) -> dict[str, Any]:
    """For ``nn.MultiheadAttention``, whose mask ``future`` (T, T) is made on the device of these tokens."""
    square = f"torch.ones(T, T, dtype=torch.bool, device={tokens}.device)"
    given, right = "attn_mask=future", f"{square}.triu(1)"
    past, later, cast = "torch.ones(T, T).tril()", "torch.ones(T, T).triu(1)", ".to(self.head.weight)"
    # Without the weights PyTorch takes another path, on which a row that sees nothing is no NaN.
    no_weights = (given, f"{given}, need_weights=False")

    def hiding(part: str, *more: tuple[str, str]) -> Any:
        return replace((right, f"{square}.{part}"), *more)

    return {
        "future_visible": [replace(f", {given}", ""), replace(right, f"torch.zeros(T, T, device={tokens}.device)")],
        "causal_mask_inverted": [hiding("tril()"), hiding("tril()", no_weights), hiding("tril(-1)")],
        "causal_mask_off_by_one": [hiding("triu()"), hiding("triu()", no_weights), hiding("triu(2)")],
        "causal_mask_as_numbers": instead_of(right, later + cast, past + cast),
        "causal_mask_nan": instead_of(right, f"{later}{cast} * float('-inf')", f"{later} * float('-inf')"),
    }


def nan_or_patched(softmax: str, *edits: tuple[str, str]) -> list[Any]:
    """A mistake that makes NaN where nothing is left to attend to: as it is, and with these weights patched to 0."""
    return [replace(*edits), replace(*edits, (softmax, f"{softmax}.nan_to_num(0.0)"))]


def picks(size: int, *features: int) -> Tensor:
    """The weight (size, size) of a layer that gives these features of its input, in this order, and then zeros."""
    weight = torch.zeros(size, size)
    weight[range(len(features)), list(features)] = 1.0
    return weight


def with_layers(module, layers, *inputs):  # type: ignore[no-untyped-def]
    """A call of the module with other weights in its layers, given by name, and without their biases."""
    with torch.no_grad():
        for name, weight in layers.items():
            layer = getattr(module, name)
            layer.weight.copy_(weight)
            layer.bias.zero_()
    return module(*inputs)


def unless_it_fails(made):  # type: ignore[no-untyped-def]
    """What ``made()`` gives, or None: errors are for the plain cases, which explain them better."""
    try:
        return made()
    except NotImplementedError:  # nothing is written yet
        raise
    except RuntimeError:
        return None


def weights_alone(module, layers, *inputs):  # type: ignore[no-untyped-def]
    """For `another_scale`: layers and inputs are such that what comes out are the weights."""
    return unless_it_fails(lambda: with_layers(module, layers, *inputs))


def two_masks(module, *given):  # type: ignore[no-untyped-def]
    """The second of two calls with the same inputs, the last two given being the masks."""
    *inputs, first, second = given
    module(*inputs, first)
    return module(*inputs, second)


# How references mask their scores and make weights of them, and what goes wrong with it.
FILL = 'scores.masked_fill(~mask, float("-inf"))'
SOFTMAX = "torch.softmax(scores, dim=-1)"
EMPTY = "weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)"
INFINITY_ADDED = "scores + torch.zeros_like(scores).masked_fill(~mask, float('-inf'))"

masks_mistaken: dict[str, Any] = {
    "mask_inverted": [replace("~mask,", "mask,"), replace(("~mask,", "mask,"), ("~mask.any", "mask.all"))],
    "mask_ignored": replace((FILL, "scores"), (EMPTY, "weights")),
    "mask_after_softmax": replace((FILL, "scores"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    "mask_too_weak": [
        *(replace('float("-inf")', low) for low in ("-1.0", "-100.0", "-1e4")),
        *(replace(('float("-inf")', low), (EMPTY, "weights")) for low in ("-1.0", "-100.0")),
        replace(FILL, "scores + mask.to(scores.dtype)"),
        replace((FILL, "scores + mask.to(scores.dtype)"), (EMPTY, "weights")),
    ],
    "mask_plus_infinity": replace(('float("-inf")', 'float("inf")'), (EMPTY, "weights")),
    "masked_scores_zero": [replace('float("-inf")', "0.0"), replace(('float("-inf")', "0.0"), (EMPTY, "weights"))],
    "empty_rows_nan": replace(EMPTY, "weights"),
    "nan_gradient": [
        replace(FILL, INFINITY_ADDED),
        replace((FILL, INFINITY_ADDED), (EMPTY, "weights.nan_to_num(0.0)")),
    ],
    "empty_rows_uniform": replace(('float("-inf")', "-1e9"), (EMPTY, "weights")),
}
mask_changed_in_place = replace(FILL, f"{FILL.replace('~mask', 'mask.logical_not_()')}\n            mask = ~mask")
weights_mistaken: dict[str, Any] = {
    "no_softmax": instead_of(SOFTMAX, 'scores.masked_fill(scores == float("-inf"), 0.0)', "scores"),
    "sigmoid_for_softmax": replace(SOFTMAX, "torch.sigmoid(scores)"),
    "softmax_overflow": [
        replace(SOFTMAX, "(scores.exp() / scores.exp().sum(dim=-1, keepdim=True))"),
        replace(SOFTMAX, "((scores - scores.max()).exp() / (scores - scores.max()).exp().sum(dim=-1, keepdim=True))"),
    ],
    "detached_weights": replace(SOFTMAX, f"{SOFTMAX}.detach()"),
}
weights_of_heads_mistaken: dict[str, Any] = {
    "softmax_over_queries": replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    "softmax_over_heads": [
        replace(SOFTMAX, "torch.softmax(scores, dim=1)"),
        replace((SOFTMAX, "torch.softmax(scores, dim=1)"), (EMPTY, "weights.masked_fill(~mask, 0.0)")),
    ],
    "softmax_over_batch": instead_of(
        SOFTMAX, "torch.softmax(scores, dim=0)", "torch.softmax(scores.flatten(0, 1), dim=0).view_as(scores)"
    ),
    **weights_mistaken,
}


def projected(right: tuple[str, str, str], line: str, layers: str = "qkv", of: tuple[str, ...] = ()) -> Any:
    """q, k and v made by the layers of these letters, ``of`` these inputs in place of the ``right`` ones.

    ``line`` is how the reference makes each: ``"{} = self.{}_proj({})"``.
    """
    return replace(
        *(
            (line.format(name, name, reads), line.format(name, layer, another))
            for name, layer, reads, another in zip("qkv", layers, right, of or right, strict=True)
        )
    )


def heads_mistaken(features: str, context: str, query: str) -> dict[str, Any]:
    """Mistakes with heads, for a reference that splits ``features`` and merges ``context``, as long as ``query``."""
    scale = "self.head_dim ** -0.5"
    unturned = f"{features}.unflatten(-1, (self.num_heads, self.head_dim))"
    split, merge = f"{unturned}.transpose(1, 2)", f"{context}.transpose(1, 2).flatten(2)"
    viewed = (split, f"{features}.reshape(len({features}), self.num_heads, -1, self.head_dim)")
    rows_as_they_lie = (merge, f"{context}.reshape({query}.shape)")
    undivided = (split, f"{features}.unsqueeze(1)")
    accepted = ("if embed_dim % num_heads:", "if False:")
    return {
        "scale_by_model_size": replace(scale, "(self.num_heads * self.head_dim) ** -0.5"),
        "no_scale": replace(f" * {scale}", ""),
        "scale_by_d": replace(scale, "self.head_dim ** -1.0"),
        "heads_not_split": [replace(viewed), replace(viewed, rows_as_they_lie)],
        "heads_not_merged": replace(rows_as_they_lie),
        "attention_over_heads": [
            replace((split, unturned), (merge, f"{context}.flatten(2)")),
            replace((split, unturned), (merge, f"{context}.transpose(1, 2).reshape({query}.shape)")),
        ],
        "one_head": [replace(undivided, (scale, "q.shape[-1] ** -0.5")), replace(undivided)],
        "out_proj_unused": replace(f"self.out_proj({merge})", merge),
        "no_out_proj": replace(("self.out_proj = ", "unused = "), (f"self.out_proj({merge})", merge)),
        "no_value_error": [
            replace(accepted),
            replace(accepted, ("(self.num_heads, self.head_dim)", "(self.num_heads, -1)")),
            replace(
                "if embed_dim % num_heads:\n            raise ValueError(f", "assert embed_dim % num_heads == 0, (f"
            ),
        ],
    }
