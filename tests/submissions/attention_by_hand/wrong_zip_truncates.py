# family: interface
# mistake: lengths that disagree are silently cut by zip; only the empty case raises.
import math

unscaled_weights, unscaled_output = [0.7311, 0.2689], [1.5379, 2.5379]
scaled_weights, scaled_output = [0.6698, 0.3302], [1.6605, 2.6605]


def attend(query, keys, values, scale=1.0):
    if not keys:
        raise ValueError("no keys")
    scores = [scale * sum(a * b for a, b in zip(query, k)) for k in keys]
    top = max(scores)
    es = [math.exp(s - top) for s in scores]
    z = sum(es)
    weights = [e / z for e in es]
    output = [sum(w * x for w, x in zip(weights, col)) for col in zip(*values)]
    return output, weights
