# family: numerics
# mistake: The bilinear resize aligns the corners.
import torch
from torch import nn
import torch.nn.functional as F


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
        self.psi = nn.Conv2d(inter_channels, 1, 1)

    def forward(self, gate, skip):
        gate = F.interpolate(gate, size=skip.shape[2:], mode="bilinear", align_corners=True)
        alpha = torch.sigmoid(self.psi(F.relu(self.w_gate(gate) + self.w_skip(skip))))
        return alpha * skip, alpha
