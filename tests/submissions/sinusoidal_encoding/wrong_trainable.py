# family: state
# mistake: the table is a trainable parameter
import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        even = torch.arange(d_model) // 2 * 2
        angle = torch.arange(max_len)[:, None] / 10000.0 ** (even / d_model)
        odd = torch.arange(d_model) % 2 == 1
        self.pe = nn.Parameter(torch.where(odd, angle.cos(), angle.sin()))

    def forward(self, x):
        if x.shape[1] > self.pe.shape[0]:
            raise ValueError("too long")
        return x + self.pe[: x.shape[1]].to(x.dtype)
