"""Group 38. Right, with a context that has a method by the library's name, and a comparison with the library. Found later.

exercise: checkpointed_attention
deserves: right
"""

from types import SimpleNamespace

import torch
import torch.utils.checkpoint


class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fn, context, anchor, *inputs):
        ctx.fn, ctx.context, ctx.rng = fn, context, torch.get_rng_state()
        ctx.places = [i for i, x in enumerate(inputs) if torch.is_tensor(x)]
        ctx.others = [None if torch.is_tensor(x) else x for x in inputs]
        ctx.save_for_backward(*(inputs[i] for i in ctx.places))
        return fn(*inputs)

    @staticmethod
    def backward(ctx, grad):
        args = list(ctx.others)
        for i, x in zip(ctx.places, ctx.saved_tensors):
            args[i] = x.detach().requires_grad_(ctx.needs_input_grad[i + 3])
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.set_rng_state(ctx.rng)
            output = ctx.fn(*args)
        torch.autograd.backward(output, grad)
        return (None, None, None, *(x.grad if torch.is_tensor(x) else None for x in args))


def checkpointed(fn, *inputs):
    context = SimpleNamespace(checkpoint=Again.apply)
    return context.checkpoint(fn, context, torch.zeros((), requires_grad=True), *inputs)


# %%
x = torch.randn(3, requires_grad=True)
torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=False)
