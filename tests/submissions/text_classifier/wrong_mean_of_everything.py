# family: masking, normalization
# mistake: The mean runs over padding too (an empty row is still zeroed).
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
        real = tokens != self.pad_id
        hide = ~real
        hide[hide.all(1)] = False
        x = self.embedding(tokens)
        h = self.attention(x, x, x, key_padding_mask=hide)[0]
        h = h.mean(1) * real.any(1, keepdim=True)
        return self.classifier(h)
