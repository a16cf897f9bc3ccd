# family: numerics
# mistake: A LayerNorm is counted with a weight and no bias.
def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    attention = 4 * (embed_dim ** 2 + embed_dim)
    mlp = 2 * embed_dim * ff_dim + embed_dim + ff_dim
    norm = embed_dim
    total = vocab_size * embed_dim + num_layers * (attention + mlp + 2 * norm) + norm
    return total + (0 if tied else vocab_size * embed_dim)
