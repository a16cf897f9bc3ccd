# family: rules
# mistake: delegates to nn.Dropout.
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.inner = nn.Dropout(p)

    def forward(self, weights):
        return self.inner(weights)
