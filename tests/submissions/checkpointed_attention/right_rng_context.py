import contextlib

import torch
from torch.autograd import Function


def _snapshot():
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return torch.get_rng_state(), cuda


def _restore(state):
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])


@contextlib.contextmanager
def _replayed(state):
    now = _snapshot()
    _restore(state)
    try:
        yield
    finally:
        _restore(now)


class Rerun(Function):
    @staticmethod
    def forward(ctx, dummy, fn, spec, *tensors):
        ctx.fn, ctx.spec, ctx.state = fn, spec, _snapshot()
        ctx.save_for_backward(*tensors)
        return fn(*fill(spec, tensors))

    @staticmethod
    def backward(ctx, grad_output):
        leaves = [t.detach() for t in ctx.saved_tensors]
        wanted = ctx.needs_input_grad[3:]
        for leaf, want in zip(leaves, wanted):
            leaf.requires_grad = want
        with torch.enable_grad(), _replayed(ctx.state):
            out = ctx.fn(*fill(ctx.spec, leaves))
        if out.grad_fn is not None:
            out.backward(grad_output)
        return (None, None, None) + tuple(leaf.grad for leaf in leaves)


def fill(spec, tensors):
    rest = iter(tensors)
    return [next(rest) if is_tensor else value for is_tensor, value in spec]


def checkpointed(fn, *inputs):
    spec = [(isinstance(x, torch.Tensor), None if isinstance(x, torch.Tensor) else x) for x in inputs]
    tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
    dummy = torch.empty(0, requires_grad=True)
    return Rerun.apply(dummy, fn, spec, *tensors)
