import torch


def _feature(x):
    return torch.where(x > 0, x + 1, x.clamp(max=0).exp())


def linear_attention(q, k, v, causal=False, eps=1e-6):
    dtype = q.dtype
    if dtype in (torch.float16, torch.bfloat16):
        q, k, v = q.float(), k.float(), v.float()
    q, k = _feature(q), _feature(k)
    outer = k[..., :, None] * v[..., None, :]
    if causal:
        if q.shape[-2] != k.shape[-2]:
            raise ValueError("L must equal S")
        s, z = outer.cumsum(-3), k.cumsum(-2)
    else:
        s, z = outer.sum(-3, keepdim=True), k.sum(-2, keepdim=True)
    num = (q[..., None, :] @ s)[..., 0, :]
    return (num / ((q * z).sum(-1, keepdim=True) + eps)).to(dtype)
