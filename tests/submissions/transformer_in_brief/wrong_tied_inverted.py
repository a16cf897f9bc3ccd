# family: numerics
# mistake: The output matrix is counted when it is tied and left out when it is not.
def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    matrices = 2 if tied else 1
    attention = 4 * (embed_dim ** 2 + embed_dim)
    mlp = 2 * embed_dim * ff_dim + embed_dim + ff_dim
    return matrices * vocab_size * embed_dim + num_layers * (attention + mlp + 4 * embed_dim) + 2 * embed_dim
