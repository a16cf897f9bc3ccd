from typing import Tuple

import torch


def dot_product_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    *lead, L, d = q.shape
    S, d_v = v.shape[-2:]
    flat_k = k.reshape(-1, S, d)
    scores = torch.baddbmm(flat_k.new_zeros(1, 1, 1), q.reshape(-1, L, d), flat_k.permute(0, 2, 1))
    log_weights = scores.float() if scores.dtype is torch.bfloat16 else scores
    weights = torch.log_softmax(log_weights, dim=2).exp().type_as(q)
    output = torch.bmm(weights, v.reshape(-1, S, d_v))
    return output.view(*lead, L, d_v), weights.view(*lead, L, S)
