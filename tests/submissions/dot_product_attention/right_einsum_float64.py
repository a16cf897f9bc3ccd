import torch


def stable_softmax(scores, axis):
    shifted = scores - scores.detach().amax(axis, keepdim=True)
    powers = shifted.exp()
    return powers / powers.sum(axis, keepdim=True)


def dot_product_attention(q, k, v):
    dtype = q.dtype
    q, k, v = (t.to(torch.float64) for t in (q, k, v))
    weights = stable_softmax(torch.einsum("...ld,...sd->...ls", q, k), -1)
    output = torch.einsum("...ls,...se->...le", weights, v)
    return output.to(dtype), weights.to(dtype)
