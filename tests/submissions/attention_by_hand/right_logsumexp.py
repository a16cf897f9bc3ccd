import math
from typing import List, Sequence, Tuple


def logaddexp(a: float, b: float) -> float:
    hi, lo = (a, b) if a >= b else (b, a)
    return hi + math.log1p(math.exp(lo - hi))


def lse(numbers: Sequence[float]) -> float:
    """Divide and conquer."""
    if len(numbers) == 1:
        return numbers[0]
    mid = len(numbers) // 2
    return logaddexp(lse(numbers[:mid]), lse(numbers[mid:]))


def attend(query: List[float], keys: List[List[float]], values: List[List[float]], scale: float = 1.0) -> Tuple[List[float], List[float]]:
    if len(keys) < 1:
        raise ValueError("at least one key is needed")
    if len(keys) != len(values):
        raise ValueError("as many values as keys are needed")
    for position, key in enumerate(keys):
        if len(key) != len(query):
            raise ValueError(f"key {position} has {len(key)} numbers, the query {len(query)}")
    scores = [float(scale) * sum(x * y for x, y in zip(query, key)) for key in keys]
    norm = lse(scores)
    weights = [math.exp(s - norm) for s in scores]
    output = [0.0 for _ in values[0]]
    for w, value in zip(weights, values):
        for j, x in enumerate(value):
            output[j] += w * x
    return output, weights


unscaled_weights = [round(w, 4) for w in (math.e / (math.e + 1), 1 / (math.e + 1))]
unscaled_output = [1.5379, 2.5379]
scaled_weights = [0.66976, 0.33024]
scaled_output = [1.66048, 2.66048]
