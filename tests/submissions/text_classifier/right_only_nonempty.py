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
        mask = tokens != self.pad_id
        some = mask.any(dim=1)
        pooled = torch.zeros(tokens.size(0), self.embedding.embedding_dim,
                             dtype=self.embedding.weight.dtype, device=tokens.device)
        if some.any():
            m = mask[some]
            x = self.embedding(tokens[some])
            y, _ = self.attention(x, x, x, key_padding_mask=m.logical_not())
            y = y * m.unsqueeze(2)
            pooled[some] = y.sum(1) / m.sum(1, keepdim=True)
        return self.classifier(pooled)
