import math


def attend(query, keys, values, scale=1.0):
    """One pass over the keys with a running maximum, as streaming kernels do."""
    if len(keys) < 1:
        raise ValueError("no keys")
    if len(values) != len(keys):
        raise ValueError("keys and values disagree")
    d, d_v = len(query), len(values[0])
    if any(len(k) != d for k in keys) or any(len(v) != d_v for v in values):
        raise ValueError("dimensions disagree")

    top, denom, acc, scores = -math.inf, 0.0, [0.0] * d_v, []
    for key, value in zip(keys, values):
        s = scale * sum(map(lambda a, b: a * b, query, key))
        scores.append(s)
        new_top = max(top, s)
        fix = math.exp(top - new_top)
        e = math.exp(s - new_top)
        denom = denom * fix + e
        acc = [a * fix + e * x for a, x in zip(acc, value)]
        top = new_top
    return [a / denom for a in acc], [math.exp(s - top) / denom for s in scores]


# computed on from rounded weights
unscaled_weights = [round(math.e / (math.e + 1), 4), round(1 / (math.e + 1), 4)]
unscaled_output = [0.7311 * 1 + 0.2689 * 3, 0.7311 * 2 + 0.2689 * 4]
scaled_weights = [0.6698, 0.3302]
scaled_output = [0.6698 * 1 + 0.3302 * 3, 0.6698 * 2 + 0.3302 * 4]
