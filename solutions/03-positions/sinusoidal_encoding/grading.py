"""How the sinusoidal position encoding is graded."""

import math
from collections.abc import Iterator

import shared
import torch
from torch import nn

from grader.authoring import Case, Exercise, Random, edit, mistake


def table(module):
    return module.pe


def kept(module):
    return [name for name, _ in module.named_parameters()], sorted(module.state_dict())


def last_rows(module):
    return module.pe.shape[0], module.pe[-3:]


def as_built(target, d_model, max_len, x):
    return target(d_model, max_len)(x)


def cases(rand: Random) -> Iterator[Case]:
    def made(reason, x, d_model, max_len, **more):  # type: ignore[no-untyped-def]
        return Case(reason, (x,), init=(d_model, max_len), load_state=False, **more)

    yield made("added to every sequence", rand.normal(2, 5, 8), 8, 11, gradients=True, twice=True, public=True)
    yield Case("the table itself", init=(6, 9), load_state=False, drive=table, public=True)
    yield made("an odd size", rand.normal(2, 4, 7), 7, 9, family="shape", public=True)
    yield made("more sequences than positions", rand.normal(6, 3, 4), 4, 8, family="shape")
    yield made("as many sequences as positions", rand.normal(5, 5, 6), 6, 9, family="shape")
    yield made("one sequence, one feature", rand.normal(1, 4, 1), 1, 6, family="shape")
    yield made("exactly max_len positions", rand.normal(3, 7, 4), 4, 7, family="interface")
    yield made("one position too many", rand.normal(2, 8, 4), 4, 7, raises="ValueError", family="interface")
    yield made(
        "many positions, but a table of one", rand.normal(2, 3, 4), 4, 1, raises="ValueError", family="interface"
    )
    yield Case("no parameters; `pe` is in the state_dict", init=(6, 8), load_state=False, drive=kept, family="state")
    yield Case("a saved table loads", (rand.normal(2, 3, 6),), init=(6, 8), family="state")
    yield made("training mode is no different", rand.normal(2, 5, 6), 6, 8, train=True, family="state")
    # A float32 table is off by up to 5e-4 here, and right.
    yield Case("far positions, with max_len left out", init=(10,), load_state=False, drive=last_rows, tolerance=3e-3)
    yield made("float64", rand.normal(2, 3, 4), 4, 6, dtype="float64", family="dtype")
    x = rand.normal(2, 3, 4)
    yield Case("bfloat16 through a float32 module", (4, 6, x), drive=as_built, dtype="bfloat16", family="dtype")
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

