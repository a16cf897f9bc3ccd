# family: gradient
# mistake: the recomputed output is summed and differentiated, the incoming gradient is not used
import torch


class Ckpt(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, anchor, *inputs):
        ctx.fn, ctx.inputs, ctx.rng = fn, inputs, torch.get_rng_state()
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        need = ctx.needs_input_grad[2:]
        args = [a.detach().requires_grad_() if n else a for a, n in zip(ctx.inputs, need)]
        with torch.random.fork_rng(), torch.enable_grad():
            torch.set_rng_state(ctx.rng)
            out = ctx.fn(*args)
            if out.requires_grad:
                out.sum().backward()
        return (None, None, *[a.grad if n else None for a, n in zip(args, need)])


def checkpointed(fn, *inputs):
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
