"""The lengths by walking; equivariance by swapping neighbours and by shuffles from a private generator."""
import torch


def path_length(kind, n, kernel=3):
    reach = {"attention": n, "rnn": 1, "cnn": (kernel - 1) // 2}.get(kind)
    if reach is None:
        raise ValueError(f"unknown kind {kind!r}")
    layers = place = 0
    while place < n - 1:
        place += reach
        layers += 1
    return layers


def sequential_steps(kind, n):
    if kind == "rnn":
        return sum(1 for _ in range(n))
    if kind in {"attention", "cnn"}:
        return 1
    raise ValueError(f"unknown kind {kind!r}")


def is_permutation_equivariant(fn, x):
    x = x.detach()
    length = x.shape[1]
    private = torch.Generator().manual_seed(length)
    orders = [torch.randperm(length, generator=private) for _ in range(4)]
    for i in range(length - 1):
        order = torch.arange(length)
        order[i], order[i + 1] = i + 1, i
        orders.append(order)
    plain = fn(x.clone()).detach()
    eps = torch.finfo(plain.dtype).eps
    tolerance = (eps * 1e3 if eps < 1e-5 else eps * 8) * max(1e-6, plain.abs().max().item())
    for order in orders:
        order = order.to(x.device)
        if not bool(((fn(x[:, order].clone()).detach() - plain[:, order]).abs() <= tolerance).all()):
            return False
    return True
