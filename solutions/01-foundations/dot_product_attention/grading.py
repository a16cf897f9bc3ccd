"""How dot-product attention is graded."""

from collections.abc import Iterator

import torch
from shared import huge_scores, softmax_by_fixed_axis

from grader.authoring import LIBRARY_ATTENTION, Case, Exercise, Inputs, call, known, replace, rewrite


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "every size different", call(*rand.qkv(2, 3, L=5, S=7, d=6, d_v=4)), gradients=True, twice=True, public=True
    )
    yield Case("a batch", call(*rand.qkv(4, L=3, S=5, d=2, d_v=6)), public=True)
    yield Case("no leading axes", call(*rand.qkv(L=3, S=4, d=5, d_v=2)), public=True)
    yield Case("longer vectors: no scale here", call(*rand.qkv(2, L=4, S=6, d=20, d_v=3)), family="scaling")
    yield Case("as many leading axes as one likes", call(*rand.qkv(2, 1, 3, L=2, S=5, d=4, d_v=6)), family="shape")
    yield Case("one query, one key", call(*rand.qkv(1, 1, L=1, S=1, d=3, d_v=2)), family="shape")
    q, k, v = rand.qkv(2, 3, L=4, S=6, d=8, d_v=5)
    yield Case(
        "memory in another order (non-contiguous)",
        call(q.mT.contiguous().mT, k.transpose(0, 1).contiguous().transpose(0, 1), v.mT.contiguous().mT),
        family="shape",
    )
    yield Case("scores near 20,000", call(*huge_scores(rand, 2, L=3, S=6, d=4, d_v=5)), tolerance=1e-3)
    yield Case("float64", call(*rand.qkv(2, L=3, S=4, d=6, d_v=5)), family="dtype", dtype="float64")
    halves = tuple(x / 2 for x in rand.qkv(2, L=3, S=6, d=4, d_v=5))
    yield Case("bfloat16", call(*halves), family="dtype", dtype="bfloat16")
    yield Case("float16", call(*halves), family="dtype", dtype="float16")


def dot_product_attention(q, k, v):
    """The oracle: PyTorch's own, with its scale turned off."""
    from torch.nn.functional import scaled_dot_product_attention

    output = scaled_dot_product_attention(q, k, v, scale=1.0)
    identity = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
    return output, scaled_dot_product_attention(q, k, identity, scale=1.0)


KEYS = "k.transpose(-2, -1)"
SCORES = f"q @ {KEYS}"
SOFTMAX = "torch.softmax(scores, dim=-1)"
RETURN = "return weights @ v, weights"

mistakes = known(
    scaled_anyway=replace(SCORES, f"{SCORES} * q.shape[-1] ** -0.5"),
    scaled_by_d=replace(SCORES, f"{SCORES} / q.shape[-1]"),
    multiplied_by_root_d=replace(SCORES, f"{SCORES} * q.shape[-1] ** 0.5"),
    vectors_normalised=replace(
        SCORES, "torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).mT"
    ),
    softmax_over_queries=replace(SOFTMAX, "torch.softmax(scores, dim=-2)"),
    **softmax_by_fixed_axis(SOFTMAX, "scores"),
    softmax_over_all_pairs=replace(SOFTMAX, "torch.softmax(scores.flatten(-2), dim=-1).view_as(scores)"),
    no_softmax=[
        replace(SOFTMAX, "scores"),
        replace(SOFTMAX, "scores / scores.sum(dim=-1, keepdim=True)"),
        replace(RETURN, "return weights @ v, scores"),
        replace(SOFTMAX, "torch.exp(scores)"),
    ],
    sigmoid_for_softmax=[
        replace(SOFTMAX, "torch.sigmoid(scores)"),
        replace(SOFTMAX, "torch.sigmoid(scores) / torch.sigmoid(scores).sum(dim=-1, keepdim=True)"),
    ],
    log_softmax=replace(SOFTMAX, "torch.log_softmax(scores, dim=-1)"),
    transpose_of_two_axes=[
        replace(KEYS, "k.transpose(0, 1)"),
        replace(KEYS, "k.T"),
        replace(KEYS, "k.t()"),
        replace(KEYS, "k.transpose(1, 2)"),
        replace(KEYS, "k.permute(0, 2, 1)"),
        replace(SCORES, "torch.bmm(q, k.transpose(1, 2))"),
        replace(KEYS, "k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])"),
        replace(KEYS, "k"),
    ],
    weights_transposed=replace(RETURN, "return weights @ v, weights.mT"),
    output_and_weights_swapped=replace(RETURN, "return weights, weights @ v"),
    weights_not_returned=replace(RETURN, "return weights @ v"),
    keys_for_values=replace("weights @ v", "weights @ k"),
    exp_overflow=[
        replace(SOFTMAX, "scores.exp() / scores.exp().sum(dim=-1, keepdim=True)"),
        replace(SOFTMAX, "scores.clamp(-80, 80).softmax(dim=-1)"),
        replace(SOFTMAX, "scores.exp() / (scores.exp().sum(dim=-1, keepdim=True) + 1e-9)"),
    ],
    returns_float32=[
        replace((SCORES, "q.float() @ k.float().transpose(-2, -1)"), ("weights @ v", "weights @ v.float()")),
        replace(RETURN, "return (weights @ v).float(), weights.float()"),
        replace(RETURN, "return weights @ v, weights.float()"),
    ],
    inputs_changed=[
        replace("scores = q @", "q.mul_(2.0)\n    scores = q / 2 @"),
        replace("scores = q @", "q *= 1 + 1e-2\n    scores = q / (1 + 1e-2) @"),
        replace("scores = q @", "k.sub_(1)\n    scores = q @"),
    ],
    detached_weights=[
        replace(SOFTMAX, f"{SOFTMAX}.detach()"),
        replace(RETURN, "return weights @ v, weights.detach()"),
        replace(RETURN, "return (weights @ v).detach(), weights.detach()"),
    ],
    library_called=rewrite(dot_product_attention),
)

exercise = Exercise(
    targets=("dot_product_attention",),
    outputs=("output", "weights"),
    cases=cases,
    mistakes=mistakes,
    oracles=(dot_product_attention,),
    forbidden=LIBRARY_ATTENTION,
)
