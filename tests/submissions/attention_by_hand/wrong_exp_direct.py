# family: numerics
# mistake: exp of the raw scores overflows for scores near 1000.
from math import exp

unscaled_weights, unscaled_output = [0.7311, 0.2689], [1.5379, 2.5379]
scaled_weights, scaled_output = [0.6698, 0.3302], [1.6605, 2.6605]


def attend(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(k) != len(query) for k in keys):
        raise ValueError("bad lengths")
    if any(len(v) != len(values[0]) for v in values):
        raise ValueError("bad lengths")
    es = [exp(scale * sum(a * b for a, b in zip(query, k))) for k in keys]
    z = sum(es)
    weights = [e / z for e in es]
    return [sum(w * v[j] for w, v in zip(weights, values)) for j in range(len(values[0]))], weights
