import torch
from torch import nn


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    E = embed_dim
    with torch.no_grad():
        layer = nn.TransformerEncoderLayer(E, 1, ff_dim)
    outside = vocab_size * E * (1 if tied else 2) + sum(p.numel() for p in nn.LayerNorm(E).parameters())
    return num_layers * sum(p.numel() for p in layer.parameters()) + outside
