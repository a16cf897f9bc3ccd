import torch
from torch import nn


def conv1x1(n_in, n_out):
    return nn.Conv2d(n_in, n_out, 1, stride=1, padding=0)


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        self.w_gate = conv1x1(gate_channels, inter_channels)
        self.w_skip = conv1x1(skip_channels, inter_channels)
        self.psi = conv1x1(inter_channels, 1)
        self.relu = nn.ReLU(inplace=True)
        self.sigmoid = nn.Sigmoid()

    def resize(self, gate, skip):
        height, width = skip.size(2), skip.size(3)
        if (gate.size(2), gate.size(3)) == (height, width):
            return gate
        return nn.Upsample(size=(height, width), mode="bilinear", align_corners=False)(gate)

    def forward(self, gate, skip):
        total = torch.add(self.w_gate(self.resize(gate, skip)), self.w_skip(skip))
        alpha = self.sigmoid(self.psi(self.relu(total)))
        out = torch.mul(skip, alpha)
        return out, alpha
