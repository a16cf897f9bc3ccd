import torch


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weights, keep, factor):
        ctx.save_for_backward(keep)
        ctx.factor = factor
        return (weights * factor).masked_fill_(~keep, 0)

    @staticmethod
    def backward(ctx, grad):
        (keep,) = ctx.saved_tensors
        return (grad * ctx.factor).masked_fill(~keep, 0), None, None


class AttentionDropout(torch.nn.Module):
    def __init__(self, p):
        super().__init__()
        if p < 0 or p > 1 or p != p:
            raise ValueError("p is a probability")
        self.keep_probability = 1.0 - p

    def forward(self, weights):
        if self.training and self.keep_probability < 1:
            factor = 1 / self.keep_probability if self.keep_probability > 0 else 0.0
            draw = torch.rand(weights.shape, device=weights.device, dtype=torch.float64)
            return _Drop.apply(weights, draw < self.keep_probability, factor)
        return weights
