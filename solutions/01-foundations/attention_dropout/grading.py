"""How attention dropout is graded: by what is true of every right draw, never by one draw."""

from collections.abc import Iterator

import shared
import torch
from torch import nn

from grader.authoring import Case, Exercise, Random, edit, mistake, rewrite

LIBRARY_DROPOUT = (
    "dropout",
    "dropout_",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_dropout",
    "native_dropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "AlphaDropout",
    "FeatureAlphaDropout",
    "feature_alpha_dropout",
)


def kept(target, weights):
    """The least and the largest factor of the entries that are kept."""
    import torch

    before = weights.clone()
    out = target(weights)
    factors = (out / before)[out != 0]
    return torch.stack([factors.min(), factors.max()]) if factors.numel() else torch.zeros_like(out.flatten()[:2])


def dropped(target, weights):
    out = target(weights)
    # Of 4096 entries the share is right to 0.007, one standard deviation; a tenth is 14 of them.
    return {"tenths of the entries dropped": float(round((out == 0).double().mean().item() * 10))}


def repeated(target, weights):
    drop = target(weights) == 0
    return {f"same along axis {axis}": bool((drop == drop.narrow(axis, 0, 1)).all()) for axis in range(drop.dim())}


def redrawn(target, weights):
    first, second = target(weights.clone()) == 0, target(weights.clone()) == 0
    return {"another draw in the second call": bool((first != second).any())}


def evaluated(target, weights):
    target.train()
    target(weights.clone())
    target.eval()
    return target(weights)


def follows(target, weights):
    import torch

    leaf = weights.clone().requires_grad_()
    out = target(leaf * 1.0)
    gradient = torch.autograd.grad(out.sum(), leaf)[0] if out.requires_grad else torch.zeros_like(leaf)
    return {
        "the gradient is the factor of each entry": bool(torch.allclose(gradient * weights, out.detach(), atol=1e-4))
    }


