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
        """The library's layers with a float mask, the tokens by unfolding the grid with movedim, sequence first."""
        places = self.cnn(images.to(self.cnn[0].weight.dtype)).movedim(1, -1)
        tokens = places.reshape(places.shape[0], -1, places.shape[-1])
        index = torch.arange(captions.shape[1], device=captions.device).expand_as(captions)
        y = torch.add(self.embedding(captions), self.positions(index))
        mask = y.new_full((y.shape[1], y.shape[1]), float("-inf")).triu(diagonal=1)
        words, _ = self.self_attention(query=y, key=y, value=y, attn_mask=mask, need_weights=False, is_causal=True)
        y = y + words
        seen, _ = self.cross_attention(query=y, key=tokens, value=tokens, average_attn_weights=False)
        return self.head(y + seen)
