import torch
import torch.nn.functional as F
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
        """No mask at all: position t is given positions 0 … t only. The places are listed column by column."""
        grid = self.cnn(images)
        tokens = torch.stack([grid[..., i, j] for j in range(grid.shape[-1]) for i in range(grid.shape[-2])], dim=1)
        batch, length = captions.shape
        words = self.embedding(captions)
        y = torch.stack([words[:, t] + self.positions.weight[t] for t in range(length)], dim=1)
        out = []
        for t in range(length):
            step = y[:, t : t + 1]
            step = step + self.self_attention(step, y[:, : t + 1], y[:, : t + 1])[0]
            step = step + self.cross_attention(step, tokens, tokens, need_weights=False)[0]
            out.append(self.head(step))
        return torch.cat(out, dim=1)
