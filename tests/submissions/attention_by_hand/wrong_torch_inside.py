# family: rules
# mistake: torch does the work that plain Python and math should do.
import torch

unscaled_weights, unscaled_output = [0.7311, 0.2689], [1.5379, 2.5379]
scaled_weights, scaled_output = [0.6698, 0.3302], [1.6605, 2.6605]


def attend(query, keys, values, scale=1.0):
    if not keys or len(keys) != len(values) or any(len(k) != len(query) for k in keys):
        raise ValueError("bad lengths")
    if any(len(v) != len(values[0]) for v in values):
        raise ValueError("bad lengths")
    q, k, v = (torch.tensor(t, dtype=torch.float64) for t in (query, keys, values))
    weights = (k @ q * scale).softmax(0)
    return (weights @ v).tolist(), weights.tolist()
