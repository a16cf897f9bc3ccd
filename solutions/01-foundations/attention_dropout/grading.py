"""How attention dropout is graded: by what is true of every right draw, never by one draw."""

from collections.abc import Iterator

import torch
from shared import built, modes
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, rewrite

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


def cases(rand: Inputs) -> Iterator[Case]:
    def weights(*shape: int) -> tuple[torch.Tensor]:
        return (rand.normal(*shape).softmax(-1),)

    # p = 0.3 and 0.8: 1/(1 - p), 1/p, p and 1 - p all differ, also from one p to the other.
    yield Case(
        "what is kept is divided by 1 − p",
        built(0.3).as_initialised().train()(*weights(4, 6, 5)),
        family="scaling",
        probe=kept,
        public=True,
    )
    yield Case(
        "the same with another p", built(0.8).as_initialised().train()(*weights(8, 40)), family="scaling", probe=kept
    )
    yield Case(
        "three tenths are dropped at p = 0.3",
        built(0.3).as_initialised().train()(*weights(4, 8, 128)),
        probe=dropped,
        public=True,
    )
    yield Case(
        "eight tenths are dropped at p = 0.8", built(0.8).as_initialised().train()(*weights(32, 128)), probe=dropped
    )
    yield Case(
        "entries are dropped one by one",
        built(0.5).as_initialised().train()(*weights(2, 3, 16, 12)),
        probe=repeated,
        public=True,
    )
    yield Case(
        "a single entry is dropped in some calls and kept in others",
        built(0.5).as_initialised().train()(*weights(1, 1)),
        probe=both_ways,
    )
    yield Case(
        "every call draws anew", built(0.4).as_initialised().train()(*weights(6, 32)), family="state", probe=redrawn
    )
    yield Case(
        "evaluation: nothing happens",
        built(0.6).as_initialised()(*weights(3, 4, 5)),
        family="state",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "evaluation after training",
        built(0.5).as_initialised().train()(*weights(2, 5, 7)),
        family="state",
        probe=evaluated,
    )
    yield Case(
        "evaluation, training, evaluation, … in turn",
        built(0.4).as_initialised()(*weights(4, 60)),
        family="state",
        probe=modes,
        public=True,
    )
    yield Case("p = 0 in training", built(0.0).as_initialised().train()(*weights(3, 5)))
    yield Case("p = 1 in training", built(1.0).as_initialised().train()(*weights(2, 4, 3)))
    yield Case(
        "gradient of what is kept",
        built(0.3).as_initialised().train()(*weights(3, 8, 6)),
        family="gradient",
        probe=follows,
    )
    yield Case("p below 0", built(-0.1), raises="ValueError", family="interface", public=True)
    yield Case("p above 1", built(1.5), raises="ValueError", family="interface")
    yield Case(
        "the mask is made where the weights are",
        built(0.5).as_initialised().train()(*weights(3, 7)),
        family="dtype",
        probe=beside,
    )
    yield Case(
        "float64", built(0.5).as_initialised().train()(*weights(4, 9)), family="dtype", dtype="float64", probe=kept
    )
    yield Case(
        "bfloat16", built(0.5).as_initialised().train()(*weights(5, 8)), family="dtype", dtype="bfloat16", probe=kept
    )


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


