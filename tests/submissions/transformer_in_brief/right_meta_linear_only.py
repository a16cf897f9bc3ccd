import torch
from torch import nn


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    E = embed_dim
    with torch.device("meta"):
        parts = [nn.Linear(E, E) for _ in range(4)] + [nn.Linear(E, ff_dim), nn.Linear(ff_dim, E), nn.LayerNorm(E), nn.LayerNorm(E)]
        rest = [nn.LayerNorm(E)] + [nn.Linear(E, vocab_size, bias=False)] * (1 if tied else 2)
    count = lambda ms: sum(p.numel() for m in ms for p in m.parameters())
    return num_layers * count(parts) + count(rest)
