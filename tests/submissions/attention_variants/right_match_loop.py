import torch


def attention_scores(q, k, kind, W=None, W_q=None, W_k=None, w=None):
    match kind:
        case "dot":
            return torch.matmul(q, k.mT)
        case "scaled_dot":
            return torch.matmul(q, k.mT).div(k.shape[-1] ** 0.5)
        case "general" if W is not None:
            return torch.matmul(q, torch.matmul(k, W.T).mT)
        case "additive" if all(t is not None for t in (W_q, W_k, w)):
            keys = torch.matmul(k, W_k.T)
            queries = torch.matmul(q, W_q.T)
            rows = [(torch.tanh(keys + row.unsqueeze(-2)) * w).sum(-1) for row in queries.unbind(-2)]
            return torch.stack(rows, dim=-2)
        case "general" | "additive":
            raise ValueError(f"a weight of {kind} is missing")
        case _:
            raise ValueError(f"no such kind: {kind}")
