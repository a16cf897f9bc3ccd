# family: gradient
# mistake: backward runs on the original inputs, filling their .grad, and returns that gradient as well
import torch


class Ckpt(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, anchor, *inputs):
        ctx.fn, ctx.inputs, ctx.rng = fn, inputs, torch.get_rng_state()
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        need = ctx.needs_input_grad[2:]
        with torch.random.fork_rng(), torch.enable_grad():
            torch.set_rng_state(ctx.rng)
            out = ctx.fn(*ctx.inputs)
        if out.requires_grad:
            torch.autograd.backward(out, grad)
        return (None, None, *[a.grad if n else None for a, n in zip(ctx.inputs, need)])


def checkpointed(fn, *inputs):
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
