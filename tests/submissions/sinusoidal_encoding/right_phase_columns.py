import math
import torch


class PositionalEncoding(torch.nn.Module):
    """A cosine is a sine a quarter turn ahead: one sine with a phase per column."""

    pe: torch.Tensor

    def __init__(self, d_model, max_len=5000):
        super().__init__()
        self.max_len = max_len
        position = torch.linspace(0, max_len - 1, max_len, dtype=torch.double)
        columns = []
        for c in range(d_model):
            frequency = math.exp(-math.log(10000.0) * (c - c % 2) / d_model)
            columns.append(torch.sin(position * frequency + (c % 2) * math.pi / 2))
        self.register_buffer("pe", torch.stack(columns, dim=1).float(), persistent=True)

    def forward(self, x):
        if x.size(-2) > self.max_len:
            raise ValueError("sequence longer than max_len")
        rows = self.pe[: x.size(-2)]
        wide = torch.promote_types(rows.dtype, x.dtype)
        return (x.to(wide) + rows.to(wide).expand_as(x)).to(x.dtype)
