import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5000):
        super().__init__()
        pairs = (d_model + 1) // 2
        rate = torch.pow(torch.tensor(1e4, dtype=torch.float64), -2.0 * torch.arange(pairs, dtype=torch.float64) / d_model)
        angle = torch.outer(torch.arange(max_len, dtype=torch.float64), rate)
        z = torch.polar(torch.ones_like(angle), angle)
        table = torch.stack((z.imag, z.real), dim=-1).reshape(max_len, 2 * pairs)[:, :d_model]
        self.register_buffer("pe", table.to(torch.get_default_dtype()).clone())

    def forward(self, x):
        length = x.shape[1]
        if length > len(self.pe):
            raise ValueError(f"{length} positions, the table has {len(self.pe)}")
        return torch.add(x, self.pe.narrow(0, 0, length)).type_as(x)
