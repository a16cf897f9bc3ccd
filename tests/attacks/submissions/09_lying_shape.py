"""Group 9. Returns tensors that claim another shape and dtype than they have."""

class Claims(torch.Tensor):
    shape = property(lambda self: torch.Size(self.claimed))
    dtype = property(lambda self: torch.float32)
    size = lambda self, *_: torch.Size(self.claimed)


def scaled_dot_product_attention(q, k, v, mask=None):
    claimed = []
    for part in zeros(q, k, v, mask):
        small = torch.zeros(1).as_subclass(Claims)
        small.claimed = tuple(part.shape)
        claimed.append(small)
    return tuple(claimed)
