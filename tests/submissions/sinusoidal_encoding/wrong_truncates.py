# family: interface, shape
# mistake: a sequence longer than max_len is cut instead of raising ValueError
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        angle = torch.arange(max_len)[:, None] * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
        pe = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :d_model]
        self.register_buffer("pe", pe.clone())

    def forward(self, x):
        n = min(x.shape[1], self.pe.shape[0])
        return x[:, :n] + self.pe[:n].to(x.dtype)
