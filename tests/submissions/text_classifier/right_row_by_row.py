import torch
from torch import nn


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.classifier = nn.Linear(embed_dim, num_classes)

    def encode(self, row):
        words = row[row != self.pad_id]
        if len(words) == 0:
            return self.embedding.weight.new_zeros(self.embedding.embedding_dim)
        x = self.embedding(words).unsqueeze(0)
        return self.attention(x, x, x)[0].mean(dim=1).squeeze(0)

    def forward(self, tokens):
        return self.classifier(torch.stack([self.encode(row) for row in tokens]))
