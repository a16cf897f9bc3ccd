import contextlib
import torch


@contextlib.contextmanager
def _as_it_was(state):
    now = torch.default_generator.get_state()
    torch.default_generator.set_state(state)
    try:
        yield
    finally:
        torch.default_generator.set_state(now)


def checkpointed(fn, *inputs):
    """Only the tensors that need a gradient enter the Function; everything else sits in a closure."""
    where = [n for n, a in enumerate(inputs) if isinstance(a, torch.Tensor) and a.requires_grad]
    frozen = [None if n in where else a for n, a in enumerate(inputs)]
    state = torch.default_generator.get_state()

    def run(wanted):
        args = list(frozen)
        for n, t in zip(where, wanted):
            args[n] = t
        return fn(*args)

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *wanted):
            ctx.save_for_backward(*wanted)
            return run(wanted)

        @staticmethod
        def backward(ctx, from_above):
            with torch.enable_grad(), _as_it_was(state):
                copies = [t.detach().requires_grad_() for t in ctx.saved_tensors]
                surrogate = (run(copies) * from_above.detach()).sum()
            surrogate.backward()
            return tuple(c.grad for c in copies)

    return Once.apply(*[inputs[n] for n in where])
