import torch


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    new = lambda *shape: torch.empty(shape, device="meta")
    E, F = embed_dim, ff_dim
    total = [new(vocab_size, E), new(E), new(E)] + ([] if tied else [new(vocab_size, E)])
    for _ in range(num_layers):
        total += [new(E, E), new(E)] * 4 + [new(E, F), new(F), new(F, E), new(E)] + [new(E)] * 4
    return sum(t.numel() for t in total)
