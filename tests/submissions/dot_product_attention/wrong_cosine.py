# family: scaling, numerics
# mistake: q and k are normalised to length one first (cosine similarity instead of the dot product).
import torch
import torch.nn.functional as F


def dot_product_attention(q, k, v):
    w = torch.softmax(F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT, dim=-1)
    return w @ v, w
