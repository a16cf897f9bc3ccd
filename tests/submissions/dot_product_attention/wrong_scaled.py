# family: scaling
# mistake: divides the scores by sqrt(d) although this exercise has no scale.
import torch


def dot_product_attention(q, k, v):
    q = q / q.shape[-1] ** 0.5
    w = torch.einsum("...ld,...sd->...ls", q, k).softmax(-1)
    return w @ v, w
