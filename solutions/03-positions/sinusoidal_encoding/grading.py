"""How the sinusoidal position encoding is graded."""

import math
from collections.abc import Iterator

import torch
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, call, known, replace


def table(module):
    return module.pe


def kept(module):
    return [name for name, _ in module.named_parameters()], sorted(module.state_dict())


def last_rows(module):
    return module.pe.shape[0], module.pe[-3:]


def as_built(target, d_model, max_len, x):
    return target(d_model, max_len)(x)


def cases(rand: Inputs) -> Iterator[Case]:
    def made(reason, x, d_model, max_len, **more):  # type: ignore[no-untyped-def]
        return Case(reason, built(d_model, max_len).as_initialised()(x), **more)

    yield made("added to every sequence", rand.normal(2, 5, 8), 8, 11, gradients=True, twice=True, public=True)
    yield Case("the table itself", built(6, 9).as_initialised()(), probe=table, public=True)
    yield made("an odd size", rand.normal(2, 4, 7), 7, 9, family="shape", public=True)
    yield made("more sequences than positions", rand.normal(6, 3, 4), 4, 8, family="shape")
    yield made("as many sequences as positions", rand.normal(5, 5, 6), 6, 9, family="shape")
    yield made("one sequence, one feature", rand.normal(1, 4, 1), 1, 6, family="shape")
    yield made("exactly max_len positions", rand.normal(3, 7, 4), 4, 7, family="interface")
    yield made("one position too many", rand.normal(2, 8, 4), 4, 7, raises="ValueError", family="interface")
    yield made(
        "many positions, but a table of one", rand.normal(2, 3, 4), 4, 1, raises="ValueError", family="interface"
    )
    yield Case("no parameters; `pe` is in the state_dict", built(6, 8).as_initialised()(), family="state", probe=kept)
    yield Case("a saved table loads", built(6, 8)(rand.normal(2, 3, 6)), family="state")
    yield Case(
        "training mode is no different", built(6, 8).as_initialised().train()(rand.normal(2, 5, 6)), family="state"
    )
    # A float32 table is off by up to 5e-4 here, and right.
    yield Case("far positions, with max_len left out", built(10).as_initialised()(), probe=last_rows, tolerance=3e-3)
    yield made("float64", rand.normal(2, 3, 4), 4, 6, dtype="float64", family="dtype")
    x = rand.normal(2, 3, 4)
    yield Case("bfloat16 through a float32 module", call(4, 6, x), family="dtype", probe=as_built, dtype="bfloat16")
    yield made("a bfloat16 module", rand.normal(2, 5, 4), 4, 6, dtype="bfloat16", family="dtype")


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
SINES = "pe[:, 0::2] = angle.sin()"
COSINES = "pe[:, 1::2] = angle[:, : d_model // 2].cos()"
BUFFER = 'self.register_buffer("pe", pe)'
ROWS = "self.pe[:length].to(x.dtype)"
TOO_LONG = "if length > self.pe.shape[0]:"
SUM = f"x + {ROWS}"

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
    exponent_doubled=replace(EXPONENT, "2 * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model"),
    pair_of_two_frequencies=[
        replace(COSINES, COSINES.replace("angle", "torch.outer(position, 10000.0 ** -(exponent + 1 / d_model))")),
        replace(
            (EXPONENT, "2 * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model"),
            (COSINES, COSINES.replace("angle", "torch.outer(position, 10000.0 ** -(exponent + 2 / d_model))")),
        ),
    ],
    frequencies_end_at_base=replace(EXPONENT, "torch.linspace(0, 1, (d_model + 1) // 2, dtype=torch.float64)"),
    wrong_base=[replace("10000.0", "1000.0"), replace("10000.0", "100000.0")],
    frequency_inverted=replace("10000.0**-exponent", "10000.0**exponent"),
    positions_from_one=replace(
        "torch.arange(max_len, dtype=torch.float64)", "torch.arange(1, max_len + 1, dtype=torch.float64)"
    ),
    sine_and_cosine_swapped=replace(
        (SINES, "pe[:, 0::2] = angle.cos()"), (COSINES, "pe[:, 1::2] = angle[:, : d_model // 2].sin()")
    ),
    sines_only=[replace(COSINES, COSINES.replace(".cos()", ".sin()")), replace(COSINES, "pass")],
    rows_by_batch=[
        replace(ROWS, "self.pe[: x.shape[0]].to(x.dtype)"),
        replace(ROWS, "self.pe[: x.shape[0], None].to(x.dtype)"),
    ],
    one_position_for_all=[
        replace(ROWS, "self.pe[length - 1].to(x.dtype)"),
        replace(ROWS, "self.pe[length if length < self.pe.shape[0] else -1].to(x.dtype)"),
    ],
    table_not_cut=replace(ROWS, "self.pe.to(x.dtype)"),
    odd_size_fails=replace(COSINES, "pe[:, 1::2] = angle.cos()"),
    trainable=[
        replace(BUFFER, "self.pe = nn.Parameter(pe)"),
        replace(BUFFER, "self.pe = nn.Parameter(pe, requires_grad=False)"),
    ],
    not_in_state_dict=[
        replace(BUFFER, "self.pe = pe"),
        replace(BUFFER, 'self.register_buffer("pe", pe, persistent=False)'),
    ],
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
    promoted=[replace(ROWS, "self.pe[:length]"), replace(SUM, f"x.float() + {ROWS}.float()")],
    inputs_changed=[replace(SUM, f"x.data.add_({ROWS})"), replace(SUM, f"x.add_({ROWS})")],
    x_detached=replace(SUM, f"x.detach() + {ROWS}"),
)

exercise = Exercise(
    targets=("PositionalEncoding",), outputs=("result",), cases=cases, mistakes=mistakes, oracles=(PositionalEncoding,)
)
