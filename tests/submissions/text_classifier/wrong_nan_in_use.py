# family: masking
# mistake: A row of nothing but padding is right in training, and NaN in eval() under no_grad.
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
        x = self.embedding(tokens)
        y = self.attention(x, x, x, key_padding_mask=~real, need_weights=False)[0]
        share = real / real.sum(dim=1, keepdim=True).clamp(min=1)
        return self.classifier((y * share.to(y.dtype).unsqueeze(-1)).sum(dim=1))
