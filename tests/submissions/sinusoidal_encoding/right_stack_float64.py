import torch
from torch import Tensor, nn


def sinusoids(length: int, width: int) -> Tensor:
    half = (width + 1) // 2
    rate = 10000.0 ** (-2 * torch.arange(half, dtype=torch.float64) / width)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), rate)
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)[:, :width].float()


class PositionalEncoding(nn.Module):
    pe: Tensor

    def __init__(self, d_model: int, max_len: int = 5000) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoids(max_len, d_model), persistent=True)

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[-2]
        if length > self.pe.shape[0]:
            raise ValueError("sequence too long")
        return torch.add(x, self.pe[:length].type_as(x))
