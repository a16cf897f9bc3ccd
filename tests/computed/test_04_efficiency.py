"""What the exercises of 04-efficiency quote."""

from __future__ import annotations

import math

import pytest
import torch
from quoting import binary, count, quoted, reference, softmax, three_digits


def test_topk_attention() -> None:
    quoted("topk_attention", *three_digits((*softmax(1, 2), *softmax(1, 0, 2))))
    dense = torch.softmax(2 * torch.randn(6, 10, generator=torch.Generator().manual_seed(1)), dim=-1)
    dropped = 1 - dense.topk(3, dim=-1).values.sum(dim=-1)
    assert (round(100 * dropped.min().item()), round(100 * dropped.max().item())) == (4, 27), "as the picture says"


@pytest.mark.slow
def test_ties_in_half_precision() -> None:
    torch.manual_seed(0)
    for dtype, share in ((torch.bfloat16, 0.40), (torch.float16, 0.07), (torch.float32, 0.0)):
        q, k = torch.randn(600, 64).to(dtype), torch.randn(2000, 64).to(dtype)
        best = (q @ k.T / 8).topk(33, dim=-1).values
        assert (best[:, 31] == best[:, 32]).float().mean() == pytest.approx(share, abs=0.06)
    quoted("topk_attention", "40%", "7%")


def test_local_attention() -> None:
    token = 2 * 32 * 8 * 128 * 2
    quoted("local_attention", binary(token), binary(4096 * token), binary(32_768 * token))
    quoted("local_attention", f"{4096 * 257 * 64 * 4 / 2**20:.0f} MiB")
    quoted("local_attention", (f"{4096 / 257:.0f} times", "十六分之一"), ("131k", "131k"))


def test_linear_attention() -> None:
    linear_attention = reference("linear_attention")["linear_attention"]
    q, k, v = torch.tensor([[1.0, 0]]), torch.tensor([[0.0, 0], [2, 0]]), torch.tensor([[1.0], [5]])
    quoted("linear_attention", f"{linear_attention(q, k, v).item():.1f}", f"{0.75**4:.0%}")
    state = 64 * 64 + 64
    quoted("linear_attention", count(state), str(state // 128 + 1))
    quoted("linear_attention", binary(8192 * 64 * 64 * 4), binary(128 * 64 * 64 * 4), f"{64 / 4096:.1%}")
    carried = torch.tensor(0.0, dtype=torch.bfloat16)
    for _ in range(1000):
        carried += 1
    quoted("linear_attention", f"{carried.item():g}")
    assert torch.ones(1000, dtype=torch.bfloat16).cumsum(dim=0)[-1] == 1000


def test_chunked_attention() -> None:
    total, top = math.exp(-1) + 1, math.exp(-1) + 2
    later = (total * math.exp(-1) + 1, top * math.exp(-1) + 3)
    output = later[1] / later[0]
    quoted("chunked_attention", *three_digits((total, top, *later, output, top / total, (top / total + 3) / 2)))
    quoted("chunked_attention", f"{1 - 36 / 64:.0%}", binary(16 * 4096**2 * 2), binary(4 * 16 * 4096**2 * 2))
    saved: dict[int, int] = {}
    kept = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
        kept.append(tensor)  # or the next one takes its place in memory
        return tensor

    q, k, v = (torch.randn(1024, 64, requires_grad=True) for _ in range(3))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        reference("chunked_attention")["chunked_attention"](q, k, v, 64)
    quoted("chunked_attention", f"{sum(saved.values()) / 1024**2:.2f}·L·S")


def test_checkpointed_attention() -> None:
    quoted("checkpointed_attention", binary(3 * 4096 * 1024 * 2), binary(16 * 4096**2 * 2))
    quoted("checkpointed_attention", f"{6 * 2**5}", f"{1 - 0.9**2:.0%}", f"{1 - 0.9**0.5:.3f}")


def test_limits_of_attention() -> None:
    given = reference("limits_of_attention")
    quoted("limits_of_attention", str(given["attention_flops"](1, 1, 3, 5, 4)))
    quoted("limits_of_attention", binary(given["score_bytes"](1, 32, 32_768, 32_768, torch.bfloat16)))
    quoted("limits_of_attention", count(2 * 4096), count(6 * 4096), count(32 * 4096))
    flops = given["attention_flops"](1, 32, 1, 100_000, 128)
    assert flops == 2 * 32 * 100_000 * 128 * 2, "as many operations as bytes"
    quoted("limits_of_attention", f"{flops / 1e9:.2f}", f"{989 / 3.35:.0f}")
    wrong = 2**52 + 2**27
    assert int(math.sqrt(wrong)) != math.isqrt(wrong)
    assert int(math.sqrt(wrong - 1)) == math.isqrt(wrong - 1)
