# family: state
# mistake: seeds the global generator with 0 in both passes, so every call draws the same dropout
import torch


class Ckpt(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, anchor, *inputs):
        ctx.fn, ctx.inputs = fn, inputs
        torch.manual_seed(0)
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        need = ctx.needs_input_grad[2:]
        args = [a.detach().requires_grad_() if n else a for a, n in zip(ctx.inputs, need)]
        torch.manual_seed(0)
        with torch.enable_grad():
            out = ctx.fn(*args)
        if out.requires_grad:
            torch.autograd.backward(out, grad)
        return (None, None, *[a.grad if n else None for a, n in zip(args, need)])


def checkpointed(fn, *inputs):
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
