# family: normalization
# mistake: the exponentials are used as weights without dividing by their sum.
import math

unscaled_weights, unscaled_output = [0.7311, 0.2689], [1.5379, 2.5379]
scaled_weights, scaled_output = [0.6698, 0.3302], [1.6605, 2.6605]


def attend(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(k) != len(query) for k in keys):
        raise ValueError("bad lengths")
    if any(len(v) != len(values[0]) for v in values):
        raise ValueError("bad lengths")
    logits = [scale * sum(x * y for x, y in zip(query, key)) for key in keys]
    weights = [math.exp(z - max(logits)) for z in logits]
    output = [0.0 for _ in values[0]]
    for w, value in zip(weights, values):
        output = [o + w * x for o, x in zip(output, value)]
    return output, weights
