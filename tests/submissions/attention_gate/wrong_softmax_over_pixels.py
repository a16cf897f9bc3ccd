# family: normalization
# mistake: Alpha is a softmax over all pixels instead of a sigmoid at each.
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
        logits = self.psi((self.w_gate(g) + self.w_skip(skip)).relu())
        alpha = logits.flatten(2).softmax(-1).view_as(logits)
        return skip * alpha, alpha
