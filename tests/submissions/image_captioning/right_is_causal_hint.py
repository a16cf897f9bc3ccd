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

    def forward(self, images: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        tokens = torch.einsum("behw->bhwe", self.cnn(images)).flatten(1, 2)
        T = captions.size(1)
        mask = ~torch.tril(captions.new_ones(T, T)).bool()
        y = self.embedding(captions) + self.positions(torch.arange(T, device=captions.device)).unsqueeze(0)
        y = y + self.self_attention(y, y, y, attn_mask=mask, is_causal=True, need_weights=False)[0]
        y = y + self.cross_attention(y, tokens, tokens, need_weights=False)[0]
        return self.head(y)
