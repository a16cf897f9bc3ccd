"""One pass over the keys, as FlashAttention does: a running maximum, a running sum, a running output."""
from math import exp, inf


class Accumulator:
    def __init__(self, size):
        self.top, self.total, self.acc = -inf, 0.0, [0.0] * size

    def add(self, score, value):
        new = score if score > self.top else self.top
        old_factor = exp(self.top - new)
        weight = exp(score - new)
        self.total = self.total * old_factor + weight
        self.acc = [a * old_factor + weight * x for a, x in zip(self.acc, value)]
        self.top = new


def attend(query, keys, values, scale=1.0):
    n = len(keys)
    if n == 0 or n != len(values) or any(len(key) != len(query) for key in keys):
        raise ValueError("attend: sizes do not agree")
    state, scores = Accumulator(len(values[0])), []
    for i in range(n):
        s = 0.0
        for j in range(len(query)):
            s += query[j] * keys[i][j]
        scores.append(s * scale)
        state.add(scores[i], values[i])
    return [a / state.total for a in state.acc], [exp(s - state.top) / state.total for s in scores]


unscaled_weights = [0.7311, 0.2689]
unscaled_output = [1.5378, 2.5378]
scaled_weights = [0.6698, 0.3302]
scaled_output = [1.6605, 2.6605]
