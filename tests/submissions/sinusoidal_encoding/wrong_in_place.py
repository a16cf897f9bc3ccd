# family: state
# mistake: the encoding is added to the caller's tensor in place
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        angle = torch.arange(max_len)[:, None] * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
        pe = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :d_model]
        self.register_buffer("pe", pe.clone())

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        x += self.pe[: x.shape[1]].to(x.dtype)
        return x
