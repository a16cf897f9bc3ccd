import torch


def _slice(row, visible):
    """One slice, 1-D: the softmax of what is seen, written back to where it was."""
    where = visible.nonzero().squeeze(1)
    nothing = row.masked_fill(torch.ones_like(visible), 0)
    if where.numel() == 0:
        return nothing
    return nothing.index_copy(0, where, torch.softmax(row[where], 0))


def masked_softmax(scores, mask, dim=-1):
    dim = dim % scores.dim()
    order = [a for a in range(scores.dim()) if a != dim] + [dim]
    moved = scores.permute(order)
    seen = mask.expand(scores.shape).permute(order)
    n = moved.shape[-1]
    rows = [_slice(r, m) for r, m in zip(moved.reshape(-1, n), seen.reshape(-1, n))]
    back = [order.index(a) for a in range(scores.dim())]
    return torch.stack(rows).reshape(moved.shape).permute(back)
