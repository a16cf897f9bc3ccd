# family: state, gradient, numerics
# mistake: the recomputation draws new random numbers, so dropout differs from the forward pass
import torch


class Ckpt(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, anchor, *inputs):
        ctx.fn, ctx.inputs = fn, inputs
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        need = ctx.needs_input_grad[2:]
        args = [a.detach().requires_grad_() if n else a for a, n in zip(ctx.inputs, need)]
        with torch.enable_grad():
            out = ctx.fn(*args)
        if out.requires_grad:
            torch.autograd.backward(out, grad)
        return (None, None, *[a.grad if n else None for a, n in zip(args, need)])


def checkpointed(fn, *inputs):
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
