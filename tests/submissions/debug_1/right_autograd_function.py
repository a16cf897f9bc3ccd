import torch


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s):
        e = torch.exp(s - s.amax(-1, keepdim=True))
        w = e.div_(e.sum(-1, keepdim=True))
        ctx.save_for_backward(w)
        return w

    @staticmethod
    def backward(ctx, g):
        (w,) = ctx.saved_tensors
        return w * (g - (g * w).sum(-1, keepdim=True))


def dot_product_attention(q, k, v):
    rows = [_Softmax.apply((k * q[..., i : i + 1, :]).sum(-1)) for i in range(q.shape[-2])]
    weights = torch.stack(rows, dim=-2)
    return weights.matmul(v), weights


bug: str = "sigmoid-weights"
