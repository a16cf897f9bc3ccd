# family: numerics
# mistake: The residual around the cross-attention is missing.
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
        maps = self.cnn(images)
        seen = maps.flatten(2).mT
        steps = torch.arange(captions.shape[1], device=captions.device)
        y = self.embedding(captions) + self.positions(steps)
        y = y + self.self_attention(y, y, y, attn_mask=steps > steps[:, None])[0]
        y = self.cross_attention(y, seen, seen)[0]
        return self.head(y)
