"""Channels last, F.linear instead of convolutions, resizing the projected gate."""
import torch
import torch.nn.functional as F
from torch import nn


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        for name, width_in, width_out in (
            ("w_gate", gate_channels, inter_channels),
            ("w_skip", skip_channels, inter_channels),
            ("psi", inter_channels, 1),
        ):
            self.add_module(name, nn.Conv2d(width_in, width_out, 1))

    @staticmethod
    def _pixelwise(layer, x):
        y = F.linear(x.movedim(1, -1), layer.weight.flatten(1), layer.bias)
        return y.movedim(-1, 1)

    def forward(self, gate, skip):
        g = self._pixelwise(self.w_gate, gate)
        size = tuple(skip.shape[2:])
        if tuple(g.shape[2:]) != size:
            g = F.interpolate(g, size, mode="bilinear", align_corners=False)
        s = self._pixelwise(self.w_skip, skip)
        alpha = self._pixelwise(self.psi, F.relu(g + s)).sigmoid()
        return torch.mul(skip, alpha.expand_as(skip)), alpha
