"""How the sinusoidal position encoding is graded."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, call, known, replace, standard


def table(module):
    return module.pe


def kept(module):
    return dict(module.named_parameters()), dict(module.state_dict())


def last_rows(module):
    return module.pe.shape[0], module.pe[-3:]


def as_built(target, d_model, max_len, x):
    return target(d_model, max_len)(x)


def cases(rand: Inputs) -> Iterator[Case]:
    normal = rand.normal

    def module(*init: int) -> Any:
        return built(*init).as_initialised()

    yield Case("added to every sequence", module(8, 11)(normal(2, 5, 8)), gradients=True, twice=True, public=True)
    yield Case("the table itself", module(6, 9)(), probe=table, public=True)
    yield Case("an odd size", module(7, 9)(normal(2, 4, 7)), "shape", public=True)
    yield Case("more sequences than positions", module(4, 8)(normal(6, 3, 4)), "shape")
    yield Case("as many sequences as positions", module(6, 9)(normal(5, 5, 6)), "shape")
    yield Case("one sequence, one feature", module(1, 6)(normal(1, 4, 1)), "shape")
    yield Case("exactly max_len positions", module(4, 7)(normal(3, 7, 4)), "interface")
    yield Case("one position too many", module(4, 7)(normal(2, 8, 4)), "interface", raises="ValueError")
    one = module(4, 1)(normal(2, 3, 4))
    yield Case("many positions, but a table of one", one, "interface", raises="ValueError")
    yield Case("no parameters; `pe` is in the state_dict", module(6, 8)(), "state", probe=kept)
    yield Case("a saved table loads", built(6, 8)(normal(2, 3, 6)), "state")
    yield Case("training mode is no different", module(6, 8).train()(normal(2, 5, 6)), "state")
    # A float32 table is off by up to 5e-4 here, and right.
    yield Case("far positions, with max_len left out", module(10)(), probe=last_rows, tolerance=3e-3)
    yield from standard(lambda: module(4, 6)(normal(2, 3, 4)), dtypes=("float64",), strides=False)
    yield Case(
        "bfloat16 through a float32 module", call(4, 6, normal(2, 3, 4)), "dtype", probe=as_built, dtype="bfloat16"
    )
    yield Case("a bfloat16 module", module(4, 6)(normal(2, 5, 4)), "dtype", dtype="bfloat16")


def PositionalEncoding(d_model, max_len=5000):
    """The oracle: one entry after the other."""

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            pe = torch.zeros(max_len, d_model)
            for column in range(d_model):
                wave = math.cos if column % 2 else math.sin
                frequency = math.exp(-math.log(10000) * (column - column % 2) / d_model)
                pe[:, column] = torch.tensor([wave(p * frequency) for p in range(max_len)])
            self.register_buffer("pe", pe)

        def forward(self, x):
            if x.size(1) > len(self.pe):
                raise ValueError
            return torch.stack([sequence + self.pe[: x.size(1)].to(x.dtype) for sequence in x])

    return Table()


EXPONENT = "torch.arange(0, d_model, 2, dtype=torch.float64) / d_model"
DOUBLED = (EXPONENT, f"2 * {EXPONENT}")
SINES = "pe[:, 0::2] = angle.sin()"
COSINES = "pe[:, 1::2] = angle[:, : d_model // 2].cos()"
BUFFER = 'self.register_buffer("pe", pe)'
ROWS = "self.pe[:length].to(x.dtype)"
TOO_LONG = "if length > self.pe.shape[0]:"
SUM = f"x + {ROWS}"


def cosines_of(exponent: str) -> tuple[str, str]:
    return COSINES, COSINES.replace("angle", f"torch.outer(position, 10000.0 ** -({exponent}))")


mistakes = known(
    halves=[
        replace(
            (SINES, "pe[:, : (d_model + 1) // 2] = angle.sin()"),
            (COSINES, "pe[:, (d_model + 1) // 2 :] = angle[:, : d_model // 2].cos()"),
        ),
        replace(
            (SINES, "pe[:, : d_model // 2] = angle[:, : d_model // 2].sin()"),
            (COSINES, "pe[:, d_model // 2 :] = angle.cos()"),
        ),
    ],
    exponent_halved=replace(EXPONENT, "torch.arange((d_model + 1) // 2, dtype=torch.float64) / d_model"),
    exponent_doubled=replace(DOUBLED),
    pair_of_two_frequencies=[
        replace(cosines_of("exponent + 1 / d_model")),
        replace(DOUBLED, cosines_of("exponent + 2 / d_model")),
    ],
    frequencies_end_at_base=replace(EXPONENT, "torch.linspace(0, 1, (d_model + 1) // 2, dtype=torch.float64)"),
    wrong_base=instead_of("10000.0", "1000.0", "100000.0"),
    frequency_inverted=replace("10000.0**-exponent", "10000.0**exponent"),
    positions_from_one=replace("torch.arange(max_len,", "torch.arange(1, max_len + 1,"),
    sine_and_cosine_swapped=replace((".sin()", ".other()"), (".cos()", ".sin()"), (".other()", ".cos()")),
    sines_only=[replace(".cos()", ".sin()"), replace(COSINES, "pass")],
    rows_by_batch=instead_of(ROWS, "self.pe[: x.shape[0]].to(x.dtype)", "self.pe[: x.shape[0], None].to(x.dtype)"),
    one_position_for_all=instead_of(
        ROWS, "self.pe[length - 1].to(x.dtype)", "self.pe[length if length < self.pe.shape[0] else -1].to(x.dtype)"
    ),
    table_not_cut=replace(ROWS, "self.pe.to(x.dtype)"),
    odd_size_fails=replace(COSINES, "pe[:, 1::2] = angle.cos()"),
    trainable=instead_of(BUFFER, "self.pe = nn.Parameter(pe)", "self.pe = nn.Parameter(pe, requires_grad=False)"),
    not_in_state_dict=instead_of(BUFFER, "self.pe = pe", 'self.register_buffer("pe", pe, persistent=False)'),
    extra_axis=[
        replace(
            (BUFFER, 'self.register_buffer("pe", pe[None])'),
            ("self.pe.shape[0]", "self.pe.shape[1]"),
            (ROWS, "self.pe[:, :length].to(x.dtype)"),
        ),
        replace((BUFFER, 'self.register_buffer("pe", pe[:, None])'), (ROWS, "self.pe[:length, 0].to(x.dtype)")),
    ],
    multiplied=replace(SUM, f"x * {ROWS}"),
    x_not_added=replace(SUM, f"{ROWS}.expand_as(x)"),
    x_scaled=replace(SUM, f"x * x.shape[-1] ** 0.5 + {ROWS}"),
    dropout_added=replace(SUM, f"nn.functional.dropout({SUM}, 0.1, self.training)"),
    length_not_checked=replace(TOO_LONG, "if False:"),
    longer_cut=replace(
        (TOO_LONG, "x = x[:, : self.pe.shape[0]]\n        if False:"), (ROWS, "self.pe[: x.shape[1]].to(x.dtype)")
    ),
    max_len_refused=replace(TOO_LONG, "if length >= self.pe.shape[0]:"),
    promoted=replace(ROWS, "self.pe[:length]"),
)

exercise = Exercise(
    targets=("PositionalEncoding",), outputs=("result",), cases=cases, mistakes=mistakes, oracles=(PositionalEncoding,)
)
