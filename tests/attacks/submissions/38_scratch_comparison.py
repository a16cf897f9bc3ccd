"""Group 38. Right, with cells that compare it with the library, under names that the answer has, too. Found later.

deserves: right
"""

import os

os.makedirs("figures", exist_ok=True)


@torch.jit.script
def softmax_of(scores):
    return torch.softmax(scores, dim=-1)


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is None:
        mask = torch.ones(scores.shape, dtype=torch.bool, device=q.device)
    output = softmax_of(scores.masked_fill(~mask, -1e30 if q.dtype != torch.float16 else -6e4))
    weights = output.masked_fill(~mask, 0.0)
    return weights @ v, weights


# %%
q, k, v = (torch.randn(2, 3, 4) for _ in range(3))
output = torch.nn.functional.scaled_dot_product_attention(q, k, v)
weights = [torch.nn.functional.scaled_dot_product_attention(q, k, v) for mask in (None,)]


def compare(scores):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v) - scaled_dot_product_attention(q, k, v)[0]


compare(output)
