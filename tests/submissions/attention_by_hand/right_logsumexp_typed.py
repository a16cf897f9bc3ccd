from __future__ import annotations

import math

Vector = list[float]


def _log_sum_exp(xs: Vector) -> float:
    m = max(xs)
    return m + math.log(math.fsum(math.exp(x - m) for x in xs))


def attend(query: Vector, keys: list[Vector], values: list[Vector], scale: float = 1.0) -> tuple[Vector, Vector]:
    if not keys or len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys, {len(values)} values")
    if any(len(k) != len(query) for k in keys) or len({len(v) for v in values}) > 1:
        raise ValueError("vectors of different lengths")
    logits = [scale * math.fsum(a * b for a, b in zip(query, k)) for k in keys]
    lse = _log_sum_exp(logits)
    weights = [math.exp(x - lse) for x in logits]
    output = [math.fsum(w * c for w, c in zip(weights, column)) for column in zip(*values)]
    return output, weights


_q, _K, _V = [1.0, 0.0], [[1.0, 1.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]]
unscaled_output, unscaled_weights = attend(_q, _K, _V)
scaled_output, scaled_weights = attend(_q, _K, _V, scale=1 / math.sqrt(2))
