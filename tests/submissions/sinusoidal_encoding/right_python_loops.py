import math

import torch


class PositionalEncoding(torch.nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        columns = []
        pos = torch.arange(max_len, dtype=torch.float32)
        for c in range(d_model):
            angle = pos / math.pow(10000, 2 * (c // 2) / d_model)
            columns.append(torch.cos(angle) if c % 2 else torch.sin(angle))
        self.register_buffer("pe", torch.stack(columns, dim=1))

    def forward(self, x):
        if x.shape[1] > len(self.pe):
            raise ValueError("longer than the table")
        return x + self.pe[: x.shape[1]].to(device=x.device, dtype=x.dtype)
