import torch


class _Checkpoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, *inputs):
        ctx.fn = fn
        ctx.layout = [None if torch.is_tensor(a) else (a,) for a in inputs]
        ctx.save_for_backward(*[a for a in inputs if torch.is_tensor(a)])
        ctx.rng = torch.get_rng_state()
        return fn(*inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        tensors = iter(ctx.saved_tensors)
        args = []
        for slot, needed in zip(ctx.layout, ctx.needs_input_grad[1:]):
            args.append(slot[0] if slot is not None else next(tensors).detach().requires_grad_(needed))
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.set_rng_state(ctx.rng)
            out = ctx.fn(*args)
        if out.requires_grad:
            torch.autograd.backward(out, grad)
        return (None, *(a.grad if n else None for a, n in zip(args, ctx.needs_input_grad[1:])))


def checkpointed(fn, *inputs):
    return _Checkpoint.apply(fn, *inputs)
