"""How the attention-weighted sum is graded."""

from collections.abc import Iterator

import shared
import torch

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def given(B: int, L: int, D: int) -> tuple[torch.Tensor, torch.Tensor]:
        return rand.normal(B, L, D), rand.normal(B, L).softmax(-1)

    yield Case("every size different", given(3, 5, 4), gradients=True, twice=True, public=True)
    yield Case("more features than positions", given(2, 3, 7), public=True)
    yield Case("sizes that are all the same", given(4, 4, 4), family="shape", public=True)
    yield Case("as many positions as features", given(2, 5, 5), family="shape")
    yield Case("a batch of one", given(1, 3, 3), family="shape")
    yield Case("one feature", given(3, 4, 1), family="shape")
    yield Case("one position", given(3, 1, 6), family="shape")
    yield Case(
        "weights that do not sum to 1",
        (rand.normal(3, 6, 2), rand.normal(3, 6)),
        family="normalization",
        gradients=True,
    )
    inputs, weights = given(2, 5, 4)
    yield Case("weights of a thousandth", (inputs, weights / 1000), family="normalization")
    inputs, weights = given(3, 4, 5)
    yield Case("weights that are all zero", (inputs, weights * torch.tensor([[1.0], [0.0], [1.0]])), family="normalization")
    inputs, weights = given(2, 6, 3)
    yield Case("memory in another order (non-contiguous)", (inputs.mT.contiguous().mT, weights.T.contiguous().T), family="shape")
    yield Case("float64", given(2, 4, 3), dtype="float64", family="dtype")
    yield Case("bfloat16", given(2, 5, 3), dtype="bfloat16", family="dtype")
    yield Case("float16", given(2, 5, 3), dtype="float16", family="dtype")


def weighted_sum(inputs, weights):
    """The oracle: position by position."""
    total = torch.zeros_like(inputs[:, 0])
    for position in range(inputs.shape[1]):
        total = total + inputs[:, position] * weights[:, position : position + 1]
    return total


WEIGHTS = "weights.unsqueeze(-1)"
SUM = ".sum(dim=1)"
ANSWER = f"(inputs * {WEIGHTS}){SUM}"

