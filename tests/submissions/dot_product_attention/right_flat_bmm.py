import torch
import torch.nn.functional as F


def dot_product_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    lead, L, S = q.shape[:-2], q.size(-2), k.size(-2)
    q3 = q.reshape(-1, L, q.size(-1))
    k3 = k.reshape(-1, S, k.size(-1))
    v3 = v.reshape(-1, S, v.size(-1))
    w = F.softmax(torch.bmm(q3, k3.mT), dim=2)
    return torch.bmm(w, v3).view(*lead, L, v.size(-1)), w.view(*lead, L, S)
