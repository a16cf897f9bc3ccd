"""One polynomial, brackets multiplied out."""


def transformer_parameters(vocab_size: int, embed_dim: int, num_layers: int, ff_dim: int, tied: bool = True) -> int:
    E, F, V, n = embed_dim, ff_dim, vocab_size, num_layers
    return V * E * (2 - bool(tied)) + n * (4 * E * E + 2 * E * F + 9 * E + F) + 2 * E
