# family: shape, interface
# mistake: k.T / transpose(0, 1) swaps the leading axes and works only for matrices.
import torch.nn.functional as F


def dot_product_attention(q, k, v):
    w = F.softmax(q.matmul(k.transpose(0, 1)), dim=-1)
    return w.matmul(v), w
