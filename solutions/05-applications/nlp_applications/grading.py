"""How the masks of three tasks are graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    lengths, targets = torch.tensor([3, 6, 1, 4]), torch.tensor([5, 2, 7, 1])

    def masked(reason: str, *args: Any, **options: Any) -> Case:
        return Case(reason, call(*args), family="masking", **options)

    def refused(reason: str, *args: Any) -> Case:
        return Case(reason, call(*args), family="interface", raises="ValueError")

    yield masked("classification: padding is hidden", "classification", lengths, twice=True, public=True)
    yield masked("classification: nothing is padded", "classification", torch.tensor([5, 5]))
    yield masked("generation: causal, padding hidden", "generation", lengths, twice=True, public=True)
    yield masked("generation: one text", "generation", torch.tensor([5]))
    yield masked("generation: one token", "generation", torch.tensor([1, 1]))
    yield masked("translation: a longer target", "translation", lengths, targets, twice=True, public=True)
    by_name = call("translation", torch.tensor([4, 8, 2]), tgt_lengths=torch.tensor([3, 1, 2]))
    yield Case("translation: a shorter target", by_name, family="masking")
    yield masked("translation: one target token", "translation", torch.tensor([2, 5]), torch.tensor([1, 1]))
    yield refused("translation without tgt_lengths", "translation", lengths)
    yield refused("an unknown task", "summarisation", lengths)
    yield refused("an unknown task, with tgt_lengths", "tagging", lengths, targets)


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


SHORTER = "steps < src_lengths[:, None]"
REAL = f"({SHORTER})[:, None, :]"
CAUSAL = "steps <= steps[:, None]"
T = "int(tgt_lengths.max())"
TARGETS = f"(torch.arange({T}) < tgt_lengths[:, None])"
CLASSIFIED, GENERATED, TRANSLATED = "real", "real & causal", f"real.repeat(1, {T}, 1)"
MISSING = """        if tgt_lengths is None:
            raise ValueError("translation needs tgt_lengths")
"""
UNKNOWN = 'raise ValueError(f"unknown task {task!r}")'


def instead(old: str, *masks: str) -> list[Any]:
    """Other masks returned by one of the three tasks."""
    return instead_of(f"return {old}\n", *(f"return {mask}\n" for mask in masks))


def in_all(change: str) -> Any:
    """The masks of all three tasks changed in one way: ``{}`` stands for each."""
    masks = (CLASSIFIED, GENERATED, TRANSLATED)
    return replace(*((f"return {mask}\n", f"return {change.format(f'({mask})')}\n") for mask in masks))


mistakes = known(
    mask_inverted=[in_all("~{}"), replace(REAL, f"~{REAL}"), *instead(GENERATED, f"~({GENERATED})")],
    padding_visible=[
        *instead(
            GENERATED,
            "causal.expand(len(src_lengths), -1, -1)",
            "causal.repeat(len(src_lengths), 1, 1)",
            "real | causal",
        ),
        replace(REAL, f"torch.ones_like({SHORTER})[:, None, :]"),
        *instead(TRANSLATED, f"torch.ones_like(real).repeat(1, {T}, 1)"),
    ],
    future_visible=[
        *instead(GENERATED, "real.repeat(1, len(steps), 1)", "real & real.mT"),
        *instead_of(CAUSAL, "steps >= steps[:, None]", f"{CAUSAL} + 1"),
    ],
    self_hidden=replace(CAUSAL, "steps < steps[:, None]"),
    padding_rows_hidden=[
        *instead(GENERATED, f"{GENERATED} & real.mT"),
        *instead(TRANSLATED, f"real & {TARGETS}[:, :, None]"),
    ],
    target_padding=instead(
        TRANSLATED, f"{TARGETS}[:, :, None].repeat(1, 1, len(steps))", f"{TARGETS}[:, None, :].repeat(1, len(steps), 1)"
    ),
    translation_causal=instead(TRANSLATED, f"{TRANSLATED} & (steps <= torch.arange({T})[:, None])"),
    length_off_by_one=instead_of(SHORTER, SHORTER.replace("<", "<="), f"{SHORTER} - 1"),
    shape_of_mask=[
        *instead(CLASSIFIED, "real[:, 0]", "real.repeat(1, len(steps), 1)", "real[:, None]"),
        *instead(TRANSLATED, "real", f"{TRANSLATED}.mT", "real.repeat(1, len(steps), 1)"),
        in_all("{}[:, None]"),
    ],
    not_boolean=[replace(REAL, f"{REAL}.float()"), *(in_all(f"{{}}.{kind}()") for kind in ("float", "long", "int"))],
    no_error=[
        *instead_of(UNKNOWN, "return None", "return real"),
        *instead_of(MISSING, "        tgt_lengths = src_lengths if tgt_lengths is None else tgt_lengths\n", ""),
        *instead_of(UNKNOWN, "raise KeyError(task)", "raise NotImplementedError(task)"),
        replace("raise ValueError(", "raise AssertionError("),
    ],
)

exercise = Exercise(
    targets=("mask_for",),
    outputs=("mask",),
    cases=cases,
    mistakes=mistakes,
    oracles=(mask_for,),
    without={"inputs on an accelerator": "a mask may be made of lengths that were read as numbers"},
)
