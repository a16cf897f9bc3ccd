# family: shape, interface
# mistake: A gate of another size is never resized, so the sum of the projections fails.
import torch
from torch import nn


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
        self.psi = nn.Conv2d(inter_channels, 1, 1)
        self.act = nn.ReLU()

    def forward(self, gate, skip):
        joint = self.act(self.w_gate(gate) + self.w_skip(skip))
        alpha = torch.sigmoid(self.psi(joint))
        return skip * alpha, alpha
