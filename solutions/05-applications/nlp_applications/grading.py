"""How the masks of three tasks are graded."""

from collections.abc import Iterator

import shared
import torch

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    lengths, targets = torch.tensor([3, 6, 1, 4]), torch.tensor([5, 2, 7, 1])
    yield Case(
        "classification: padding is hidden", ("classification", lengths), family="masking", twice=True, public=True
    )
    yield Case("classification: nothing is padded", ("classification", torch.tensor([5, 5])), family="masking")
    yield Case("generation: causal, padding hidden", ("generation", lengths), family="masking", twice=True, public=True)
    yield Case("generation: one text", ("generation", torch.tensor([5])), family="masking")
    yield Case("generation: one token", ("generation", torch.tensor([1, 1])), family="masking")
    yield Case(
        "translation: a longer target", ("translation", lengths, targets), family="masking", twice=True, public=True
    )
    yield Case(
        "translation: a shorter target",
        ("translation", torch.tensor([4, 8, 2])),
        {"tgt_lengths": torch.tensor([3, 1, 2])},
        family="masking",
    )
    yield Case(
        "translation: one target token", ("translation", torch.tensor([2, 5]), torch.tensor([1, 1])), family="masking"
    )
    yield Case("translation without tgt_lengths", ("translation", lengths), raises="ValueError", family="interface")
    yield Case("an unknown task", ("summarisation", lengths), raises="ValueError", family="interface")
    yield Case(
        "an unknown task, with tgt_lengths", ("tagging", lengths, targets), raises="ValueError", family="interface"
    )


def mask_for(task, src_lengths, tgt_lengths=None):
    """The oracle: entry by entry."""
    if task not in ("classification", "generation", "translation") or (task == "translation" and tgt_lengths is None):
        raise ValueError(task)
    sources = src_lengths.tolist()
    rows = {"classification": 1, "generation": max(sources)}.get(task) or max(tgt_lengths.tolist())
    return torch.tensor(
        [
            [[j < n and (j <= i or task != "generation") for j in range(max(sources))] for i in range(rows)]
            for n in sources
        ]
    )


REAL = "(steps < src_lengths[:, None])[:, None, :]"
CAUSAL = "steps <= steps[:, None]"
TRANSLATED = "real.repeat(1, int(tgt_lengths.max()), 1)"
TARGETS = "(torch.arange(int(tgt_lengths.max())) < tgt_lengths[:, None])"
MISSING = """        if tgt_lengths is None:
            raise ValueError("translation needs tgt_lengths")
"""
UNKNOWN = '    raise ValueError(f"unknown task {task!r}")'

