# family: gradient
# mistake: torch.autograd.grad for the inputs only, so closed-over parameters get nothing
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
        wrt = [a for a, n in zip(args, need) if n]
        grads = iter(torch.autograd.grad(out, wrt, grad) if wrt else ())
        return (None, None, *[next(grads) if n else None for n in need])


def checkpointed(fn, *inputs):
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
