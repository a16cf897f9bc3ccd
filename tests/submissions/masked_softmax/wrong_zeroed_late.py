# family: masking, normalization
# mistake: hidden weights are removed after the softmax without renormalising.


def masked_softmax(scores, mask, dim=-1):
    return scores.softmax(dim).mul(mask)
