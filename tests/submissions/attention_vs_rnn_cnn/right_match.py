import torch


def path_length(kind, n, kernel=3):
    match kind:
        case "attention":
            return min(n - 1, 1)
        case "rnn":
            return n - 1
        case "cnn":
            return -(-(n - 1) // ((kernel - 1) // 2))
    raise ValueError(f"unknown kind {kind!r}")


def sequential_steps(kind, n):
    match kind:
        case "attention" | "cnn":
            return 1
        case "rnn":
            return n
    raise ValueError(f"unknown kind {kind!r}")


def is_permutation_equivariant(fn, x):
    y = fn(x)
    generator = torch.Generator().manual_seed(0)
    length = x.shape[1]
    orders = [torch.randperm(length, generator=generator) for _ in range(8)] + [torch.arange(length).flip(0)]
    return all(torch.allclose(fn(x[:, p]), y[:, p], rtol=1e-4, atol=1e-5) for p in orders)
