import torch
import torch.nn.functional as F
from torch import nn


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
        super().__init__()
        self.pad_id = pad_id
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.classifier = nn.Linear(embed_dim, num_classes)

    def forward(self, tokens):
        """Head by head on the layer's own parameters; exponentials and sums by hand."""
        real = tokens.ne(self.pad_id)
        x = self.embedding(tokens)
        q, k, v = F.linear(x, self.attention.in_proj_weight, self.attention.in_proj_bias).chunk(3, dim=-1)
        width = self.attention.head_dim
        contexts = []
        for qh, kh, vh in zip(q.split(width, -1), k.split(width, -1), v.split(width, -1)):
            scores = torch.bmm(qh, kh.mT) * width**-0.5
            keep = real[:, None, :].expand_as(scores)
            low = torch.finfo(scores.dtype).min
            top = torch.where(keep, scores, low).amax(-1, keepdim=True).detach()
            weights = torch.where(keep, torch.where(keep, scores - top, 0.0).exp(), 0.0)
            total = weights.sum(-1, keepdim=True)
            weights = weights / torch.where(total > 0, total, 1.0)
            contexts.append(torch.bmm(weights, vh))
        y = self.attention.out_proj(torch.cat(contexts, -1))
        count = real.sum(1, keepdim=True)
        mean = torch.where(real[..., None], y, 0.0).sum(1) / count.clamp(min=1).to(y.dtype)
        return self.classifier(mean)
