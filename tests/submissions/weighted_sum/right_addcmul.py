from functools import reduce

import torch


def weighted_sum(inputs, weights):
    B, L, D = inputs.shape
    wide = inputs.double(), weights.double()
    start = wide[0].new_zeros(B, D)
    total = reduce(lambda acc, l: torch.addcmul(acc, wide[0][:, l], wide[1][:, l, None]), range(L), start)
    return total.to(inputs.dtype)
