"""One image after another, always resized, matrix products on flattened pixels."""
import torch
import torch.nn as nn


class AttentionGate(nn.Module):
    def __init__(self, gate_channels, skip_channels, inter_channels):
        super().__init__()
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, (1, 1))
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, (1, 1))
        self.psi = nn.Conv2d(inter_channels, 1, (1, 1))
        self.resize_options = dict(mode="bilinear", align_corners=False, antialias=False)

    def _one(self, g, x):
        channels, height, width = x.shape
        g = nn.functional.interpolate(g[None], size=(height, width), **self.resize_options)[0]
        flat_g, flat_x = g.reshape(g.shape[0], -1), x.reshape(channels, -1)
        hidden = torch.addmm(self.w_gate.bias[:, None], self.w_gate.weight.flatten(1), flat_g)
        hidden = hidden + torch.addmm(self.w_skip.bias[:, None], self.w_skip.weight.flatten(1), flat_x)
        score = torch.addmm(self.psi.bias[:, None], self.psi.weight.flatten(1), hidden.relu())
        return torch.sigmoid(score).view(1, height, width)

    def forward(self, gate, skip):
        alpha = torch.stack([self._one(g, x) for g, x in zip(gate.unbind(0), skip.unbind(0))])
        return skip * alpha, alpha
