# family: numerics
# mistake: positions count from 1
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        position = torch.linspace(1, max_len, max_len)
        rate = torch.tensor(10000.0).pow(-torch.arange(0, d_model, 2) / d_model)
        angle = torch.outer(position, rate)
        pe = torch.empty(max_len, d_model)
        pe[:, ::2], pe[:, 1::2] = angle.sin(), angle.cos()[:, : d_model // 2]
        self.register_buffer("pe", pe)

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        return x + self.pe[: x.shape[1]].to(x.dtype)
