"""How the masks of three tasks are graded."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    lengths, targets = torch.tensor([3, 6, 1, 4]), torch.tensor([5, 2, 7, 1])
    yield Case(
        "classification: padding is hidden", call("classification", lengths), family="masking", twice=True, public=True
    )
    yield Case("classification: nothing is padded", call("classification", torch.tensor([5, 5])), family="masking")
    yield Case(
        "generation: causal, padding hidden", call("generation", lengths), family="masking", twice=True, public=True
    )
    yield Case("generation: one text", call("generation", torch.tensor([5])), family="masking")
    yield Case("generation: one token", call("generation", torch.tensor([1, 1])), family="masking")
    yield Case(
        "translation: a longer target", call("translation", lengths, targets), family="masking", twice=True, public=True
    )
    yield Case(
        "translation: a shorter target",
        call("translation", torch.tensor([4, 8, 2]), tgt_lengths=torch.tensor([3, 1, 2])),
        family="masking",
    )
    yield Case(
        "translation: one target token",
        call("translation", torch.tensor([2, 5]), torch.tensor([1, 1])),
        family="masking",
    )
    yield Case("translation without tgt_lengths", call("translation", lengths), family="interface", raises="ValueError")
    yield Case("an unknown task", call("summarisation", lengths), family="interface", raises="ValueError")
    yield Case(
        "an unknown task, with tgt_lengths", call("tagging", lengths, targets), family="interface", raises="ValueError"
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

mistakes = known(
    mask_inverted=[
        replace(
            ("return real\n", "return ~real\n"),
            ("return real & causal", "return ~(real & causal)"),
            (TRANSLATED, f"~{TRANSLATED}"),
        ),
        replace(REAL, f"~{REAL}"),
        replace("return real & causal", "return ~(real & causal)"),
    ],
    padding_visible=[
        replace("return real & causal", "return causal.expand(len(src_lengths), -1, -1)"),
        replace("return real & causal", "return causal.repeat(len(src_lengths), 1, 1)"),
        replace("return real & causal", "return real | causal"),
        replace(REAL, "torch.ones_like(steps < src_lengths[:, None])[:, None, :]"),
        replace(TRANSLATED, "torch.ones_like(real).repeat(1, int(tgt_lengths.max()), 1)"),
    ],
    future_visible=[
        replace("return real & causal", "return real.repeat(1, len(steps), 1)"),
        replace("return real & causal", "return real & real.mT"),
        replace(CAUSAL, "steps >= steps[:, None]"),
        replace(CAUSAL, "steps <= steps[:, None] + 1"),
    ],
    self_hidden=replace(CAUSAL, "steps < steps[:, None]"),
    padding_rows_hidden=[
        replace("return real & causal", "return real & causal & real.mT"),
        replace(TRANSLATED, f"real & {TARGETS}[:, :, None]"),
    ],
    target_padding=[
        replace(TRANSLATED, f"{TARGETS}[:, :, None].repeat(1, 1, len(steps))"),
        replace(TRANSLATED, f"{TARGETS}[:, None, :].repeat(1, len(steps), 1)"),
    ],
    translation_causal=replace(TRANSLATED, f"{TRANSLATED} & (steps <= torch.arange(int(tgt_lengths.max()))[:, None])"),
    length_off_by_one=[
        replace("steps < src_lengths[:, None]", "steps <= src_lengths[:, None]"),
        replace("steps < src_lengths[:, None]", "steps < src_lengths[:, None] - 1"),
    ],
    shape_of_mask=[
        replace(("return real\n", "return real[:, 0]\n")),
        replace(("return real\n", "return real.repeat(1, len(steps), 1)\n")),
        replace(("return real\n", "return real[:, None]\n")),
        replace(TRANSLATED, "real"),
        replace(TRANSLATED, f"{TRANSLATED}.mT"),
        replace(TRANSLATED, "real.repeat(1, len(steps), 1)"),
        replace(
            ("return real\n", "return real[:, None]\n"),
            ("return real & causal", "return (real & causal)[:, None]"),
            (TRANSLATED, f"{TRANSLATED}[:, None]"),
        ),
    ],
    not_boolean=[
        replace(REAL, f"{REAL}.float()"),
        replace(
            ("return real\n", "return real.float()\n"),
            ("return real & causal", "return (real & causal).float()"),
            (TRANSLATED, f"{TRANSLATED}.float()"),
        ),
        replace(
            ("return real\n", "return real.long()\n"),
            ("return real & causal", "return (real & causal).long()"),
            (TRANSLATED, f"{TRANSLATED}.long()"),
        ),
        replace(
            ("return real\n", "return real.int()\n"),
            ("return real & causal", "return (real & causal).int()"),
            (TRANSLATED, f"{TRANSLATED}.int()"),
        ),
    ],
    no_error=[
        replace(UNKNOWN, "    return None"),
        replace(UNKNOWN, "    return real"),
        replace(MISSING, "        tgt_lengths = src_lengths if tgt_lengths is None else tgt_lengths\n"),
        replace(MISSING, ""),
        replace(UNKNOWN, "    raise KeyError(task)"),
        replace(UNKNOWN, "    raise NotImplementedError(task)"),
        replace("raise ValueError(", "raise AssertionError("),
    ],
)

exercise = Exercise(targets=("mask_for",), outputs=("mask",), cases=cases, mistakes=mistakes, oracles=(mask_for,))
