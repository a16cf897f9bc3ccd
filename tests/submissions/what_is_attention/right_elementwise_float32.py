import torch


def soft_lookup(query, keys, values, temperature):
    if temperature <= 0.0:
        raise ValueError
    wide = torch.promote_types(values.dtype, torch.float32)
    match = (keys.to(wide) * query.to(wide)).sum(dim=-1)
    match = (match - match.max()) / temperature
    e = match.exp()
    return (e[:, None] * values.to(wide)).sum(0).div(e.sum()).to(values.dtype)
