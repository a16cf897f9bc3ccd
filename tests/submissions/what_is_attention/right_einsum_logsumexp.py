import torch


def soft_lookup(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, temperature: float) -> torch.Tensor:
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}")
    logits = torch.einsum("sd,d->s", keys, query).div(temperature)
    weights = (logits - logits.logsumexp(0)).exp()
    return torch.einsum("s,sv->v", weights, values)
