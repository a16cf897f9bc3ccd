import torch


class _Recomputer:
    """Graph of the first run holds numbers only; what was saved is made again when somebody asks."""

    def __init__(self, fn, inputs):
        self.fn, self.inputs = fn, inputs
        self.state = torch.get_rng_state()
        self.count = 0
        self.again = {}

    def pack(self, tensor):
        self.count += 1
        return self.count - 1

    def unpack(self, number):
        if number not in self.again:
            self.again = self._run()
        return self.again.pop(number)

    def _run(self):
        fresh = {}

        def collect(t):
            fresh[len(fresh)] = t.detach()
            return len(fresh) - 1

        def never(_):
            raise RuntimeError("the second run is not differentiated")

        outside = torch.get_rng_state()
        torch.set_rng_state(self.state)
        try:
            with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(collect, never):
                self.fn(*self.inputs)
        finally:
            torch.set_rng_state(outside)
        return fresh


def checkpointed(fn, *inputs):
    helper = _Recomputer(fn, inputs)
    with torch.autograd.graph.saved_tensors_hooks(helper.pack, helper.unpack):
        return fn(*inputs)
