"""Builds the model on the meta device, where nothing is allocated, and counts."""
from torch import nn


def _count(*modules):
    return sum(p.numel() for m in modules for p in m.parameters())


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    meta = {"device": "meta"}
    layer = [nn.Linear(embed_dim, embed_dim, **meta) for _ in range(4)]
    layer += [nn.Linear(embed_dim, ff_dim, **meta), nn.Linear(ff_dim, embed_dim, **meta)]
    layer += [nn.LayerNorm(embed_dim, **meta), nn.LayerNorm(embed_dim, **meta)]
    total = _count(nn.Embedding(vocab_size, embed_dim, **meta), nn.LayerNorm(embed_dim, **meta))
    total += num_layers * _count(*layer)
    if not tied:
        total += _count(nn.Linear(embed_dim, vocab_size, bias=False, **meta))
    return total
