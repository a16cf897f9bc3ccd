def _linear(n_in, n_out, bias=True):
    return n_out * (n_in + int(bias))


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    count = vocab_size * embed_dim
    for _ in range(num_layers):
        count += 4 * _linear(embed_dim, embed_dim)
        count += _linear(embed_dim, ff_dim) + _linear(ff_dim, embed_dim)
        count += 2 * (embed_dim + embed_dim)
    count += 2 * embed_dim
    if not tied:
        count += _linear(embed_dim, vocab_size, bias=False)
    return count
