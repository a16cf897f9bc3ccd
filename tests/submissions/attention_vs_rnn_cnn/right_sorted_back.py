"""Shuffle, apply, put back in place with argsort; ValueError through a lookup."""
import torch

_REACH = {
    "attention": lambda n, kernel: int(n > 1),
    "rnn": lambda n, kernel: n - 1,
    "cnn": lambda n, kernel: -((1 - n) // (kernel // 2)),
}


def _known(kind):
    if kind not in _REACH:
        raise ValueError(f"kind must be one of {', '.join(_REACH)}")
    return kind


def path_length(kind, n, kernel=3):
    return _REACH[_known(kind)](n, kernel)


def sequential_steps(kind, n):
    return {"rnn": n}.get(_known(kind), 1)


def is_permutation_equivariant(fn, x):
    before = x.clone()
    expected = fn(before.clone())
    state = torch.Generator(device="cpu")
    for seed in range(8):
        state.manual_seed(1000 + seed)
        order = torch.rand(x.shape[1], generator=state).argsort().to(x.device)
        got = fn(before.index_select(1, order)).index_select(1, order.argsort())
        scale = expected.abs().amax().clamp(min=1e-3)
        allowed = {torch.float64: 1e-8, torch.float32: 1e-4}.get(expected.dtype, 3e-2)
        if ((got - expected).abs().amax() > allowed * scale).item():
            return False
    return True
