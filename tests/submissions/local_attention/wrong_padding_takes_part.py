# family: masking, normalization, numerics
# mistake: the zero padding at both ends is not masked, so it takes weight there
import torch
import torch.nn.functional as F


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    width = 2 * window + 1
    keys = F.pad(k, (0, 0, window, window)).unfold(-2, width, 1)
    values = F.pad(v, (0, 0, window, window)).unfold(-2, width, 1)
    scores = (q.unsqueeze(-2) @ keys).squeeze(-2) / q.shape[-1] ** 0.5
    if causal:
        scores[..., window + 1 :] = -torch.inf
    weights = scores.softmax(-1)
    return (values @ weights.unsqueeze(-1)).squeeze(-1)