def beside(target, weights):
    """A tensor made without saying where lies on the CPU; on an accelerator it then fails, unless it is moved."""
    import torch
    from torch.overrides import TorchFunctionMode

    makers = (torch.rand, torch.randn, torch.randint, torch.empty, torch.ones, torch.zeros, torch.full)
    makers += (torch.tensor, torch.as_tensor)
    moves = (torch.Tensor.to, torch.Tensor.type_as, torch.Tensor.cuda)
    made, moved = [], []

    class Places(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            result = func(*args, **kwargs)
            if func in makers and kwargs.get("device") is None and result.dim() > 0:
                made.append(func)
            places = [x for x in (*args[1:], *kwargs.values()) if isinstance(x, torch.device | torch.Tensor | str)]
            if func in moves and places:
                moved.append(func)
            return result

    from_numpy = torch.from_numpy  # which the mode does not see
    torch.from_numpy = lambda array: made.append(array) or from_numpy(array)
    try:
        with Places():
            target(weights)
    finally:
        torch.from_numpy = from_numpy
    return {"the mask is on the device of the weights": not made or bool(moved)}


def cases(rand: Random) -> Iterator[Case]:
    def weights(*shape: int) -> tuple[torch.Tensor]:
        return (rand.normal(*shape).softmax(-1),)

    made = {"load_state": False}
    train = {**made, "train": True}
    # p = 0.3 and 0.8: 1/(1 - p), 1/p, p and 1 - p all differ, also from one p to the other.
    yield Case(
        "what is kept is divided by 1 − p",
        weights(4, 6, 5),
        init=(0.3,),
        family="scaling",
        drive=kept,
        public=True,
        **train,
    )
    yield Case("the same with another p", weights(8, 40), init=(0.8,), family="scaling", drive=kept, **train)
    yield Case(
        "three tenths are dropped at p = 0.3", weights(4, 8, 128), init=(0.3,), drive=dropped, public=True, **train
    )
    yield Case("eight tenths are dropped at p = 0.8", weights(32, 128), init=(0.8,), drive=dropped, **train)
    yield Case(
        "entries are dropped one by one", weights(2, 3, 16, 12), init=(0.5,), drive=repeated, public=True, **train
    )
    yield Case(
        "a single entry is dropped in some calls and kept in others",
        weights(1, 1),
        init=(0.5,),
        drive=both_ways,
        **train,
    )
    yield Case("every call draws anew", weights(6, 32), init=(0.4,), family="state", drive=redrawn, **train)
    yield Case(
        "evaluation: nothing happens",
        weights(3, 4, 5),
        init=(0.6,),
        family="state",
        gradients=True,
        twice=True,
        public=True,
        **made,
    )
    yield Case("evaluation after training", weights(2, 5, 7), init=(0.5,), family="state", drive=evaluated, **train)
    yield Case(
        "evaluation, training, evaluation, … in turn",
        weights(4, 60),
        init=(0.4,),
        family="state",
        drive=shared.modes,
        public=True,
        **made,
    )
    yield Case("p = 0 in training", weights(3, 5), init=(0.0,), **train)
    yield Case("p = 1 in training", weights(2, 4, 3), init=(1.0,), **train)
    yield Case("gradient of what is kept", weights(3, 8, 6), init=(0.3,), family="gradient", drive=follows, **train)
    refused = {"drive": shared.built, "raises": "ValueError", "family": "interface"}
    yield Case("p below 0", init=(-0.1,), public=True, **refused)
    yield Case("p above 1", init=(1.5,), **refused)
    yield Case(
        "the mask is made where the weights are", weights(3, 7), init=(0.5,), family="dtype", drive=beside, **train
    )
    yield Case("float64", weights(4, 9), init=(0.5,), dtype="float64", family="dtype", drive=kept, **train)
    yield Case("bfloat16", weights(5, 8), init=(0.5,), dtype="bfloat16", family="dtype", drive=kept, **train)


def both_ways(module, weights):
    """Whether 80 calls drop something, and keep something: by chance, one in 10^24 right solutions does not."""
    kept = [bool(module(weights).ne(0).all()) for _ in range(80)]
    return any(kept), not all(kept)


def AttentionDropout(p):
    """The oracle: the library's dropout."""
    return nn.Dropout(p)


DRAW = "torch.rand(weights.shape, device=weights.device)"
KEEP = f"{DRAW} >= self.p"
SCALED = "weights * keep / (1 - self.p)"
STOPPED = "if not self.training or self.p == 0:"
ONE = "if self.p == 1:"
CHECK = "if not 0 <= p <= 1:"


def stored(off: str) -> str:
    """In place of `STOPPED`: whether to stop is kept on the module."""
    return f"self.off = {off}\n        {STOPPED.replace('not self.training', 'self.off')}"


mistakes = (
    mistake(
        "not-divided",
        "scaling",
        edit(" / (1 - self.p)", ""),
        edit((" / (1 - self.p)", ""), ("            return weights\n", "            return weights * (1 - self.p)\n")),
        edit(
            (" / (1 - self.p)", ""),
            ("if not self.training or self.p == 0:\n", "if not self.training:\n"),
            ("            return weights\n", "            return weights * (1 - self.p)\n"),
        ),
        en="What is kept is not divided by 1 − p: on average the weights shrink in training, and evaluation sees larger ones.",
        zh="保留的权重没有除以 1 − p：训练时权重平均变小了，而评估时的更大，两者不一致。",
    ),
    mistake(
        "multiplied-by-keep",
        "scaling",
        edit("/ (1 - self.p)", "* (1 - self.p)"),
        edit("/ (1 - self.p)", "/ self.p"),
        edit("/ (1 - self.p)", "* self.p"),
        en="What is kept is scaled by the wrong factor: divide it by 1 − p, the probability of being kept.",
        zh="保留的权重缩放系数不对：应当除以保留概率 1 − p。",
    ),
    mistake(
        "rows-renormalised",
        "normalization",
        edit(SCALED, "weights * keep / (weights * keep).sum(dim=-1, keepdim=True)"),
        edit(SCALED, "weights * keep / (weights * keep).sum(dim=-1, keepdim=True).clamp_min(1e-9)"),
        en="Every row is renormalised to sum to 1 after dropping: divide what is kept by 1 − p, the same for all.",
        zh="丢弃之后每行被重新归一化为和为 1：应当把保留的权重统一除以 1 − p。",
    ),
    mistake(
        "p-and-keep-swapped",
        "numerics",
        edit(">= self.p", "< self.p"),
        edit((">= self.p", "< self.p"), (" / (1 - self.p)", " / self.p")),
        edit((">= self.p", "< self.p"), (" / (1 - self.p)", "")),
        en="p and 1 − p are swapped: p is the probability that a weight is dropped, not that it is kept.",
        zh="p 与 1 − p 弄反了：p 是权重被丢弃的概率，而不是被保留的概率。",
    ),
    mistake(
        "whole-rows-dropped",
        "numerics",
        edit(DRAW, "torch.rand(weights.shape[:-1], device=weights.device).unsqueeze(-1)"),
        edit(DRAW, "torch.rand(weights.shape[-1], device=weights.device)"),
        edit(DRAW, "torch.rand(weights.shape[-2:], device=weights.device)"),
        edit(DRAW, "torch.rand(weights.shape[-2:-1], device=weights.device).unsqueeze(-1)"),
        edit(DRAW, "torch.rand(weights.shape[0], *[1] * (weights.dim() - 1), device=weights.device)"),
        edit(DRAW, "torch.rand(*weights.shape[:-2], 1, weights.shape[-1], device=weights.device)"),
        edit(DRAW, "torch.rand((), device=weights.device)"),
        en="Entries are not dropped one by one: a whole row (or column, or the same places in every matrix) goes at once. Draw "
        "one number for each entry, in the full shape of the weights.",
        zh="不是逐个元素丢弃：整行（或整列，或每个矩阵的同样位置）一起被丢弃了。请按权重的完整形状，为每个元素各抽一个随机数。",
    ),
    mistake(
        "same-mask-every-call",
        "state",
        edit(
            "        keep = torch.rand(weights.shape, device=weights.device) >=",
            "        torch.manual_seed(0)\n        keep = torch.rand(weights.shape, device=weights.device) >=",
        ),
        edit(
            "        keep = torch.rand(weights.shape, device=weights.device) >= self.p",
            "        if not hasattr(self, 'mask') or self.mask.shape != weights.shape:\n"
            "            self.mask = torch.rand(weights.shape, device=weights.device) >= self.p\n"
            "        keep = self.mask",
        ),
        en="Every call drops the same entries: the mask is kept, or the generator is seeded anew. Draw a new mask in every call.",
        zh="每次调用丢弃的都是同样的元素：掩码被保存了，或随机数发生器被重新设了种子。每次调用都应重新抽取掩码。",
    ),
    mistake(
        "active-in-evaluation",
        "state",
        edit("if not self.training or self.p == 0:", "if self.p == 0:"),
        en="Weights are dropped in evaluation mode, too: return them as they are unless `self.training`.",
        zh="评估模式下也在丢弃权重：`self.training` 为 False 时应当原样返回。",
    ),
    mistake(
        "never-drops",
        "state",
        edit("if not self.training or self.p == 0:", "if True:"),
        en="Nothing is ever dropped: in training mode each entry is set to 0 with probability p.",
        zh="从不丢弃：训练模式下每个元素应以概率 p 置零。",
    ),
    mistake(
        "modes-swapped",
        "state",
        edit("if not self.training or self.p == 0:", "if self.training or self.p == 0:"),
        edit("if not self.training or self.p == 0:", "if self.training:"),
        en="The modes are the wrong way round: weights are dropped in evaluation and not in training.",
        zh="模式弄反了：评估时在丢弃，训练时却没有。",
    ),
    shared.mode_kept(
        edit(STOPPED, f"if not self.training:\n            self.p = 0.0\n        {STOPPED}"),
        edit(STOPPED, stored("getattr(self, 'off', False) or not self.training")),
        edit(STOPPED, stored("getattr(self, 'off', not self.training)")),
        edit(STOPPED, stored("getattr(self, 'off', True) and not self.training")),
    ),
    shared.mode_from_gradients(
        edit(STOPPED, STOPPED.replace("not self.training", "not (self.training and torch.is_grad_enabled())")),
        edit(STOPPED, STOPPED.replace("self.training", "torch.is_grad_enabled()")),
    ),
    mistake(
        "scaled-in-evaluation",
        "state",
        edit("            return weights\n", "            return weights * (1 - self.p)\n"),
        edit("            return weights\n", "            return weights / (1 - self.p)\n"),
        en="The weights are scaled in evaluation mode: there nothing happens, the scaling is done in training.",
        zh="评估模式下权重被缩放了：评估时什么都不做，缩放已在训练时完成。",
    ),
    mistake(
        "p-one-nan",
        "numerics",
        edit(ONE, "if False:"),
        edit((ONE, "if False:"), (SCALED, "weights * (keep / (1 - self.p))")),
        edit((ONE, "if False:"), (SCALED, "weights * keep * (1 / (1 - self.p))")),
        en="p = 1 divides 0 by 0 (or divides by zero): everything is dropped, so the result is zeros.",
        zh="p = 1 时出现 0/0（或除以零）：全部丢弃，结果应为零。",
    ),
    mistake(
        "p-unchecked",
        "interface",
        edit(CHECK, "if False:"),
        edit(CHECK, "if p < 0:"),
        edit(CHECK, "if p > 1:"),
        edit("raise ValueError(", "raise AssertionError("),
        en="A p outside of [0, 1] is no probability: raise ValueError in __init__, below 0 as well as above 1.",
        zh="[0, 1] 之外的 p 不是概率：应当在 __init__ 中抛出 ValueError，小于 0 和大于 1 都要检查。",
    ),
    mistake(
        "ends-refused",
        "interface",
        edit(CHECK, "if not 0 <= p < 1:"),
        edit(CHECK, "if not 0 < p < 1:"),
        edit(CHECK, "if not 0 < p <= 1:"),
        en="0 and 1 are allowed values of p: only what lies outside of [0, 1] raises.",
        zh="p 可以取 0 和 1：只有 [0, 1] 之外的值才应抛出异常。",
    ),
    mistake(
        "mask-elsewhere",
        "dtype",
        edit(", device=weights.device", ""),
        edit(KEEP, "torch.empty(weights.shape).bernoulli_(1 - self.p).bool()"),
        edit(KEEP, "torch.bernoulli(torch.full(weights.shape, 1 - self.p)).bool()"),
        en="The mask is made on the default device: when the weights are on a GPU, the product fails. Give device=weights.device, or use "
        "rand_like.",
        zh="掩码建在默认设备上：权重在 GPU 上时相乘会报错。请指定 device=weights.device，或使用 rand_like。",
    ),
    shared.returns_float32(
        edit(SCALED, "weights * keep.float() / (1 - self.p)"),
        edit(SCALED, "(weights * keep / (1 - self.p)).float()"),
    ),
    mistake(
        "weights-changed",
        "state",
        edit("return weights * keep", "weights *= keep\n        return weights"),
        edit("return weights * keep / (1 - self.p)", "return weights.mul_(keep).div_(1 - self.p)"),
        edit("return weights * keep / (1 - self.p)", "weights[~keep] = 0\n        return weights / (1 - self.p)"),
        en="The weights are changed in place (an operation like weights *= mask): the caller's tensor is altered. Make a new one.",
        zh="权重被原地修改了（例如 weights *= mask）：调用者的张量被改变了。请生成新的张量。",
    ),
    mistake(
        "detached",
        "gradient",
        edit("return weights * keep", "return weights.detach() * keep"),
        en="The weights are detached: no gradient flows through those that are kept. Only the mask has none.",
        zh="权重被 detach 了：梯度无法经过保留的权重。没有梯度的只应是掩码。",
    ),
    mistake(
        "library-called",
        "rules",
        rewrite(AttentionDropout),
        en="PyTorch's ready-made dropout is called: this exercise asks you to write it yourself.",
        zh="调用了 PyTorch 现成的 dropout：本题要求自己实现。",
    ),
)

exercise = Exercise(
    targets=("AttentionDropout",),
    outputs=("weights",),
    cases=cases,
    mistakes=mistakes,
    oracles=(AttentionDropout,),
    forbidden=LIBRARY_DROPOUT,
)
