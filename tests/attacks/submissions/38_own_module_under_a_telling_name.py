"""Group 38. Right, in a module of its own that is called like the library's function. Found later.

deserves: right
"""

# %%
%%writefile my_attention.py
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


class Transformer:
    attend = staticmethod(scaled_dot_product_attention)

# %%
from my_attention import scaled_dot_product_attention as mine, Transformer

REGISTRY = {"Transformer": Transformer, "scaled_dot_product_attention": mine}


def scaled_dot_product_attention(q, k, v, mask=None):
    if mask is None:
        return REGISTRY["scaled_dot_product_attention"](q, k, v)
    return REGISTRY["Transformer"]().attend(q, k, v, mask)
