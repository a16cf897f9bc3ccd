# family: numerics
# mistake: relu(x) is used as the feature map instead of elu(x) + 1
import torch


def linear_attention(q, k, v, causal=False, eps=1e-6):
    q, k = q.relu(), k.relu()
    if causal:
        s = (k.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(-3)
        z = (q * k.cumsum(-2)).sum(-1, keepdim=True)
        return (q.unsqueeze(-2) @ s).squeeze(-2) / (z + eps)
    z = (q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True)
    return torch.matmul(q, torch.matmul(k.mT, v)) / (z + eps)
