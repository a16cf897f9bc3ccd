# family: normalization
# mistake: the softmax runs over the query axis.
import torch


def dot_product_attention(q, k, v):
    e = torch.einsum("...ld,...sd->...ls", q, k)
    e = (e - e.logsumexp(-2, keepdim=True)).exp()
    return e.matmul(v), e
