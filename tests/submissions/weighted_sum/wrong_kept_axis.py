# family: shape
# mistake: the summed axis is kept: (B, 1, D).


def weighted_sum(inputs, weights):
    return weights.unsqueeze(1) @ inputs
