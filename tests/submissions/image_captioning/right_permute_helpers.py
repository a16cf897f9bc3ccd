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

    def image_tokens(self, images):
        features = self.cnn(images)
        b, e, h, w = features.shape
        return features.permute(0, 2, 3, 1).reshape(b, h * w, e)

    @staticmethod
    def causal(length, device):
        steps = torch.arange(length, device=device)
        return steps.unsqueeze(0) > steps.unsqueeze(1)

    def forward(self, images, captions):
        memory = self.image_tokens(images)
        y = self.embedding(captions).add(self.positions.weight[: captions.shape[1]])
        attended, _ = self.self_attention(y, y, y, attn_mask=self.causal(y.shape[1], y.device), need_weights=False)
        y = y.add(attended)
        attended, _ = self.cross_attention(y, memory, memory, need_weights=False)
        return self.head(y.add(attended))
