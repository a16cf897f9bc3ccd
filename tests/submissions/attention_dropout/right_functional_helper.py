import torch


def inverted_dropout(x: torch.Tensor, p: float) -> torch.Tensor:
    if p >= 1.0:
        return torch.zeros_like(x) * x
    kept = torch.rand_like(x, dtype=torch.float32) >= p
    factor = kept.to(x.dtype).mul(1.0 / (1.0 - p))
    return x * factor


class AttentionDropout(torch.nn.Module):
    def __init__(self, p):
        if p > 1.0 or p < 0.0:
            raise ValueError(p)
        super().__init__()
        self.p = p

    def forward(self, weights):
        return inverted_dropout(weights, self.p) if self.training and self.p else weights
