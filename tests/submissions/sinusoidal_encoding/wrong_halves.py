# family: numerics
# mistake: all sines first, then all cosines, instead of interleaved
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        rate = 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
        angle = torch.arange(max_len).unsqueeze(1) * rate
        self.register_buffer("pe", torch.cat([angle.sin(), angle.cos()], dim=1)[:, :d_model].contiguous())

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        return x + self.pe[: x.shape[1]].to(x.dtype)
