from torch import nn


def transformer_parameters(vocab_size: int, embed_dim: int, num_layers: int, ff_dim: int, tied: bool = True) -> int:
    def layer():
        return nn.ModuleList(
            [nn.Linear(embed_dim, embed_dim) for _ in range(4)]
            + [nn.Linear(embed_dim, ff_dim), nn.Linear(ff_dim, embed_dim)]
            + [nn.LayerNorm(embed_dim), nn.LayerNorm(embed_dim)]
        )

    parts = [nn.Embedding(vocab_size, embed_dim), nn.LayerNorm(embed_dim)] + [layer() for _ in range(num_layers)]
    if not tied:
        parts.append(nn.Linear(embed_dim, vocab_size, bias=False))
    return sum(p.numel() for part in parts for p in part.parameters())
