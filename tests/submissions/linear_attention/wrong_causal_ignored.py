# family: masking
# mistake: causal=True uses the sums over the whole sequence
import torch
import torch.nn.functional as F


def linear_attention(q, k, v, causal=False, eps=1e-6):
    if causal and q.shape[-2] != k.shape[-2]:
        raise ValueError("causal needs L == S")
    q, k = F.elu(q) + 1, F.elu(k) + 1
    memory = torch.einsum("...sd,...sv->...dv", k, v)
    norm = torch.einsum("...ld,...sd->...l", q, k.sum(-2, keepdim=True)) + eps
    return torch.einsum("...ld,...dv->...lv", q, memory) / norm[..., None]
