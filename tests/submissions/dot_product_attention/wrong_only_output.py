# family: interface
# mistake: returns the output alone.
import torch


def dot_product_attention(q, k, v):
    return torch.softmax(q @ k.transpose(-2, -1), dim=-1) @ v
