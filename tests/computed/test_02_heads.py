"""What the exercises of 02-heads quote."""

from __future__ import annotations

import pytest
import torch
from quoting import binary, count, quoted, reference, softmax, three_digits
from torch import nn


def test_self_attention() -> None:
    quoted("self_attention", *three_digits(softmax(1, 2)), *three_digits(softmax(2, 4)))
    quoted("self_attention", *three_digits(1 + softmax(*scores)[1] for scores in ((1, 2), (2, 4))))
    quoted("self_attention", count(1.5 * 512), count(1.5 * 4096), count(2 * 512 * 64), count(512**2))
    torch.manual_seed(0)
    tokens = torch.randn(100, 16, 64)
    scores = tokens @ tokens.mT / 8
    assert (scores.argmax(dim=-1) == torch.arange(16)).all()
    own = scores.softmax(dim=-1).diagonal(dim1=1, dim2=2)
    quoted("self_attention", f"{own.mean():.2f}")
    q, k = nn.Linear(64, 64), nn.Linear(64, 64)
    best = (q(tokens) @ k(tokens).mT).argmax(dim=-1) == torch.arange(16)
    assert best.float().mean() == pytest.approx(1 / 16, abs=0.03)


def test_multi_head_attention() -> None:
    E, L = 512, 512
    quoted("multi_head_attention", count(4 * E**2 + 4 * E))
    quoted("multi_head_attention", (f"{2 * 2 * L * E**2 / 1e6:.0f} million", f"{2 * 2 * L * E**2 / 1e8:.2f} 亿"))
    quoted("multi_head_attention", (f"{2 * L * L * E / 1e6:.0f} million", f"{2 * L * L * E / 1e8:.2f} 亿"))
    quoted("multi_head_attention", binary(2 * 80 * 8 * 128 * 2), binary(2 * 80 * 64 * 128 * 2))
    quoted(
        "multi_head_attention",
        *three_digits(softmax(2 / 2**0.5, 0)),
        *three_digits(softmax(0, 3 / 2**0.5)),
        *three_digits(softmax(1, 1.5)),
    )


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("gradients", [True, False])
def test_the_librarys_rows_that_see_nothing(need_weights: bool, training: bool, gradients: bool) -> None:
    """What multi_head_attention and text_classifier say of `nn.MultiheadAttention`."""
    layer = nn.MultiheadAttention(8, 2, batch_first=True).train(training)
    nn.init.normal_(layer.out_proj.bias)
    x, hidden = torch.randn(1, 3, 8), torch.ones(1, 3, dtype=torch.bool)
    with torch.set_grad_enabled(gradients):
        output = layer(x, x, x, key_padding_mask=hidden, need_weights=need_weights)[0]
    if need_weights or not (training or gradients):
        assert output.isnan().all()
    else:
        assert torch.allclose(output, layer.out_proj.bias)


def test_cross_attention() -> None:
    quoted("cross_attention", *three_digits(softmax(0, 2)), *three_digits([2 * softmax(0, 2)[1]]))
    positions, words, E, width = 64 * 64, 77, 320, 768
    own = 4 * positions * E**2 + 2 * positions**2 * E
    across = 2 * positions * E**2 + 2 * words * width * E + 2 * positions * words * E
    quoted("cross_attention", count(positions * words), f"{positions / words:.0f}", f"{own / across:.1f}")
    quoted(
        "cross_attention",
        (f"{own / 1e9:.1f}", f"{own / 1e8:.0f} 亿"),
        (f"{across / 1e9:.2f}", f"{across / 1e8:.1f} 亿"),
    )


def test_self_vs_cross() -> None:
    quoted("self_vs_cross", *three_digits(softmax(1, 2)), *three_digits(softmax(0, 2)))
    for queries, keys in ((197, 197), (100, 1500), (64**2, 64**2), (64**2, 77), (512, 224**2)):
        quoted("self_vs_cross", count(queries * keys))
    quoted("self_vs_cross", (f"{224**2 / 512:.0f} times", f"1/{224**2 / 512:.0f}"), binary(2 * 6 * 512 * 2))


def test_self_vs_multi_head() -> None:
    parameter_count = reference("self_vs_multi_head")["parameter_count"]
    E, H = 512, 8
    shared = 2 * (E**2 + E) + 2 * (E * E // H + E // H)
    quoted("self_vs_multi_head", count(parameter_count(E, H)), count(shared), count(parameter_count(4, 2)))
    quoted("self_vs_multi_head", binary(2048**2 * 2), binary(8 * 2048**2 * 2))
    quoted(
        "self_vs_multi_head",
        binary(2 * 32 * 8 * 128 * 2),
        binary(2 * 32 * 32 * 128 * 2),
        *three_digits(softmax(2 / 2**0.5, 0)),
    )
