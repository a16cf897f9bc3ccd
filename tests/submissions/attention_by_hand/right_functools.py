import functools
import itertools
import math
import operator


def _dot(a, b):
    return functools.reduce(operator.add, itertools.starmap(operator.mul, zip(a, b)), 0.0)


def attend(query, keys, values, scale=1.0):
    if not keys:
        raise ValueError("no keys")
    if len(values) != len(keys):
        raise ValueError(f"{len(keys)} keys, {len(values)} values")
    if {len(k) for k in keys} != {len(query)}:
        raise ValueError("a key is not as long as the query")
    scores = [*map(functools.partial(operator.mul, scale), map(functools.partial(_dot, query), keys))]
    top = max(scores)
    powers = [math.exp(s - top) for s in scores]
    weights = [p / math.fsum(powers) for p in powers]
    return [math.fsum(map(operator.mul, weights, column)) for column in zip(*values)], weights


_half = 1 / math.sqrt(2)
unscaled_output, unscaled_weights = attend([1, 0], [[1, 1], [0, 1]], [[1, 2], [3, 4]])
scaled_output, scaled_weights = attend([1, 0], [[1, 1], [0, 1]], [[1, 2], [3, 4]], scale=_half)
