from torch import Tensor, nn


class AttentionGate(nn.Module):
    def __init__(self, gate_channels: int, skip_channels: int, inter_channels: int):
        super().__init__()
        self.w_gate = nn.Conv2d(gate_channels, inter_channels, kernel_size=1)
        self.w_skip = nn.Conv2d(skip_channels, inter_channels, kernel_size=1)
        self.psi = nn.Conv2d(inter_channels, 1, kernel_size=1)

    def forward(self, gate: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        g = self.w_gate(gate)
        s = self.w_skip(skip)
        if g.shape[2:] != s.shape[2:]:
            g = nn.functional.interpolate(g, s.shape[2:], mode="bilinear", align_corners=False)
        alpha = self.psi((g + s).clamp(min=0)).sigmoid()
        return skip * alpha.expand_as(skip), alpha
