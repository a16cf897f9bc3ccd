# family: numerics
# mistake: The four attention projections are counted without their biases.
def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    attention = 4 * embed_dim ** 2
    mlp = 2 * embed_dim * ff_dim + embed_dim + ff_dim
    total = vocab_size * embed_dim + num_layers * (attention + mlp + 4 * embed_dim) + 2 * embed_dim
    return total + (0 if tied else vocab_size * embed_dim)
