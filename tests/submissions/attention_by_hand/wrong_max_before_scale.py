# family: numerics, scaling
# mistake: subtracts the largest score before it is scaled, so with a scale other than 1 exp overflows (or everything underflows).
import math


def attend(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(k) != len(query) for k in keys):
        raise ValueError("sizes")
    raw = [sum(a * b for a, b in zip(query, k)) for k in keys]
    top = max(raw)
    exps = [math.exp(scale * s - top) for s in raw]
    total = sum(exps)
    weights = [e / total for e in exps]
    return [sum(w * v[j] for w, v in zip(weights, values)) for j in range(len(values[0]))], weights


unscaled_weights = [0.7311, 0.2689]
unscaled_output = [1.5379, 2.5379]
scaled_weights = [0.6698, 0.3302]
scaled_output = [1.6605, 2.6605]
