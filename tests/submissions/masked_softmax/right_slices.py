import torch


def masked_softmax(scores, mask, dim=-1):
    moved = scores.movedim(dim, -1)
    keep = mask.broadcast_to(scores.shape).movedim(dim, -1)
    n = moved.shape[-1]
    rows = []
    for x, m in zip(moved.reshape(-1, n), keep.reshape(-1, n)):
        row = torch.zeros_like(x)
        if m.any():
            row = row.masked_scatter(m, torch.softmax(x[m], dim=0))
        rows.append(row)
    return torch.stack(rows).reshape(moved.shape).movedim(-1, dim)
