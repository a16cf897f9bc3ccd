# family: state
# The state is set for the second run and never given back.
import torch


def checkpointed(fn, *inputs):
    """What ``fn(*inputs)`` returns, keeping only the inputs for the backward pass, in which ``fn`` runs again.

    fn: takes the inputs by position and returns one tensor; it may close over parameters and draw random numbers.
    inputs: tensors (at least one requires a gradient) and anything else.
    """
    class RunAgain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
            ctx.save_for_backward(*tensors)
            ctx.others = [None if isinstance(x, torch.Tensor) else x for x in inputs]
            ctx.places = [i for i, x in enumerate(inputs) if isinstance(x, torch.Tensor)]
            ctx.rng = torch.get_rng_state()
            return fn(*inputs)

        @staticmethod
        def backward(ctx, grad):
            again = list(ctx.others)
            for i, x in zip(ctx.places, ctx.saved_tensors):
                again[i] = x.detach().requires_grad_(x.requires_grad)
            with torch.enable_grad():
                torch.set_rng_state(ctx.rng)
                output = fn(*again)
            torch.autograd.backward(output, grad)
            return tuple(x.grad if isinstance(x, torch.Tensor) else None for x in again)

    return RunAgain.apply(*inputs)