mistakes = (
    mistake(
        "halves",
        "numerics",
        edit(
            (SINES, "pe[:, : (d_model + 1) // 2] = angle.sin()"),
            (COSINES, "pe[:, (d_model + 1) // 2 :] = angle[:, : d_model // 2].cos()"),
        ),
        edit(
            (SINES, "pe[:, : d_model // 2] = angle[:, : d_model // 2].sin()"),
            (COSINES, "pe[:, d_model // 2 :] = angle.cos()"),
        ),
        en="All sines come first and all cosines after them; they should alternate: even columns are sines, odd ones "
        "cosines.",
        zh="你把所有正弦排在前面、所有余弦排在后面；应当交错排列：偶数列是正弦，奇数列是余弦。",
    ),
    mistake(
        "exponent-halved",
        "numerics",
        edit(EXPONENT, "torch.arange((d_model + 1) // 2, dtype=torch.float64) / d_model"),
        en="The exponent of pair i is i/d (or the base is 100); it should be 2i/d. Your slowest wave is about 100 "
        "times too fast.",
        zh="第 i 对的指数写成了 i/d（或底数为 100），应当是 2i/d。你最慢的波快了约 100 倍。",
    ),
    mistake(
        "exponent-doubled",
        "numerics",
        edit(EXPONENT, "2 * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model"),
        en="The exponent is doubled twice: arange(0, d_model, 2) is 2i already, and you multiply it by 2 once more.",
        zh="指数被乘了两次 2：arange(0, d_model, 2) 已经是 2i，你又乘了一次 2。",
    ),
    mistake(
        "pair-of-two-frequencies",
        "numerics",
        edit(COSINES, COSINES.replace("angle", "torch.outer(position, 10000.0 ** -(exponent + 1 / d_model))")),
        edit(
            (EXPONENT, "2 * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model"),
            (COSINES, COSINES.replace("angle", "torch.outer(position, 10000.0 ** -(exponent + 2 / d_model))")),
        ),
        en="The cosine of a pair has another frequency than its sine: the column's own number is in the exponent. Both "
        "columns 2i and 2i+1 use the exponent 2i/d.",
        zh="同一对中余弦与正弦的频率不同：指数里用了列号本身。第 2i 列和第 2i+1 列的指数都应当是 2i/d。",
    ),
    mistake(
        "frequencies-end-at-base",
        "numerics",
        edit(EXPONENT, "torch.linspace(0, 1, (d_model + 1) // 2, dtype=torch.float64)"),
        en="Your frequencies run all the way to 1/10000 (exponents i/(d/2 − 1)); the formula's exponents are 2i/d and "
        "stay below 1.",
        zh="你的频率一直取到 1/10000（指数为 i/(d/2 − 1)）；公式中的指数是 2i/d，始终小于 1。",
    ),
    mistake(
        "wrong-base",
        "numerics",
        edit("10000.0", "1000.0"),
        edit("10000.0", "100000.0"),
        en="The base of the frequencies is not 10000.",
        zh="频率的底数不是 10000。",
    ),
    mistake(
        "frequency-inverted",
        "numerics",
        edit("10000.0**-exponent", "10000.0**exponent"),
        en="The position is multiplied by 10000^(2i/d); it should be divided by it.",
        zh="位置乘以了 10000^(2i/d)；应当除以它。",
    ),
    mistake(
        "positions-from-one",
        "numerics",
        edit("torch.arange(max_len, dtype=torch.float64)", "torch.arange(1, max_len + 1, dtype=torch.float64)"),
        en="Your positions start at 1; they start at 0, so that the first row is 0, 1, 0, 1, …",
        zh="你的位置从 1 开始；应当从 0 开始，第一行是 0, 1, 0, 1, …",
    ),
    mistake(
        "sine-and-cosine-swapped",
        "numerics",
        edit((SINES, "pe[:, 0::2] = angle.cos()"), (COSINES, "pe[:, 1::2] = angle[:, : d_model // 2].sin()")),
        en="Sine and cosine are swapped: even columns are sines, odd ones cosines.",
        zh="正弦和余弦对调了：偶数列是正弦，奇数列是余弦。",
    ),
    mistake(
        "sines-only",
        "numerics",
        edit(COSINES, COSINES.replace(".cos()", ".sin()")),
        edit(COSINES, "pass"),
        en="The odd columns are not cosines: every frequency needs its sine and its cosine.",
        zh="奇数列不是余弦：每个频率都要有正弦和余弦。",
    ),
    mistake(
        "rows-by-batch",
        "shape",
        edit(ROWS, "self.pe[: x.shape[0]].to(x.dtype)"),
        edit(ROWS, "self.pe[: x.shape[0], None].to(x.dtype)"),
        en="Rows of the table are chosen by the batch axis, x.shape[0]; positions are on axis 1: pe[:x.shape[1]].",
        zh="你按批维度 x.shape[0] 取了表的行；位置在第 1 维：pe[:x.shape[1]]。",
    ),
    mistake(
        "one-position-for-all",
        "numerics",
        edit(ROWS, "self.pe[length - 1].to(x.dtype)"),
        edit(ROWS, "self.pe[length if length < self.pe.shape[0] else -1].to(x.dtype)"),
        en="One row of the table is added to every position; position p gets row p: pe[:L], not pe[L].",
        zh="所有位置加的是同一行；位置 p 应加第 p 行：是 pe[:L] 而不是 pe[L]。",
    ),
    mistake(
        "table-not-cut",
        "shape",
        edit(ROWS, "self.pe.to(x.dtype)"),
        en="The whole table is added, max_len rows of it; x has L positions: add the first L rows.",
        zh="你加上了整张表（max_len 行）；x 只有 L 个位置：应当只加前 L 行。",
    ),
    mistake(
        "odd-size-fails",
        "shape",
        edit(COSINES, "pe[:, 1::2] = angle.cos()"),
        en="An odd d_model fails: there is one sine more than there are cosines, so the cosine columns take only the "
        "first d_model // 2 angles.",
        zh="d_model 为奇数时会出错：正弦比余弦多一列，余弦列只取前 d_model // 2 个角度。",
    ),
    mistake(
        "trainable",
        "state",
        edit(BUFFER, "self.pe = nn.Parameter(pe)"),
        edit(BUFFER, "self.pe = nn.Parameter(pe, requires_grad=False)"),
        en="The table is a parameter: an optimiser would be given it, and the model's size would count it. Register "
        "it as a buffer.",
        zh="这张表成了参数：会被交给优化器，也会计入参数量。请注册为 buffer。",
    ),
    mistake(
        "not-in-state-dict",
        "state",
        edit(BUFFER, "self.pe = pe"),
        edit(BUFFER, 'self.register_buffer("pe", pe, persistent=False)'),
        en="`pe` is not in the state_dict: a plain attribute stays behind when the module moves, and a non-persistent "
        "buffer is not saved. Use register_buffer.",
        zh="`pe` 不在 state_dict 中：普通属性不会随模块移动，非持久化的 buffer 不会保存。请用 register_buffer。",
    ),
    mistake(
        "extra-axis",
        "shape",
        edit(
            (BUFFER, 'self.register_buffer("pe", pe[None])'),
            ("self.pe.shape[0]", "self.pe.shape[1]"),
            (ROWS, "self.pe[:, :length].to(x.dtype)"),
        ),
        edit((BUFFER, 'self.register_buffer("pe", pe[:, None])'), (ROWS, "self.pe[:length, 0].to(x.dtype)")),
        en="`pe` has an axis of size 1 too many; its shape is (max_len, d_model), and broadcasting does the rest.",
        zh="`pe` 多了一个大小为 1 的维度；形状应为 (max_len, d_model)，其余交给广播。",
    ),
    mistake(
        "multiplied",
        "numerics",
        edit(SUM, f"x * {ROWS}"),
        en="The table is multiplied with x; it is added.",
        zh="你把表与 x 相乘了；应当相加。",
    ),
    mistake(
        "x-not-added",
        "numerics",
        edit(SUM, f"{ROWS}.expand_as(x)"),
        en="What comes back is the table alone: x is missing from the sum.",
        zh="返回的只是位置表：没有加上 x。",
    ),
    mistake(
        "x-scaled",
        "scaling",
        edit(SUM, f"x * x.shape[-1] ** 0.5 + {ROWS}"),
        en="x is multiplied by √d before the table is added. In the paper that belongs to the embedding; here x stays "
        "as it is.",
        zh="加位置之前把 x 乘以了 √d。论文里这一步属于词嵌入；这里 x 保持原样。",
    ),
    mistake(
        "dropout-added",
        "state",
        edit(SUM, f"nn.functional.dropout({SUM}, 0.1, self.training)"),
        en="Dropout is applied in training mode; this module only adds positions.",
        zh="训练模式下做了 dropout；这个模块只加位置。",
    ),
    mistake(
        "length-not-checked",
        "interface",
        edit(TOO_LONG, "if False:"),
        en="A sequence longer than max_len is not refused: check the length and raise ValueError. (Left alone, PyTorch "
        "raises a RuntimeError, or silently broadcasts a table of one row.)",
        zh="没有拒绝超过 max_len 的序列：请检查长度并抛出 ValueError。（否则 PyTorch 会抛出 RuntimeError，"
        "或者悄悄广播只有一行的表。）",
    ),
    mistake(
        "longer-cut",
        "interface",
        edit(
            (TOO_LONG, "x = x[:, : self.pe.shape[0]]\n        if False:"),
            (ROWS, "self.pe[: x.shape[1]].to(x.dtype)"),
        ),
        en="A sequence longer than max_len is cut to the length of the table, and nobody notices what was lost: raise "
        "ValueError.",
        zh="超过 max_len 的序列被截到了表的长度，丢了什么无人知晓：应当抛出 ValueError。",
    ),
    mistake(
        "max-len-refused",
        "interface",
        edit(TOO_LONG, "if length >= self.pe.shape[0]:"),
        en="A sequence of exactly max_len positions is refused; it fits: only a longer one raises ValueError.",
        zh="长度恰好为 max_len 的序列被拒绝了；它放得下：只有更长的才抛出 ValueError。",
    ),
    mistake(
        "promoted",
        "dtype",
        edit(ROWS, "self.pe[:length]"),
        edit(SUM, f"x.float() + {ROWS}.float()"),
        en="The result does not keep x's dtype: bfloat16 plus a float32 table is float32. Cast the table's rows to "
        "x.dtype.",
        zh="结果没有保持 x 的 dtype：bfloat16 加上 float32 的表会变成 float32。请把表的行转换为 x.dtype。",
    ),
    shared.inputs_changed(
        edit(SUM, f"x.data.add_({ROWS})"),
        edit(SUM, f"x.add_({ROWS})"),
    ),
    mistake(
        "x-detached",
        "gradient",
        edit(SUM, f"x.detach() + {ROWS}"),
        en="x is detached: no gradient reaches the embeddings below. The table has none, x keeps its own.",
        zh="x 被 detach 了：梯度无法传到下面的词嵌入。表不需要梯度，但 x 的梯度要保留。",
    ),
)

exercise = Exercise(
    targets=("PositionalEncoding",),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(PositionalEncoding,),
)
