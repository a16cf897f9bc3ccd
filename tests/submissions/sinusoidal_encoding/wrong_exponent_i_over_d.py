# family: numerics, scaling
# mistake: the exponent is i/d instead of 2i/d, where i counts the pairs
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        pairs = (d_model + 1) // 2
        angle = torch.arange(max_len)[:, None] / 10000 ** (torch.arange(pairs) / d_model)
        pe = torch.stack([angle.sin(), angle.cos()], -1).reshape(max_len, 2 * pairs)
        self.register_buffer("pe", pe[:, :d_model].clone())

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        return x + self.pe[: x.shape[1]].to(x.dtype)
