"""Own bilinear resize as two interpolation matrices, convolutions as einsum, sigmoid by tanh."""
import torch
from torch import Tensor, nn


def _resize_matrix(n_in: int, n_out: int, like: Tensor) -> Tensor:
    place = (torch.arange(n_out, device=like.device, dtype=like.dtype) + 0.5) * (n_in / n_out) - 0.5
    place = place.clamp(min=0.0)
    low = place.floor().long().clamp(max=n_in - 1)
    high = (low + 1).clamp(max=n_in - 1)
    part = place - low.to(like.dtype)
    eye = torch.eye(n_in, device=like.device, dtype=like.dtype)
    return eye[low] * (1 - part)[:, None] + eye[high] * part[:, None]


def _conv1x1(layer: nn.Conv2d, x: Tensor) -> Tensor:
    w = layer.weight[:, :, 0, 0]
    return torch.einsum("oc,bchw->bohw", w, x) + layer.bias.view(1, -1, 1, 1)


class AttentionGate(nn.Module):
    def __init__(self, gate_channels: int, skip_channels: int, inter_channels: int) -> None:
        super().__init__()
        self.psi = nn.Conv2d(inter_channels, 1, kernel_size=1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, kernel_size=1)
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, kernel_size=1)

    def forward(self, gate: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        (h, w), (H, W) = gate.shape[-2:], skip.shape[-2:]
        work = gate if gate.dtype == torch.float64 else gate.float()
        rows, cols = _resize_matrix(h, H, work), _resize_matrix(w, W, work)
        resized = torch.einsum("Hh,bchw,Ww->bcHW", rows, work, cols).to(gate.dtype)
        hidden = _conv1x1(self.w_gate, resized) + _conv1x1(self.w_skip, skip)
        hidden = torch.where(hidden > 0, hidden, torch.zeros_like(hidden))
        score = _conv1x1(self.psi, hidden)
        alpha = (torch.tanh(score * 0.5) + 1) * 0.5
        return alpha * skip, alpha
