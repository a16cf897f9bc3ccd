import torch
import torch.nn.functional as F


class LinearAttention:
    def __init__(self, eps, chunk=16):
        self.eps, self.chunk = eps, chunk

    @staticmethod
    def features(x):
        return F.elu(x).add(1)

    def full(self, q, k, v):
        return self.divide(q @ (k.mT @ v), q @ k.sum(-2, keepdim=True).mT)

    def causal(self, q, k, v):
        kv = k[..., :0, :].mT @ v[..., :0, :]
        ks = k[..., :0, :].sum(-2, keepdim=True)
        pieces = []
        for qc, kc, vc in zip(q.split(self.chunk, -2), k.split(self.chunk, -2), v.split(self.chunk, -2)):
            inner = (qc @ kc.mT).tril()
            pieces.append(self.divide(qc @ kv + inner @ vc, qc @ ks.mT + inner.sum(-1, keepdim=True)))
            kv = kv + kc.mT @ vc
            ks = ks + kc.sum(-2, keepdim=True)
        return torch.cat(pieces, dim=-2)

    def divide(self, num, den):
        return num / (den + self.eps)


def linear_attention(q, k, v, causal=False, eps=1e-6):
    if causal and q.shape[-2] != k.shape[-2]:
        raise ValueError("causal needs equally many queries and keys")
    layer = LinearAttention(eps)
    q, k = layer.features(q), layer.features(k)
    return layer.causal(q, k, v) if causal else layer.full(q, k, v)
