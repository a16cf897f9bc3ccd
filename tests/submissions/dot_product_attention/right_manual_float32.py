import torch


def _softmax(x):
    x = x - x.amax(-1, keepdim=True).detach()
    e = x.exp()
    return e / e.sum(-1, keepdim=True)


def dot_product_attention(q, k, v):
    dtype = q.dtype
    work = torch.promote_types(dtype, torch.float32)
    q, k, v = q.to(work), k.to(work), v.to(work)
    weights = _softmax(q.matmul(k.transpose(-1, -2)))
    return weights.matmul(v).to(dtype), weights.to(dtype)
