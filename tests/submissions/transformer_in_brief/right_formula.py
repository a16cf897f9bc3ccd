def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    attention = 4 * (embed_dim * embed_dim + embed_dim)
    feed_forward = embed_dim * ff_dim + ff_dim + ff_dim * embed_dim + embed_dim
    norm = 2 * embed_dim
    total = vocab_size * embed_dim + num_layers * (attention + feed_forward + 2 * norm) + norm
    return total if tied else total + embed_dim * vocab_size
