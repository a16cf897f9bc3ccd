import math

import torch
import torch.nn as nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        self.max_len = max_len
        i = torch.arange(d_model)
        even = i - i % 2
        freq = torch.pow(torch.tensor(10000.0, dtype=torch.float64), -even.double() / d_model)
        angle = torch.arange(max_len)[:, None] * freq[None, :] + (i % 2) * (math.pi / 2)
        self.register_buffer("pe", torch.sin(angle).to(torch.get_default_dtype()))

    def forward(self, x):
        _, length, _ = x.shape
        if length > self.max_len:
            raise ValueError(f"{length} > {self.max_len}")
        table = self.pe.narrow(0, 0, length).unsqueeze(0)
        return (x + table).to(x.dtype)
