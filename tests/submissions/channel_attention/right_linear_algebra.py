"""The 1 × 1 convolutions as matrix products on the (B, C) averages; the sigmoid as a softmax over {z, 0}."""
import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        width = channels // reduction
        if width < 1:
            raise ValueError(f"{channels} channels // {reduction} leaves none")
        self.excite = nn.Conv2d(width, channels, kernel_size=(1, 1))
        self.squeeze = nn.Conv2d(channels, width, kernel_size=(1, 1))

    def forward(self, x: Tensor) -> Tensor:
        average = x.flatten(2).mean(dim=-1)
        hidden = torch.einsum("bc,rc->br", average, self.squeeze.weight.squeeze(-1).squeeze(-1)) + self.squeeze.bias
        hidden = torch.maximum(hidden, hidden.new_zeros(()))
        z = torch.einsum("br,cr->bc", hidden, self.excite.weight.flatten(1)) + self.excite.bias
        gate = torch.stack((z, torch.zeros_like(z)), dim=-1).softmax(-1)[..., 0]
        return torch.einsum("bchw,bc->bchw", x, gate)
