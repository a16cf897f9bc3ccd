import torch
import torch.nn as nn


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, 1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, 1)
        self.psi = nn.Conv2d(inter_channels, 1, 1)

    def forward(self, gate, skip):
        b, c, h, w = skip.shape
        gate = nn.functional.interpolate(gate, size=(h, w), mode="bilinear")
        hidden = torch.maximum(self.w_gate(gate) + self.w_skip(skip), gate.new_zeros(()))
        logits = torch.einsum("bihw,i->bhw", hidden, self.psi.weight.view(-1)) + self.psi.bias
        alpha = logits.sigmoid().unsqueeze(1)
        return torch.einsum("bchw,bohw->bchw", skip, alpha), alpha
