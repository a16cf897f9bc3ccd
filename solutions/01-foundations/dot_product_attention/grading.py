"""How dot-product attention is graded."""

from collections.abc import Iterator

from shared import huge_scores, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    qkv = rand.qkv
    yield Case("every size different", call(*qkv(2, 3, L=5, S=7, d=6, d_v=4)), gradients=True, twice=True, public=True)
    yield Case("a batch", call(*qkv(4, L=3, S=5, d=2, d_v=6)), public=True)
    yield Case("no leading axes", call(*qkv(L=3, S=4, d=5, d_v=2)), public=True)
    yield Case("longer vectors: no scale here", call(*qkv(2, L=4, S=6, d=20, d_v=3)), family="scaling")
    yield Case("as many leading axes as one likes", call(*qkv(2, 1, 3, L=2, S=5, d=4, d_v=6)), family="shape")
    yield Case("one query, one key", call(*qkv(1, 1, L=1, S=1, d=3, d_v=2)), family="shape")
    yield Case("scores near 20,000", call(*huge_scores(rand, 2, L=3, S=6, d=4, d_v=5)), tolerance=1e-3)
    # Halves, as scores without a scale are large for a dtype of few digits.
    yield from standard(lambda: call(*(x / 2 for x in qkv(2, 3, L=4, S=6, d=4, d_v=5))))


def dot_product_attention(q, k, v):
    """The oracle: PyTorch's own, with its scale turned off."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    output = scaled_dot_product_attention(q, k, v, scale=1.0)
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return output, scaled_dot_product_attention(q, k, identity, scale=1.0)


KEYS = "k.transpose(-2, -1)"
SCORES = f"q @ {KEYS}"
SOFTMAX = "torch.softmax(scores, dim=-1)"
RETURNED = "weights @ v, weights"
UNIT = "torch.nn.functional.normalize({}, dim=-1)"

mistakes = known(
    scaled_anyway=replace(SCORES, f"{SCORES} * q.shape[-1] ** -0.5"),
    scaled_by_d=replace(SCORES, f"{SCORES} / q.shape[-1]"),
    multiplied_by_root_d=replace(SCORES, f"{SCORES} * q.shape[-1] ** 0.5"),
    vectors_normalised=replace(SCORES, f"{UNIT.format('q')} @ {UNIT.format('k')}.mT"),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    **softmax_by_fixed_axis(SOFTMAX, "scores"),
    softmax_over_all_pairs=replace(SOFTMAX, "torch.softmax(scores.flatten(-2), dim=-1).view_as(scores)"),
    no_softmax=[
        replace(SOFTMAX, "scores"),
        replace(SOFTMAX, "scores / scores.sum(dim=-1, keepdim=True)"),
        replace(RETURNED, "weights @ v, scores"),
        replace(SOFTMAX, "torch.exp(scores)"),
    ],
    sigmoid_for_softmax=[
        replace(SOFTMAX, "torch.sigmoid(scores)"),
        replace(SOFTMAX, "torch.sigmoid(scores) / torch.sigmoid(scores).sum(dim=-1, keepdim=True)"),
    ],
    log_softmax=replace(SOFTMAX, "torch.log_softmax(scores, dim=-1)"),
    transpose_of_two_axes=[
        *(replace(KEYS, f"k.{turned}") for turned in ("transpose(0, 1)", "T", "t()", "transpose(1, 2)")),
        replace(KEYS, "k.permute(0, 2, 1)"),
        replace(SCORES, "torch.bmm(q, k.transpose(1, 2))"),
        replace(KEYS, "k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])"),
        replace(KEYS, "k"),
    ],
    weights_transposed=replace(RETURNED, "weights @ v, weights.mT"),
    weights_not_returned=replace(RETURNED, "weights @ v"),
    keys_for_values=replace("weights @ v", "weights @ k"),
    exp_overflow=[
        replace(SOFTMAX, "scores.exp() / scores.exp().sum(dim=-1, keepdim=True)"),
        replace(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=-1)"),
        replace(SOFTMAX, "scores.exp() / (scores.exp().sum(dim=-1, keepdim=True) + 1e-9)"),
    ],
    returns_float32=[
        replace(RETURNED, "(weights @ v).float(), weights.float()"),
        replace(RETURNED, "weights @ v, weights.float()"),
    ],
    detached_weights=[replace(SOFTMAX, f"{SOFTMAX}.detach()"), replace(RETURNED, "weights @ v, weights.detach()")],
)

exercise = Exercise(
    targets=("dot_product_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(dot_product_attention,),
    forbidden=LIBRARY_ATTENTION,
)