mistakes = known(
    not_divided=[
        replace(" / (1 - self.p)", ""),
        replace(
            (" / (1 - self.p)", ""), ("            return weights\n", "            return weights * (1 - self.p)\n")
        ),
        replace(
            (" / (1 - self.p)", ""),
            ("if not self.training or self.p == 0:\n", "if not self.training:\n"),
            ("            return weights\n", "            return weights * (1 - self.p)\n"),
        ),
    ],
    multiplied_by_keep=[
        replace("/ (1 - self.p)", "* (1 - self.p)"),
        replace("/ (1 - self.p)", "/ self.p"),
        replace("/ (1 - self.p)", "* self.p"),
    ],
    rows_renormalised=[
        replace(SCALED, "weights * keep / (weights * keep).sum(dim=-1, keepdim=True)"),
        replace(SCALED, "weights * keep / (weights * keep).sum(dim=-1, keepdim=True).clamp_min(1e-9)"),
    ],
    p_and_keep_swapped=[
        replace(">= self.p", "< self.p"),
        replace((">= self.p", "< self.p"), (" / (1 - self.p)", " / self.p")),
        replace((">= self.p", "< self.p"), (" / (1 - self.p)", "")),
    ],
    whole_rows_dropped=[
        replace(DRAW, "torch.rand(weights.shape[:-1], device=weights.device).unsqueeze(-1)"),
        replace(DRAW, "torch.rand(weights.shape[-1], device=weights.device)"),
        replace(DRAW, "torch.rand(weights.shape[-2:], device=weights.device)"),
        replace(DRAW, "torch.rand(weights.shape[-2:-1], device=weights.device).unsqueeze(-1)"),
        replace(DRAW, "torch.rand(weights.shape[0], *[1] * (weights.dim() - 1), device=weights.device)"),
        replace(DRAW, "torch.rand(*weights.shape[:-2], 1, weights.shape[-1], device=weights.device)"),
        replace(DRAW, "torch.rand((), device=weights.device)"),
    ],
    same_mask_every_call=[
        replace(
            "        keep = torch.rand(weights.shape, device=weights.device) >=",
            "        torch.manual_seed(0)\n        keep = torch.rand(weights.shape, device=weights.device) >=",
        ),
        replace(
            "        keep = torch.rand(weights.shape, device=weights.device) >= self.p",
            "        if not hasattr(self, 'mask') or self.mask.shape != weights.shape:\n"
            "            self.mask = torch.rand(weights.shape, device=weights.device) >= self.p\n"
            "        keep = self.mask",
        ),
    ],
    active_in_evaluation=replace("if not self.training or self.p == 0:", "if self.p == 0:"),
    never_drops=replace("if not self.training or self.p == 0:", "if True:"),
    modes_swapped=[
        replace("if not self.training or self.p == 0:", "if self.training or self.p == 0:"),
        replace("if not self.training or self.p == 0:", "if self.training:"),
    ],
    mode_kept=[
        replace(STOPPED, f"if not self.training:\n            self.p = 0.0\n        {STOPPED}"),
        replace(STOPPED, stored("getattr(self, 'off', False) or not self.training")),
        replace(STOPPED, stored("getattr(self, 'off', not self.training)")),
        replace(STOPPED, stored("getattr(self, 'off', True) and not self.training")),
    ],
    mode_from_gradients=[
        replace(STOPPED, STOPPED.replace("not self.training", "not (self.training and torch.is_grad_enabled())")),
        replace(STOPPED, STOPPED.replace("self.training", "torch.is_grad_enabled()")),
    ],
    scaled_in_evaluation=[
        replace("            return weights\n", "            return weights * (1 - self.p)\n"),
        replace("            return weights\n", "            return weights / (1 - self.p)\n"),
    ],
    p_one_nan=[
        replace(ONE, "if False:"),
        replace((ONE, "if False:"), (SCALED, "weights * (keep / (1 - self.p))")),
        replace((ONE, "if False:"), (SCALED, "weights * keep * (1 / (1 - self.p))")),
    ],
    p_unchecked=[
        replace(CHECK, "if False:"),
        replace(CHECK, "if p < 0:"),
        replace(CHECK, "if p > 1:"),
        replace("raise ValueError(", "raise AssertionError("),
    ],
    ends_refused=[
        replace(CHECK, "if not 0 <= p < 1:"),
        replace(CHECK, "if not 0 < p < 1:"),
        replace(CHECK, "if not 0 < p <= 1:"),
    ],
    mask_elsewhere=[
        replace(", device=weights.device", ""),
        replace(KEEP, "torch.empty(weights.shape).bernoulli_(1 - self.p).bool()"),
        replace(KEEP, "torch.bernoulli(torch.full(weights.shape, 1 - self.p)).bool()"),
    ],
    returns_float32=[
        replace(SCALED, "weights * keep.float() / (1 - self.p)"),
        replace(SCALED, "(weights * keep / (1 - self.p)).float()"),
    ],
    weights_changed=[
        replace("return weights * keep", "weights *= keep\n        return weights"),
        replace("return weights * keep / (1 - self.p)", "return weights.mul_(keep).div_(1 - self.p)"),
        replace("return weights * keep / (1 - self.p)", "weights[~keep] = 0\n        return weights / (1 - self.p)"),
    ],
    detached=replace("return weights * keep", "return weights.detach() * keep"),
    library_called=rewrite(AttentionDropout),
)

exercise = Exercise(
    targets=("AttentionDropout",),
    outputs=("weights",),
    cases=cases,
    mistakes=mistakes,
    oracles=(AttentionDropout,),
    forbidden=LIBRARY_DROPOUT,
)