mistakes = (
    shared.mask_inverted(
        edit(
            ("return real\n", "return ~real\n"),
            ("return real & causal", "return ~(real & causal)"),
            (TRANSLATED, f"~{TRANSLATED}"),
        ),
        edit(REAL, f"~{REAL}"),
        edit("return real & causal", "return ~(real & causal)"),
    ),
    mistake(
        "padding-visible",
        "masking",
        edit("return real & causal", "return causal.expand(len(src_lengths), -1, -1)"),
        edit("return real & causal", "return causal.repeat(len(src_lengths), 1, 1)"),
        edit("return real & causal", "return real | causal"),
        edit(REAL, "torch.ones_like(steps < src_lengths[:, None])[:, None, :]"),
        edit(TRANSLATED, "torch.ones_like(real).repeat(1, int(tgt_lengths.max()), 1)"),
        en="Padding of the source can be seen: a key is allowed only if its position is below its sequence's length, "
        "and "
        "in generation both conditions, padding and causality, have to hold.",
        zh="源端的填充可以被看到：只有位置小于该序列长度的键才允许关注；生成任务中，填充和因果两个条件要同时满足。",
    ),
    mistake(
        "future-visible",
        "masking",
        edit("return real & causal", "return real.repeat(1, len(steps), 1)"),
        edit("return real & causal", "return real & real.mT"),
        edit(CAUSAL, "steps >= steps[:, None]"),
        edit(CAUSAL, "steps <= steps[:, None] + 1"),
        en="In generation a token can see later ones: position i sees the positions j ≤ i only.",
        zh="生成任务中词元能看到后面的词元：位置 i 只能看到 j ≤ i 的位置。",
    ),
    mistake(
        "self-hidden",
        "masking",
        edit(CAUSAL, "steps < steps[:, None]"),
        en="In generation a token may see itself, too: j ≤ i, the diagonal included. As it is, the first one sees "
        "nothing.",
        zh="生成任务中词元也可以看到自己：j ≤ i，包含对角线。现在第一个词元什么都看不到。",
    ),
    mistake(
        "padding-rows-hidden",
        "masking",
        edit("return real & causal", "return real & causal & real.mT"),
        edit(TRANSLATED, f"real & {TARGETS}[:, :, None]"),
        en="Rows of padding are hidden as well: only columns (keys) are hidden here; the rows of padded queries look "
        "like "
        "any other, and the loss leaves them out.",
        zh="填充所在的行也被屏蔽了：这里只屏蔽列（键）；填充查询的行与其他行一样，由损失去排除。",
    ),
    mistake(
        "target-padding",
        "masking",
        edit(TRANSLATED, f"{TARGETS}[:, :, None].repeat(1, 1, len(steps))"),
        edit(TRANSLATED, f"{TARGETS}[:, None, :].repeat(1, len(steps), 1)"),
        en="The mask of translation hides the target's padding; cross-attention looks at the source, so it hides the "
        "source's.",
        zh="翻译的掩码屏蔽了目标端的填充；交叉注意力看的是源端，应当屏蔽源端的填充。",
    ),
    mistake(
        "translation-causal",
        "masking",
        edit(TRANSLATED, f"{TRANSLATED} & (steps <= torch.arange(int(tgt_lengths.max()))[:, None])"),
        en="The mask of translation is causal: cross-attention may look at the whole source, whatever the target's "
        "position.",
        zh="翻译的掩码加上了因果限制：无论目标端走到哪个位置，交叉注意力都可以看整个源文本。",
    ),
    mistake(
        "length-off-by-one",
        "masking",
        edit("steps < src_lengths[:, None]", "steps <= src_lengths[:, None]"),
        edit("steps < src_lengths[:, None]", "steps < src_lengths[:, None] - 1"),
        en="The length is off by one: positions count from 0, so those below the length are real.",
        zh="长度差了 1：位置从 0 开始数，小于长度的位置才是真实的。",
    ),
    mistake(
        "shape-of-mask",
        "shape",
        edit(("return real\n", "return real[:, 0]\n")),
        edit(("return real\n", "return real.repeat(1, len(steps), 1)\n")),
        edit(("return real\n", "return real[:, None]\n")),
        edit(TRANSLATED, "real"),
        edit(TRANSLATED, f"{TRANSLATED}.mT"),
        edit(TRANSLATED, "real.repeat(1, len(steps), 1)"),
        edit(
            ("return real\n", "return real[:, None]\n"),
            ("return real & causal", "return (real & causal)[:, None]"),
            (TRANSLATED, f"{TRANSLATED}[:, None]"),
        ),
        en="The mask does not have the shape of the table: (B, 1, S) for classification, (B, S, S) for generation, "
        "(B, T, S) "
        "for translation, queries before keys.",
        zh="掩码的形状与表中不符：分类 (B, 1, S)，生成 (B, S, S)，翻译 (B, T, S)，查询在前、键在后。",
    ),
    mistake(
        "not-boolean",
        "dtype",
        edit(REAL, f"{REAL}.float()"),
        edit(
            ("return real\n", "return real.float()\n"),
            ("return real & causal", "return (real & causal).float()"),
            (TRANSLATED, f"{TRANSLATED}.float()"),
        ),
        edit(
            ("return real\n", "return real.long()\n"),
            ("return real & causal", "return (real & causal).long()"),
            (TRANSLATED, f"{TRANSLATED}.long()"),
        ),
        edit(
            ("return real\n", "return real.int()\n"),
            ("return real & causal", "return (real & causal).int()"),
            (TRANSLATED, f"{TRANSLATED}.int()"),
        ),
        en="The mask is not of dtype bool: 0 and 1 as numbers would be added to the scores, or fail. Return a "
        "comparison's result.",
        zh="掩码的 dtype 不是 bool：数字 0 和 1 会被加到打分上，或者直接报错。请返回比较运算的结果。",
    ),
    mistake(
        "no-error",
        "interface",
        edit(UNKNOWN, "    return None"),
        edit(UNKNOWN, "    return real"),
        edit(MISSING, "        tgt_lengths = src_lengths if tgt_lengths is None else tgt_lengths\n"),
        edit(MISSING, ""),
        edit(UNKNOWN, "    raise KeyError(task)"),
        edit(UNKNOWN, "    raise NotImplementedError(task)"),
        edit("raise ValueError(", "raise AssertionError("),
        en="An unknown task, and translation without tgt_lengths, have to be refused with ValueError.",
        zh="未知任务，以及没有 tgt_lengths 的翻译，都应当抛出 ValueError。",
    ),
)

exercise = Exercise(
    targets=("mask_for",),
    outputs=("mask",),
    cases=cases,
    mistakes=mistakes,
    oracles=(mask_for,),
)
