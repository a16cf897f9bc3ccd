# family: shape, interface
# mistake: torch.bmm accepts exactly three dimensions.
import torch


def dot_product_attention(q, k, v):
    w = torch.bmm(q, k.permute(0, 2, 1)).softmax(dim=-1)
    return torch.bmm(w, v), w
