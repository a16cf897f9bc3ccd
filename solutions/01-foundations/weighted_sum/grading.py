"""How the attention-weighted sum is graded."""

from collections.abc import Iterator

import torch
from torch import Tensor

from grader.authoring import Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def given(B: int, L: int, D: int, factor: float | Tensor = 1.0) -> tuple[Tensor, Tensor]:
        return rand.normal(B, L, D), rand.normal(B, L).softmax(-1) * factor

    yield Case("every size different", call(*given(3, 5, 4)), gradients=True, twice=True, public=True)
    yield Case("more features than positions", call(*given(2, 3, 7)), public=True)
    yield Case("sizes that are all the same", call(*given(4, 4, 4)), family="shape", public=True)
    yield Case("as many positions as features", call(*given(2, 5, 5)), family="shape")
    yield Case("a batch of one", call(*given(1, 3, 3)), family="shape")
    yield Case("one feature", call(*given(3, 4, 1)), family="shape")
    yield Case("one position", call(*given(3, 1, 6)), family="shape")
    any_sum = (rand.normal(3, 6, 2), rand.normal(3, 6))
    yield Case("weights that do not sum to 1", call(*any_sum), family="normalization", gradients=True)
    yield Case("weights of a thousandth", call(*given(2, 5, 4, factor=1e-3)), family="normalization")
    second_zero = given(3, 4, 5, factor=torch.tensor([[1.0], [0.0], [1.0]]))
    yield Case("weights that are all zero", call(*second_zero), family="normalization")
    yield from standard(lambda: call(*given(2, 6, 3)))


def weighted_sum(inputs, weights):
    """The oracle: position by position."""
    total = torch.zeros_like(inputs[:, 0])
    for position in range(inputs.shape[1]):
        total = total + inputs[:, position] * weights[:, position : position + 1]
    return total


WEIGHTS = "weights.unsqueeze(-1)"
SUM = ".sum(dim=1)"
ANSWER = f"(inputs * {WEIGHTS}){SUM}"
TOTAL = "weights.sum(dim=1, keepdim=True)"
NORMALISED = (
    f"(weights / {TOTAL})",
    f"(weights / ({TOTAL} + 1e-8))",
    f"(weights / {TOTAL}.clamp_min(1e-8))",
    "(weights / weights.abs().sum(dim=1, keepdim=True))",
    "torch.nn.functional.normalize(weights, p=1, dim=1)",
    f"(weights / {TOTAL}).nan_to_num(0.0)",
    "torch.softmax(weights, dim=1)",
)

mistakes = known(
    no_axis_for_features=[
        *(replace(WEIGHTS, weights) for weights in ("weights", "weights.unsqueeze(1)", "weights.unsqueeze(0)")),
        *(replace(ANSWER, product) for product in ("weights @ inputs", "inputs @ weights")),
    ],
    mean_for_sum=replace(SUM, ".mean(dim=1)"),
    weights_renormalised=[replace(WEIGHTS, f"{weights}.unsqueeze(-1)") for weights in NORMALISED],
    wrong_axis=[replace(SUM, f".sum({axis})") for axis in ("dim=-1", "dim=0", "", "dim=(0, 1)")],
    batch_mixed_in=[
        replace(ANSWER, f"{ANSWER}.{mix}(dim=0, keepdim=True).expand(inputs.shape[0], -1)") for mix in ("sum", "mean")
    ],
    not_summed=[
        replace(SUM, ""),
        replace(SUM, ".sum(dim=1, keepdim=True)"),
        replace(ANSWER, "weights.unsqueeze(1) @ inputs"),
    ],
    axis_of_one_squeezed=replace(ANSWER, "(weights.unsqueeze(1) @ inputs).squeeze()"),
    weights_ignored=[replace(f" * {WEIGHTS}", ""), replace(ANSWER, "inputs.mean(dim=1)")],
    # The one that the grader makes changes whatever it is given; a weight of 1 changes nothing here.
    inputs_changed=[
        replace(f"inputs * {WEIGHTS}", f"inputs.mul_({WEIGHTS})"),
        replace("return", "weights /= 2\n    return 2 *"),
        replace("return", "weights.unsqueeze_(-1).squeeze_(-1).mul_(2)\n    return 0.5 *"),
    ],
    detached=[replace(WEIGHTS, f"{WEIGHTS}.detach()"), replace("inputs *", "inputs.detach() *")],
)

exercise = Exercise(
    targets=("weighted_sum",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(weighted_sum,)
)
