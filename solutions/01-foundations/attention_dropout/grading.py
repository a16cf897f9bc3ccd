"""How attention dropout is graded: by what is true of every right draw, never by one draw."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import follows_the_mode, through_modes
from torch import nn
from torch.overrides import TorchFunctionMode

from grader.authoring import Case, Exercise, Inputs, built, known, replace, rewrite, standard

LIBRARY_DROPOUT = (
    *("dropout", "dropout_", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "native_dropout"),
    *("Dropout", "AlphaDropout", "FeatureAlphaDropout"),
    *(f"{name}{axes}d" for name in ("dropout", "Dropout") for axes in (1, 2, 3)),
)


def least_and_largest(out, weights):
    """The least and the largest factor of the entries that are kept."""
    factors = (out / weights)[out != 0]
    return torch.stack([factors.min(), factors.max()]) if factors.numel() else torch.zeros_like(out.flatten()[:2])


def share_dropped(out, weights):
    # Of 4096 entries the share is right to 0.007, one standard deviation; a tenth is 14 of them.
    return {"tenths of the entries dropped": float(round((out == 0).double().mean().item() * 10))}


def repeated(out, weights):
    drop = out == 0
    return {f"same along axis {axis}": bool((drop == drop.narrow(axis, 0, 1)).all()) for axis in range(drop.dim())}


def eighty_calls(target, weights):
    return [target(weights) for _ in range(80)]


def both_ways(calls, weights):
    """Whether 80 calls drop something, and keep something: by chance, one in 10^24 right solutions does not."""
    untouched = [bool(out.ne(0).all()) for out in calls]
    return any(untouched), not all(untouched)


def two_calls(target, weights):
    return target(weights.clone()), target(weights.clone())


def redrawn(calls, weights):
    first, second = calls
    return {"another draw in the second call": bool(((first == 0) != (second == 0)).any())}


def evaluated(target, weights):
    target.train()
    target(weights.clone())
    target.eval()
    return target(weights)


def with_gradient(target, weights):
    leaf = weights.clone().requires_grad_()
    out = target(leaf * 1.0)
    gradient = torch.autograd.grad(out.sum(), leaf)[0] if out.requires_grad else torch.zeros_like(leaf)
    return out.detach(), gradient


def follows(found, weights):
    out, gradient = found
    agrees = torch.allclose(gradient * weights, out, atol=1e-4)
    return {"the gradient is the factor of each entry": agrees}


def beside(target, weights):
    """A tensor made without saying where lies on the CPU; on an accelerator it then fails, unless it is moved."""
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
    def evaluating(p: float, *shape: int) -> Any:
        return built(p).as_initialised()(rand.normal(*shape).softmax(-1))

    def training(p: float, *shape: int) -> Any:
        return evaluating(p, *shape).train()

    scaling, state = partial(Case, family="scaling"), partial(Case, family="state")
    # p = 0.3 and 0.8: 1/(1 - p), 1/p, p and 1 - p all differ, also from one p to the other.
    kept = partial(scaling, summary=least_and_largest)
    yield kept("what is kept is divided by 1 − p", training(0.3, 4, 6, 5), public=True, essential=True)
    yield kept("the same with another p", training(0.8, 8, 40))
    share = partial(Case, summary=share_dropped)
    yield share("three tenths are dropped at p = 0.3", training(0.3, 4, 8, 128), public=True, essential=True)
    yield share("eight tenths are dropped at p = 0.8", training(0.8, 32, 128))
    yield Case("entries are dropped one by one", training(0.5, 2, 3, 16, 12), summary=repeated, public=True)
    some = "a single entry is dropped in some calls and kept in others"
    yield Case(some, training(0.5, 1, 1), probe=eighty_calls, summary=both_ways)
    anew = training(0.4, 6, 32)
    yield state("every call draws anew", anew, probe=two_calls, summary=redrawn, essential=True)
    same = evaluating(0.6, 3, 4, 5)
    yield state("evaluation: nothing happens", same, gradients=True, twice=True, public=True, essential=True)
    yield state("evaluation after training", training(0.5, 2, 5, 7), probe=evaluated)
    in_turn = partial(state, probe=through_modes, summary=follows_the_mode, public=True, essential=True)
    yield in_turn("evaluation, training, evaluation, … in turn", evaluating(0.4, 4, 60))
    yield Case("p = 0 in training", training(0.0, 3, 5))
    yield Case("p = 1 in training", training(1.0, 2, 4, 3))
    gradient = partial(Case, family="gradient", probe=with_gradient, summary=follows)
    yield gradient("gradient of what is kept", training(0.3, 3, 8, 6))
    yield Case("p below 0", built(-0.1), raises="ValueError", family="interface", public=True)
    yield Case("evaluation in bfloat16", evaluating(0.4, 3, 6), family="dtype", dtype="bfloat16")
    yield Case("p = 1 in bfloat16", training(1.0, 2, 5), family="dtype", dtype="bfloat16")
    yield Case("p above 1", built(1.5), raises="ValueError", family="interface")
    yield Case("the mask is made where the weights are", training(0.5, 3, 7), family="dtype", probe=beside)
    yield from standard(
        lambda: training(0.5, 5, 8), dtypes=("float64", "bfloat16"), strides=False, summary=least_and_largest
    )


def AttentionDropout(p):
    """The oracle: the library's dropout."""
    return nn.Dropout(p)


