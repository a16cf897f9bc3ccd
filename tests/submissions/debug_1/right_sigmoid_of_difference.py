import torch


def dot_product_attention(q, k, v):
    """w_j = 1 / sum_n exp(s_n - s_j): a softmax written with differences, row by row, without a maximum."""
    scores = q @ k.transpose(-2, -1)
    rows = []
    for j in range(k.shape[-2]):
        rest = torch.cat((scores[..., :j], scores[..., j + 1 :]), dim=-1)
        if rest.shape[-1] == 0:
            rows.append(torch.ones_like(scores[..., 0]) + 0 * scores[..., 0])
        else:
            rows.append(torch.sigmoid(scores[..., j] - torch.logsumexp(rest, dim=-1)))
    weights = torch.stack(rows, dim=-1)
    return weights @ v, weights


bug = "sigmoid-weights"
