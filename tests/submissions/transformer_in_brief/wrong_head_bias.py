# family: numerics
# mistake: The untied output matrix is given a bias.
def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    attention = 4 * (embed_dim ** 2 + embed_dim)
    mlp = 2 * embed_dim * ff_dim + embed_dim + ff_dim
    total = vocab_size * embed_dim + num_layers * (attention + mlp + 4 * embed_dim) + 2 * embed_dim
    if not tied:
        total += (embed_dim + 1) * vocab_size
    return total