DRAW = "torch.rand(weights.shape, device=weights.device)"
KEEP = f"{DRAW} >= self.p"
DIVISION = " / (1 - self.p)"
KEPT = "weights * keep"
SCALED = f"{KEPT}{DIVISION}"
STOPPED = "if not self.training or self.p == 0:"
UNCHANGED = "return weights\n"
CHECK = "if not 0 <= p <= 1:"

UNDIVIDED = (DIVISION, "")
SWAPPED = (">= self.p", "< self.p")
MULTIPLIED = (UNCHANGED, "return weights * (1 - self.p)\n")
P_ONE_FORGOTTEN = ("if self.p == 1:", "if False:")
SHAPES = (
    "*weights.shape[:-1], 1",
    "weights.shape[-1]",
    "weights.shape[-2:]",
    "weights.shape[-2], 1",
    "weights.shape[0], *[1] * (weights.dim() - 1)",
    "*weights.shape[:-2], 1, weights.shape[-1]",
    "()",
)
STORED = (
    "getattr(self, 'off', False) or not self.training",
    "getattr(self, 'off', not self.training)",
    "getattr(self, 'off', True) and not self.training",
)

mistakes = known(
    not_divided=[
        replace(UNDIVIDED),
        replace(UNDIVIDED, MULTIPLIED),
        replace(UNDIVIDED, MULTIPLIED, (STOPPED, "if not self.training:")),
    ],
    multiplied_by_keep=[replace(DIVISION, wrong) for wrong in (" * (1 - self.p)", " / self.p", " * self.p")],
    rows_renormalised=[
        replace(SCALED, f"{KEPT} / ({KEPT}).sum(dim=-1, keepdim=True)"),
        replace(SCALED, f"{KEPT} / ({KEPT}).sum(dim=-1, keepdim=True).clamp_min(1e-9)"),
    ],
    p_and_keep_swapped=[replace(SWAPPED), replace(SWAPPED, (DIVISION, " / self.p")), replace(SWAPPED, UNDIVIDED)],
    whole_rows_dropped=[replace("torch.rand(weights.shape", f"torch.rand({shape}") for shape in SHAPES],
    same_mask_every_call=[
        replace("keep = ", "torch.manual_seed(0)\n        keep = "),
        replace(
            f"keep = {KEEP}",
            "if not hasattr(self, 'mask') or self.mask.shape != weights.shape:\n"
            f"            self.mask = {KEEP}\n        keep = self.mask",
        ),
    ],
    active_in_evaluation=replace("not self.training or ", ""),
    never_drops=replace(STOPPED, "if True:"),
    modes_swapped=[replace("not self.training", "self.training"), replace(STOPPED, "if self.training:")],
    mode_kept=[
        replace(STOPPED, f"if not self.training:\n            self.p = 0.0\n        {STOPPED}"),
        *(replace(STOPPED, f"self.off = {off}\n        if self.off or self.p == 0:") for off in STORED),
    ],
    mode_from_gradients=[
        replace("not self.training", "not (self.training and torch.is_grad_enabled())"),
        replace("self.training", "torch.is_grad_enabled()"),
    ],
    scaled_in_evaluation=[replace(MULTIPLIED), replace(UNCHANGED, "return weights / (1 - self.p)\n")],
    p_one_nan=[
        replace(P_ONE_FORGOTTEN),
        replace(P_ONE_FORGOTTEN, (SCALED, "weights * (keep / (1 - self.p))")),
        replace(P_ONE_FORGOTTEN, (SCALED, "weights * keep * (1 / (1 - self.p))")),
    ],
    p_unchecked=[
        *(replace(CHECK, check) for check in ("if False:", "if p < 0:", "if p > 1:")),
        replace("raise ValueError", "raise AssertionError"),
    ],
    ends_refused=[replace("0 <= p <= 1", inside) for inside in ("0 <= p < 1", "0 < p < 1", "0 < p <= 1")],
    mask_elsewhere=[
        replace(", device=weights.device", ""),
        replace(KEEP, "torch.empty(weights.shape).bernoulli_(1 - self.p).bool()"),
        replace(KEEP, "torch.bernoulli(torch.full(weights.shape, 1 - self.p)).bool()"),
    ],
    # The first is right in float64, which the one that the grader makes is not.
    returns_float32=[replace(SCALED, f"weights * keep.float(){DIVISION}"), replace(SCALED, f"({SCALED}).float()")],
    weights_changed=[
        replace("return weights * keep", "weights *= keep\n        return weights"),
        replace(SCALED, "weights.mul_(keep).div_(1 - self.p)"),
        replace(f"return {SCALED}", f"weights[~keep] = 0\n        return weights{DIVISION}"),
    ],
    detached=replace(KEPT, "weights.detach() * keep"),
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
