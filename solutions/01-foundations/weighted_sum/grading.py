"""How the attention-weighted sum is graded."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def given(B: int, L: int, D: int) -> tuple[torch.Tensor, torch.Tensor]:
        return rand.normal(B, L, D), rand.normal(B, L).softmax(-1)

    yield Case("every size different", call(*given(3, 5, 4)), gradients=True, twice=True, public=True)
    yield Case("more features than positions", call(*given(2, 3, 7)), public=True)
    yield Case("sizes that are all the same", call(*given(4, 4, 4)), family="shape", public=True)
    yield Case("as many positions as features", call(*given(2, 5, 5)), family="shape")
    yield Case("a batch of one", call(*given(1, 3, 3)), family="shape")
    yield Case("one feature", call(*given(3, 4, 1)), family="shape")
    yield Case("one position", call(*given(3, 1, 6)), family="shape")
    yield Case(
        "weights that do not sum to 1",
        call(rand.normal(3, 6, 2), rand.normal(3, 6)),
        family="normalization",
        gradients=True,
    )
    inputs, weights = given(2, 5, 4)
    yield Case("weights of a thousandth", call(inputs, weights / 1000), family="normalization")
    inputs, weights = given(3, 4, 5)
    yield Case(
        "weights that are all zero", call(inputs, weights * torch.tensor([[1.0], [0.0], [1.0]])), family="normalization"
    )
    inputs, weights = given(2, 6, 3)
    yield Case(
        "memory in another order (non-contiguous)",
        call(inputs.mT.contiguous().mT, weights.T.contiguous().T),
        family="shape",
    )
    yield Case("float64", call(*given(2, 4, 3)), family="dtype", dtype="float64")
    yield Case("bfloat16", call(*given(2, 5, 3)), family="dtype", dtype="bfloat16")
    yield Case("float16", call(*given(2, 5, 3)), family="dtype", dtype="float16")


def weighted_sum(inputs, weights):
    """The oracle: position by position."""
    total = torch.zeros_like(inputs[:, 0])
    for position in range(inputs.shape[1]):
        total = total + inputs[:, position] * weights[:, position : position + 1]
    return total


WEIGHTS = "weights.unsqueeze(-1)"
SUM = ".sum(dim=1)"
ANSWER = f"(inputs * {WEIGHTS}){SUM}"

mistakes = known(
    no_axis_for_features=[
        replace(WEIGHTS, "weights"),
        replace(WEIGHTS, "weights.unsqueeze(1)"),
        replace(WEIGHTS, "weights.unsqueeze(0)"),
        replace(ANSWER, "weights @ inputs"),
        replace(ANSWER, "inputs @ weights"),
    ],
    mean_for_sum=replace(SUM, ".mean(dim=1)"),
    weights_renormalised=[
        replace(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True)).unsqueeze(-1)"),
        replace(WEIGHTS, "(weights / (weights.sum(dim=1, keepdim=True) + 1e-8)).unsqueeze(-1)"),
        replace(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-8)).unsqueeze(-1)"),
        replace(WEIGHTS, "(weights / weights.abs().sum(dim=1, keepdim=True)).unsqueeze(-1)"),
        replace(WEIGHTS, "torch.nn.functional.normalize(weights, p=1, dim=1).unsqueeze(-1)"),
        replace(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True)).nan_to_num(0.0).unsqueeze(-1)"),
        replace(WEIGHTS, "torch.softmax(weights, dim=1).unsqueeze(-1)"),
    ],
    wrong_axis=[
        replace(SUM, ".sum(dim=-1)"),
        replace(SUM, ".sum(dim=0)"),
        replace(SUM, ".sum()"),
        replace(SUM, ".sum(dim=(0, 1))"),
    ],
    batch_mixed_in=[
        replace(ANSWER, f"{ANSWER}.sum(dim=0, keepdim=True).expand(inputs.shape[0], -1)"),
        replace(ANSWER, f"{ANSWER}.mean(dim=0, keepdim=True).expand(inputs.shape[0], -1)"),
    ],
    not_summed=[
        replace(SUM, ""),
        replace(SUM, ".sum(dim=1, keepdim=True)"),
        replace(ANSWER, "weights.unsqueeze(1) @ inputs"),
    ],
    axis_of_one_squeezed=replace(ANSWER, "(weights.unsqueeze(1) @ inputs).squeeze()"),
    weights_ignored=[replace(f" * {WEIGHTS}", ""), replace(ANSWER, "inputs.mean(dim=1)")],
    returns_float32=replace(ANSWER, f"(inputs.float() * {WEIGHTS}.float()){SUM}"),
    inputs_changed=[
        replace(f"inputs * {WEIGHTS}", f"inputs.mul_({WEIGHTS})"),
        replace("return", "weights /= 2\n    return 2 *"),
        replace("return", "weights.unsqueeze_(-1).squeeze_(-1).mul_(2)\n    return 0.5 *"),
    ],
    detached=[
        replace(WEIGHTS, f"{WEIGHTS}.detach()"),
        replace(ANSWER, f"{ANSWER}.detach()"),
        replace("inputs *", "inputs.detach() *"),
    ],
)

exercise = Exercise(
    targets=("weighted_sum",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(weighted_sum,)
)
