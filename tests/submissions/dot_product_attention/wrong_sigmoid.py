# family: normalization
# mistake: each score goes through a sigmoid instead of the row through a softmax.
import torch


def dot_product_attention(q, k, v):
    gates = 1 / (1 + torch.exp(-(q @ k.mT)))
    return gates @ v, gates
