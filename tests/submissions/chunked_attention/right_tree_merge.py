import torch


class _Partial:
    """Softmax sums over some of the keys: (m, l, acc), an associative thing."""

    def __init__(self, m, l, acc):
        self.m, self.l, self.acc = m, l, acc

    def __add__(self, other):
        m = torch.maximum(self.m, other.m)
        a, b = self._shrink(self.m, m), self._shrink(other.m, m)
        return _Partial(m, self.l * a + other.l * b, self.acc * a + other.acc * b)

    @staticmethod
    def _shrink(old, new):
        return torch.where(old == float("-inf"), torch.zeros_like(old), torch.exp(old - torch.where(new == float("-inf"), 0.0, new)))


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    scale = q.shape[-1] ** -0.5

    def leaf(lo):
        hi = min(lo + chunk_size, S)
        s = (q @ k[..., lo:hi, :].transpose(-1, -2)) * scale
        if causal:
            i = torch.arange(L, device=q.device).unsqueeze(-1)
            j = torch.arange(lo, hi, device=q.device)
            s = s.masked_fill(j > i + (S - L), float("-inf"))
        m = s.detach().amax(-1, keepdim=True)
        e = torch.exp(s - torch.where(m == float("-inf"), torch.zeros_like(m), m))
        return _Partial(m, e.sum(-1, keepdim=True), e @ v[..., lo:hi, :])

    def reduce(starts):
        if len(starts) == 1:
            return leaf(starts[0])
        half = len(starts) // 2
        return reduce(starts[:half]) + reduce(starts[half:])

    whole = reduce(range(0, S, chunk_size))
    return whole.acc / torch.where(whole.l > 0, whole.l, torch.ones_like(whole.l))
