import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Squeeze-and-excitation with 1x1 convolutions."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = channels // reduction
        if hidden == 0:
            raise ValueError("no channel left after the reduction")
        self.squeeze = nn.Conv2d(in_channels=channels, out_channels=hidden, kernel_size=(1, 1))
        self.excite = nn.Conv2d(in_channels=hidden, out_channels=channels, kernel_size=(1, 1))

    def gates(self, x: Tensor) -> Tensor:
        pooled = x.mean(dim=(-2, -1), keepdim=True)
        return self.excite(self.squeeze(pooled).relu()).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.gates(x).expand_as(x) * x
