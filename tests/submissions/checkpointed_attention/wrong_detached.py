# family: gradient
# mistake: the inputs are detached before fn runs, so no gradient reaches them
import torch


class Ckpt(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, anchor, *inputs):
        ctx.fn, ctx.inputs, ctx.rng = fn, inputs, torch.get_rng_state()
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        with torch.random.fork_rng(), torch.enable_grad():
            torch.set_rng_state(ctx.rng)
            out = ctx.fn(*ctx.inputs)
        if out.requires_grad:
            out.backward(grad)
        return (None,) * (2 + len(ctx.inputs))


def checkpointed(fn, *inputs):
    inputs = [x.detach() if torch.is_tensor(x) else x for x in inputs]
    return Ckpt.apply(fn, torch.zeros(1, requires_grad=True), *inputs)
