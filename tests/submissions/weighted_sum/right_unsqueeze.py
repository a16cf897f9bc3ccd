def weighted_sum(inputs, weights):
    return (inputs * weights.unsqueeze(-1)).sum(dim=1)
