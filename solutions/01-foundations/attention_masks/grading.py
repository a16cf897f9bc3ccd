"""How the attention masks are graded."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from shared import causal
from torch.overrides import TorchFunctionMode

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def asked(target: str, reason: str, *given: Any, family: Any = "masking", **options: Any) -> Case:
        return Case(f"{target}: {reason}", call(*given), family=family, target=target, **options)

    padding, future, both = (partial(asked, target) for target in ("padding_mask", "causal_mask", "combine_masks"))
    lengths, here, mask = torch.tensor, torch.zeros(()), rand.mask
    yield padding("three lengths", lengths([3, 1, 5]), public=True)
    yield padding("one sequence, int32", lengths([4], dtype=torch.int32), public=True)
    yield padding("max_len beyond the longest", lengths([2, 6, 3, 1]), 8)
    yield padding("a length of 0", lengths([2, 0, 4]))
    yield padding("more positions than eight bits can count", lengths([301, 257, 2]))
    yield future("as many queries as keys", here, 4, probe=moved, public=True)
    yield future("decoding: the last query at the last key", here, 3, 8, probe=beside)
    yield future("one query after six keys", here, 1, 7, probe=beside)
    yield future("more queries than keys: the first see nothing", here, 5, 3, probe=beside)
    yield future("fewer queries than keys, no device asked for", here, 2, 5, probe=moved)
    yield future("more keys than eight bits can count", here, 3, 301, probe=beside)
    yield future("on the device that is asked for", family="dtype", probe=device_is_used, fault=device_ignored)
    yield both("two of one shape", mask(3, 5), mask(3, 5))
    yield both("padding (B, 1, S) and causal (L, S), broadcast", mask(2, 1, 5), causal(3, 5))
    yield both("three, with None between", None, mask(4, 6), None, mask(4, 6), mask(3, 1, 6))
    yield both("a batch of one, one query", mask(1, 1, 5), mask(1, 5), family="shape")
    yield both("one mask alone", mask(2, 1, 4))
    yield both("nothing but None", None, None)
    yield both("no masks at all")


def beside(target, tensor, *sizes):
    return target(*sizes, device=tensor.device)


def moved(target, tensor, *sizes):
    """The mask that is made where no device is asked for, moved to the tensor."""
    return target(*sizes).to(tensor.device)


def device_is_used(target):
    """Whether the device that is asked for reaches any operation. A stand-in for one that this machine may not have:
    operations that ask for it run on the CPU."""
    asked, used = torch.device("meta"), []

    class StandIn(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            def here(value):
                is_place = isinstance(value, (str, torch.device)) and function is not torch.device
                if is_place and str(value) == "meta":
                    used.append(function)
                    return torch.device("cpu")
                return value

            return function(*map(here, args), **{name: here(value) for name, value in (kwargs or {}).items()})

    with StandIn():
        target(3, 5, device=asked)
    return bool(used)


def device_ignored(value: bool, expected: bool) -> Text | None:
    if value:
        return None
    return Text("The mask is not made on the device that is asked for.", "掩码没有建在要求的设备上。")


def padding_mask(lengths, max_len=None):
    """The oracle: entry by entry."""
    sizes = lengths.tolist()
    rows = [[[j < size for j in range(max_len or max(sizes))]] for size in sizes]
    return torch.tensor(rows, device=lengths.device)


def causal_mask(L, S=None, device=None):
    """The oracle: the lower triangle, moved to the bottom right."""
    S = S or L
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    """The oracle: all of the masks, stacked."""
    given = [mask for mask in masks if mask is not None]
    return torch.stack(torch.broadcast_tensors(*given)).all(dim=0) if given else None


SIZE = "int(lengths.max()) if max_len is None else max_len"
INSIDE = "positions < lengths.unsqueeze(-1)"
PADDING = f"({INSIDE}).unsqueeze(-2)"
LAST = "queries + (S - L)"
CAUSAL = f"keys <= {LAST}"
START = "combined = None\n"
LOOP = "for mask in masks:"
SKIP = "if mask is not None:\n            "
COMBINE = "mask if combined is None else combined & mask"
END = "    return combined"
NOT_BOOL = ("({}).float()", "({}).long()", "({}).int()", 'torch.where({}, 0.0, float("-inf"))')
# What a solution without the loop does first, and what fails where there is no mask.
FAILING = (
    "[m for m in masks if m is not None][0]",
    "masks[0]",
    "torch.stack([mask for mask in masks if mask is not None][:1])",
    "max(0 for mask in masks if mask is not None)",
    "import functools; functools.reduce(max, [0 for m in masks if m is not None])",
)

mistakes = known(
    padding_inverted=replace("positions < lengths", "positions >= lengths"),
    padding_off_by_one=[
        replace("positions < lengths", "positions <= lengths"),
        replace("positions < lengths", "positions + 1 < lengths"),
    ],
    zero_length_seen=[
        replace("< lengths.unsqueeze(-1)", "< lengths.clamp(min=1).unsqueeze(-1)"),
        replace(INSIDE, f"({INSIDE}) | (lengths == 0).unsqueeze(-1)"),
    ],
    max_len_ignored=replace(SIZE, "int(lengths.max())"),
    padding_left=replace("positions < lengths", "positions.flip(0) < lengths"),
    padding_shape=[
        replace(PADDING, INSIDE),
        replace(PADDING, f"{PADDING}.unsqueeze(1)"),
        replace(PADDING, f"({INSIDE}).unsqueeze(-1)"),
        replace(PADDING, f"{PADDING}.expand(-1, size, -1)"),
    ],
    causal_inverted=replace(CAUSAL, f"keys > {LAST}"),
    causal_transposed=[replace(CAUSAL, f"keys >= {last}") for last in (LAST, "queries")],
    causal_strict=[replace(CAUSAL, f"keys < {last}") for last in (LAST, "queries")],
    causal_one_ahead=[replace(CAUSAL, f"keys <= {last} + 1") for last in (LAST, "queries")],
    causal_top_left=replace(CAUSAL, "keys <= queries"),
    causal_shifted_back=replace(CAUSAL, "keys <= queries - (S - L)"),
    causal_offset_clamped=[replace("(S - L)", "max(S - L, 0)"), replace("(S - L)", "abs(S - L)")],
    causal_square=replace("S = L if S is None else S", "S = L"),
    causal_swapped_axes=replace(CAUSAL, f"({CAUSAL}).T"),
    device_ignored=replace(", device=device", ""),
    not_bool=[
        replace(*((part, made.format(part)) for part in parts))
        for parts in ((PADDING, CAUSAL), (PADDING,), (CAUSAL,))
        for made in NOT_BOOL
    ],
    combined_by_or=replace("combined & mask", "combined | mask"),
    none_not_skipped=[
        replace(SKIP, ""),
        replace(f"{SKIP}combined", "if mask is None:\n            return None\n        combined"),
    ],
    no_masks=[
        replace(END, f"{END} if combined is not None else torch.tensor(True)"),
        replace(END, f"    combined.shape\n{END}"),
        *(replace(START, f"{START}    {line}\n") for line in FAILING),
    ],
    no_broadcasting=replace("combined & mask", "torch.stack([combined, mask]).all(dim=0)"),
    two_masks_only=[
        replace(LOOP, "for mask in [mask for mask in masks if mask is not None][:2]:"),
        replace(LOOP, "for mask in masks[:2]:"),
    ],
    last_mask_only=[replace(COMBINE, "mask"), replace(COMBINE, "mask if combined is None else combined")],
    first_mask_changed=replace("combined & mask", "combined.logical_and_(mask)"),
)

exercise = Exercise(
    targets=("padding_mask", "causal_mask", "combine_masks"),
    cases=cases,
    mistakes=mistakes,
    oracles=(padding_mask, causal_mask, combine_masks),
)
