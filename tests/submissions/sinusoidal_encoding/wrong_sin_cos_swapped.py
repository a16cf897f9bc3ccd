# family: numerics
# mistake: cosines in the even columns and sines in the odd ones
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        angle = torch.arange(max_len)[:, None] * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = angle.cos()
        pe[:, 1::2] = angle.sin()[:, : d_model // 2]
        self.register_buffer("pe", pe)

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        return x + self.pe[: x.shape[1]].to(x.dtype)
