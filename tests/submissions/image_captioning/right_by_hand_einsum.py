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
        """The attention written out on the layers' own parameters, with a log-sum-exp and an additive mask."""
        grid = self.cnn(images)
        tokens = torch.einsum("behw->bhwe", grid).flatten(1, 2)
        length = captions.size(-1)
        y = self.embedding.weight[captions] + self.positions.weight[:length]
        steps = torch.arange(length, device=y.device)
        future = torch.zeros(length, length, device=y.device, dtype=y.dtype)
        future = torch.where(steps[None, :] > steps[:, None], float("-inf"), future)
        y = y + self._attend(self.self_attention, y, y, future)
        y = y + self._attend(self.cross_attention, y, tokens, 0.0)
        return F.linear(y, self.head.weight, self.head.bias)

    @staticmethod
    def _attend(layer, query, memory, bias):
        heads, width = layer.num_heads, layer.head_dim
        wq, wk, wv = layer.in_proj_weight.chunk(3)
        bq, bk, bv = layer.in_proj_bias.chunk(3)
        q = F.linear(query, wq, bq).unflatten(-1, (heads, width))
        k = F.linear(memory, wk, bk).unflatten(-1, (heads, width))
        v = F.linear(memory, wv, bv).unflatten(-1, (heads, width))
        scores = torch.einsum("blhd,bshd->bhls", q, k) * width**-0.5 + bias
        weights = torch.exp(scores - scores.logsumexp(-1, keepdim=True))
        return layer.out_proj(torch.einsum("bhls,bshd->blhd", weights, v).flatten(-2))
