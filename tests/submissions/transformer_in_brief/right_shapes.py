"""A list of all shapes, then the sum of their products."""
from math import prod


def _shapes(V, E, n, F, tied):
    yield (V, E)
    for _ in range(n):
        for _ in range(4):
            yield from ((E, E), (E,))
        yield from ((F, E), (F,), (E, F), (E,))
        yield from ((E,), (E,)) * 2
    yield from ((E,), (E,))
    if not tied:
        yield (V, E)


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    return sum(map(prod, _shapes(vocab_size, embed_dim, num_layers, ff_dim, tied)))
