"""What the exercises of 01-foundations quote."""

from __future__ import annotations

import math

import torch
from quoting import binary, quoted, reference, softmax, three_digits

GIB_32K = binary(32_768**2)


def rounded(digits: int, *numbers: float) -> str:
    return ", ".join(f"{number:.{digits}f}" for number in numbers)


def test_attention_by_hand() -> None:
    attend = reference("attention_by_hand")["attend"]
    keys, values = [[1, 1], [0, 1]], [[1, 2], [3, 4]]
    output, weights = attend([1, 0], keys, values)
    scaled_output, scaled = attend([1, 0], keys, values, scale=2**-0.5)
    for numbers in (output, scaled_output):
        quoted("attention_by_hand", f"[{rounded(4, *numbers)}]")
    quoted("attention_by_hand", *(f"{weight:.4f}" for weight in (*weights, *scaled)))
    other, weights = attend([2, 0], [[1, 1], [0, 3]], [[10, 0], [0, 10]])
    quoted("attention_by_hand", *(f"{weight:.4f}" for weight in weights), f"[{rounded(3, *other)}]")
    quoted("attention_by_hand", f"{math.e:.2f}", f"{math.e**2:.2f}")
    away, nearer = (attend([scale], [[2], [1], [0]], [[1], [-4], [3]])[0][0] for scale in (1, 0.5))
    quoted("attention_by_hand", f"{away:.2f}".replace("-", "−"), f"{nearer:.2f}".replace("-", "−"))
    assert math.exp(-745) > 0 == math.exp(-746)
    assert torch.exp(torch.tensor(-103.0)) > 0 == torch.exp(torch.tensor(-105.0))


def test_dot_product_attention() -> None:
    weights = softmax(1, 2)
    quoted("dot_product_attention", *three_digits(weights))
    quoted("dot_product_attention", f"{weights[0] * 6 + weights[1] * 9:.3f}")
    quoted("dot_product_attention", *(f"{torch.sigmoid(torch.tensor(float(score))):.3f}" for score in (1, 2)))
    torch.manual_seed(0)
    scores = torch.stack([torch.randn(64, 1024) @ torch.randn(1024) for _ in range(400)])
    largest = scores.softmax(dim=-1).amax(dim=-1)
    assert abs(largest.mean() - 0.95) < 0.02
    assert 0.5 < (largest > 0.999).float().mean() < 0.67
    assert abs((scores / 32).softmax(dim=-1).amax(dim=-1).mean() - 0.11) < 0.005
    quoted("dot_product_attention", "0.95", "0.999", "0.11", "32")


def test_masked_softmax() -> None:
    for scores in ((1, 3), (1, 0, 3), (1, 2, 3)):
        quoted("masked_softmax", *three_digits(softmax(*scores)))
    quoted("masked_softmax", f"{sum(softmax(1, 2, 3)[::2]):.3f}")
    exponentials = torch.exp(torch.tensor([0.0, 1.0, 100.0]) - 100)
    leaked = exponentials[:2] / exponentials[:2].sum()
    quoted("masked_softmax", *three_digits((*leaked.tolist(), *softmax(0, 1))))
    gap = torch.nextafter(torch.tensor(1e9), torch.tensor(2e9)) - 1e9
    quoted("masked_softmax", f"{gap:g}", f"{int(torch.finfo(torch.float16).max):,}")


def test_scaled_dot_product_attention() -> None:
    quoted("scaled_dot_product_attention", *three_digits(softmax(1, 0)))
    for difference, digits in ((0, 2), (4, 3), (8, 4)):
        weight = softmax(difference, 0)[0]
        quoted("scaled_dot_product_attention", f"{weight * (1 - weight):.{digits}f}")
    quoted("scaled_dot_product_attention", binary(32_768**2 * 2), binary(32_768 * 4))
    quoted("scaled_dot_product_attention", f"{64**-0.5:g}", "65,504")


def test_masks_and_dropout() -> None:
    quoted("attention_masks", GIB_32K, f"{(32_768 // 128) ** 2:,}")
    quoted("attention_dropout", GIB_32K)
    quoted("attention_dropout", f"{sum((0.9, 1, 0)) / 3:.2f}", f"{0.5 / 0.8:g}", f"{0.2 / 0.8:g}", f"{0.7 / 0.8:g}")
    torch.manual_seed(0)
    dropped = (torch.rand(1_000_000, dtype=torch.bfloat16) < 0.001).float().mean()
    assert abs(dropped - 0.0029) < 0.0003
    quoted("attention_dropout", "0.29 %")


def test_weighted_sum() -> None:
    quoted("weighted_sum", f"[{0.25 * 1 + 0.75 * 3}, {0.25 * 2 + 0.75 * 4}]", "[1, 4.5]")
    quoted("weighted_sum", binary(32 * 4096 * 1024 * 4))


def test_what_is_attention() -> None:
    soft_lookup = reference("what_is_attention")["soft_lookup"]
    query, keys, values = torch.tensor([1.0, 0]), torch.tensor([[2.0, 2], [0, 1]]), torch.tensor([[10.0], [20]])
    for temperature in (1, 0.1, 100):
        weights = softmax(2 / temperature, 0)
        quoted("what_is_attention", *three_digits(weights))
        quoted("what_is_attention", f"{soft_lookup(query, keys, values, temperature).item():.2f}")
    quoted("what_is_attention", *(f"{(query - key).norm():.2f}" for key in keys))
