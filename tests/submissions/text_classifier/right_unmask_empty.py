import torch
from torch import nn


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.classifier = nn.Linear(embed_dim, num_classes)

    def forward(self, tokens):
        padding = tokens == self.pad_id
        empty = padding.all(dim=1, keepdim=True)
        x = self.embedding(tokens)
        h, _ = self.attention(x, x, x, key_padding_mask=padding & ~empty, need_weights=False)
        keep = (~padding).unsqueeze(-1)
        pooled = h.masked_fill(~keep, 0).sum(dim=1) / keep.sum(dim=1).clamp(min=1)
        return self.classifier(pooled)
