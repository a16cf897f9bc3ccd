# family: numerics
# mistake: The projections are multiplied where they should be added.
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
        g = F.interpolate(gate, size=skip.shape[2:], mode="bilinear", align_corners=False)
        joint = torch.mul(self.w_gate(g), self.w_skip(skip))
        alpha = torch.sigmoid(self.psi(F.relu(joint)))
        return alpha * skip, alpha