mistakes = (
    mistake(
        "no-axis-for-features",
        "shape",
        edit(WEIGHTS, "weights"),
        edit(WEIGHTS, "weights.unsqueeze(1)"),
        edit(WEIGHTS, "weights.unsqueeze(0)"),
        edit(ANSWER, "weights @ inputs"),
        edit(ANSWER, "inputs @ weights"),
        en="The weights are not lined up with the positions: broadcasting goes from the right, so (B, L) meets the features, and this runs "
        "only where sizes happen to agree. Give the weights a last axis of size 1: weights.unsqueeze(-1).",
        zh="权重没有与位置对齐：广播从右边对齐，(B, L) 对上的是特征维，只有尺寸碰巧相等时才能运行。"
        "请给权重加一个大小为 1 的末维：weights.unsqueeze(-1)。",
    ),
    mistake(
        "mean-for-sum",
        "normalization",
        edit(SUM, ".mean(dim=1)"),
        en="You take the mean over the positions, which divides by L once more: the weights already say how much each counts. Sum.",
        zh="你对位置求了平均，又多除了一个 L：各位置的分量已经由权重决定。应当求和。",
    ),
    mistake(
        "weights-renormalised",
        "normalization",
        edit(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True)).unsqueeze(-1)"),
        edit(WEIGHTS, "(weights / (weights.sum(dim=1, keepdim=True) + 1e-8)).unsqueeze(-1)"),
        edit(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-8)).unsqueeze(-1)"),
        edit(WEIGHTS, "(weights / weights.abs().sum(dim=1, keepdim=True)).unsqueeze(-1)"),
        edit(WEIGHTS, "torch.nn.functional.normalize(weights, p=1, dim=1).unsqueeze(-1)"),
        edit(WEIGHTS, "(weights / weights.sum(dim=1, keepdim=True)).nan_to_num(0.0).unsqueeze(-1)"),
        edit(WEIGHTS, "torch.softmax(weights, dim=1).unsqueeze(-1)"),
        en="The weights are normalised again (divided by their sum, or put through a softmax): they are to be used as they are.",
        zh="权重又被归一化了一次（除以它们的和，或做了 softmax）：应当原样使用。",
    ),
    mistake(
        "wrong-axis",
        "shape",
        edit(SUM, ".sum(dim=-1)"),
        edit(SUM, ".sum(dim=0)"),
        edit(SUM, ".sum()"),
        edit(SUM, ".sum(dim=(0, 1))"),
        en="You sum over the wrong axis: the sum runs over the positions (dim=1), so that a vector of D features is left for each of "
        "the B sequences.",
        zh="求和的维度错了：应当对位置（dim=1）求和，使 B 个序列各剩下一个 D 维向量。",
    ),
    mistake(
        "batch-mixed-in",
        "shape",
        edit(ANSWER, f"{ANSWER}.sum(dim=0, keepdim=True).expand(inputs.shape[0], -1)"),
        edit(ANSWER, f"{ANSWER}.mean(dim=0, keepdim=True).expand(inputs.shape[0], -1)"),
        en="Your sum runs across the batch as well, and every sequence gets the same vector: each sequence is summed over its own "
        "positions (dim=1) alone.",
        zh="求和跨越了批，所有序列得到同一个向量：每个序列只应对自己的位置（dim=1）求和。",
    ),
    mistake(
        "not-summed",
        "shape",
        edit(SUM, ""),
        edit(SUM, ".sum(dim=1, keepdim=True)"),
        edit(ANSWER, "weights.unsqueeze(1) @ inputs"),
        en="An axis too many is left: after the sum over the positions the result is (B, D).",
        zh="多留了一个维度：对位置求和之后，结果应为 (B, D)。",
    ),
    mistake(
        "axis-of-one-squeezed",
        "shape",
        edit(ANSWER, "(weights.unsqueeze(1) @ inputs).squeeze()"),
        en="A bare squeeze() removes every axis of size 1, the batch or the features too, when there is only one: name the axis, squeeze(1).",
        zh="不带参数的 squeeze() 会去掉所有大小为 1 的维度，批或特征只有一个时也会被去掉：请指明维度 squeeze(1)。",
    ),
    mistake(
        "weights-ignored",
        "numerics",
        edit(f" * {WEIGHTS}", ""),
        edit(ANSWER, "inputs.mean(dim=1)"),
        en="The weights have no effect: every position counts the same in your result.",
        zh="权重没有起作用：结果中每个位置的分量都一样。",
    ),
    shared.returns_float32(
        edit(ANSWER, f"(inputs.float() * {WEIGHTS}.float()){SUM}"),
    ),
    mistake(
        "inputs-changed",
        "state",
        edit(f"inputs * {WEIGHTS}", f"inputs.mul_({WEIGHTS})"),
        edit("return", "weights /= 2\n    return 2 *"),
        edit("return", "weights.unsqueeze_(-1).squeeze_(-1).mul_(2)\n    return 0.5 *"),
        en="Your function changes its inputs in place (an operation like inputs *= …): the caller's tensors are altered. Make a new tensor.",
        zh="你的函数原地修改了输入（例如 inputs *= …）：调用者的张量被改变了。请生成新的张量。",
    ),
    mistake(
        "detached",
        "gradient",
        edit(WEIGHTS, f"{WEIGHTS}.detach()"),
        edit(ANSWER, f"{ANSWER}.detach()"),
        edit("inputs *", "inputs.detach() *"),
        en="Something is detached on the way: gradients have to flow to the inputs and to the weights. Remove detach(), no_grad() or .data.",
        zh="中途有张量被 detach 了：梯度必须流向输入和权重。请去掉 detach()、no_grad() 或 .data。",
    ),
)

exercise = Exercise(targets=("weighted_sum",), outputs=("output",), cases=cases, mistakes=mistakes, oracles=(weighted_sum,))
