# family: resources
# mistake: phi(q) phi(k)^T is built as an L x S matrix
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    sim = torch.einsum("...ld,...sd->...ls", F.elu(q) + 1, F.elu(k) + 1)
    if causal:
        sim = sim.tril()
    return (sim @ v) / (sim.sum(dim=-1, keepdim=True) + eps)
