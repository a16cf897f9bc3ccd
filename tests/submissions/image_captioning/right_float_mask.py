import torch
from torch import nn


class ImageCaptioner(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_heads, channels=3, max_len=64):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, embed_dim, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(embed_dim, embed_dim, 3, stride=2, padding=1),
        )
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.positions = nn.Embedding(max_len, embed_dim)
        self.self_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.head = nn.Linear(embed_dim, vocab_size)

    def forward(self, images, captions):
        features = self.cnn(images)
        tokens = torch.stack([f.reshape(f.size(0), -1).t() for f in features])
        positions = torch.arange(captions.size(1), device=captions.device).expand_as(captions)
        y = self.embedding(captions) + self.positions(positions)
        bias = torch.zeros(y.size(1), y.size(1), dtype=y.dtype, device=y.device)
        bias = bias.masked_fill(torch.ones_like(bias, dtype=torch.bool).triu(1), float("-inf"))
        y = self.self_attention(y, y, y, attn_mask=bias)[0] + y
        y = self.cross_attention(query=y, key=tokens, value=tokens)[0] + y
        return self.head(y)
