import torch
import torch.nn as nn


class TextClassifier(nn.Module):
    def __init__(self, vocab_size: int, embed_dim: int, num_heads: int, num_classes: int, pad_id: int = 0):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.classifier = nn.Linear(embed_dim, num_classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        real = tokens.ne(self.embedding.padding_idx)
        visible = real.clone()
        visible[:, 0] |= ~real.any(1)
        x = self.embedding(tokens)
        context = self.attention(x, x, x, key_padding_mask=~visible)[0]
        weights = real.to(context.dtype) / real.sum(1, keepdim=True).clamp(min=1)
        pooled = torch.einsum("bl,ble->be", weights.to(context.dtype), context)
        return self.classifier(pooled)
