"""How the attention masks are graded."""

from collections.abc import Iterator

import torch
from shared import causal

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def padding(reason: str, lengths: list[int], *max_len: int, dtype: torch.dtype = torch.int64) -> Case:
        return Case(
            f"padding_mask: {reason}",
            call(torch.tensor(lengths, dtype=dtype), *max_len),
            family="masking",
            target="padding_mask",
            public=not max_len and 0 not in lengths,
        )

    def future(reason: str, *sizes: int) -> Case:
        return Case(
            f"causal_mask: {reason}",
            call(torch.zeros(()), *sizes),
            family="masking",
            target="causal_mask",
            probe=beside if len(sizes) == 2 else by_default,
            public=len(sizes) == 1,
        )

    def both(reason: str, *masks: torch.Tensor | None, family: str = "masking") -> Case:
        return Case(f"combine_masks: {reason}", call(*masks), family=family, target="combine_masks")  # type: ignore[arg-type]

    yield padding("three lengths", [3, 1, 5])
    yield padding("one sequence, int32", [4], dtype=torch.int32)
    yield padding("max_len beyond the longest", [2, 6, 3, 1], 8)
    yield padding("a length of 0", [2, 0, 4])
    yield future("as many queries as keys", 4)
    yield future("decoding: the last query at the last key", 3, 8)
    yield future("one query after six keys", 1, 7)
    yield future("more queries than keys: the first see nothing", 5, 3)
    yield Case(
        "causal_mask: on the device that is asked for",
        call(),
        family="dtype",
        target="causal_mask",
        probe=device_is_used,
        fault=device_ignored,
    )
    yield both("two of one shape", rand.mask(3, 5), rand.mask(3, 5))
    yield both("padding (B, 1, S) and causal (L, S), broadcast", rand.mask(2, 1, 5), causal(3, 5))
    yield both("three, with None between", None, rand.mask(4, 6), None, rand.mask(4, 6), rand.mask(3, 1, 6))
    yield both("a batch of one, one query", rand.mask(1, 1, 5), rand.mask(1, 5), family="shape")
    yield both("one mask alone", rand.mask(2, 1, 4))
    yield both("nothing but None", None, None)
    yield both("no masks at all")


def beside(target, tensor, *sizes):
    return target(*sizes, device=tensor.device)


def by_default(target, tensor, *sizes):
    return target(*sizes).to(tensor.device)


def device_is_used(target):
    """Whether the device that is asked for reaches any operation. A stand-in for one that this machine may not have:
    operations that ask for it run on the CPU."""
    import torch
    from torch.overrides import TorchFunctionMode

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


PADDING = "(positions < lengths.unsqueeze(-1)).unsqueeze(-2)"
SIZE = "int(lengths.max()) if max_len is None else max_len"
CAUSAL = "keys <= queries + (S - L)"
COMBINE = "mask if combined is None else combined & mask"
LOOP = "if mask is not None:\n            "
END = "    return combined"
MINUS_INF = 'torch.zeros({}.shape, device={}.device).masked_fill(~({}), float("-inf"))'

mistakes = known(
    padding_inverted=replace("positions < lengths", "positions >= lengths"),
    padding_off_by_one=[
        replace("positions < lengths", "positions <= lengths"),
        replace("positions < lengths", "positions + 1 < lengths"),
    ],
    zero_length_seen=[
        replace("< lengths.unsqueeze(-1)", "< lengths.clamp(min=1).unsqueeze(-1)"),
        replace(
            "positions < lengths.unsqueeze(-1)", "(positions < lengths.unsqueeze(-1)) | (lengths == 0).unsqueeze(-1)"
        ),
    ],
    max_len_ignored=replace(SIZE, "int(lengths.max())"),
    padding_left=replace("positions < lengths", "positions.flip(0) < lengths"),
    padding_shape=[
        replace(PADDING, PADDING.removesuffix(".unsqueeze(-2)")),
        replace(PADDING, f"{PADDING}.unsqueeze(1)"),
        replace(PADDING, PADDING.replace("unsqueeze(-2)", "unsqueeze(-1)")),
        replace(PADDING, f"{PADDING}.expand(-1, size, -1)"),
    ],
    causal_inverted=replace(CAUSAL, "keys > queries + (S - L)"),
    causal_transposed=[replace(CAUSAL, "keys >= queries + (S - L)"), replace(CAUSAL, "keys >= queries")],
    causal_strict=[replace(CAUSAL, "keys < queries + (S - L)"), replace(CAUSAL, "keys < queries")],
    causal_one_ahead=[replace(CAUSAL, "keys <= queries + (S - L) + 1"), replace(CAUSAL, "keys <= queries + 1")],
    causal_top_left=replace(CAUSAL, "keys <= queries"),
    causal_shifted_back=replace(CAUSAL, "keys <= queries - (S - L)"),
    causal_offset_clamped=[replace("(S - L)", "max(S - L, 0)"), replace("(S - L)", "abs(S - L)")],
    causal_square=replace("S = L if S is None else S", "S = L"),
    causal_swapped_axes=replace(CAUSAL, f"({CAUSAL}).T"),
    device_ignored=replace((", device=device", "")),
    not_bool=[
        *(replace((PADDING, f"{PADDING}.{to}"), (CAUSAL, f"({CAUSAL}).{to}")) for to in ("float()", "long()", "int()")),
        *(replace(PADDING, f"{PADDING}.{to}") for to in ("float()", "long()", "int()")),
        *(replace(CAUSAL, f"({CAUSAL}).{to}") for to in ("float()", "long()", "int()")),
        *(
            replace(*((part, MINUS_INF.format(f"({part})", f"({part})", part)) for part in parts))
            for parts in ((PADDING, CAUSAL), (PADDING,), (CAUSAL,))
        ),
    ],
    combined_by_or=replace("combined & mask", "combined | mask"),
    none_not_skipped=[
        replace(LOOP, ""),
        replace(f"{LOOP}combined", "if mask is None:\n            return None\n        combined"),
    ],
    no_masks=[
        replace(END, f"{END} if combined is not None else torch.tensor(True)"),
        replace("combined = None\n", "combined = None\n    [m for m in masks if m is not None][0]\n"),
        replace("combined = None\n", "combined = None\n    masks[0]\n"),
        replace(END, "    combined.shape\n    return combined"),
        replace(
            "combined = None\n", "combined = None\n    torch.stack([mask for mask in masks if mask is not None][:1])\n"
        ),
        replace("combined = None\n", "combined = None\n    max(0 for mask in masks if mask is not None)\n"),
        replace(
            "combined = None\n",
            "import functools\n    functools.reduce(max, [0 for m in masks if m is not None])\n    combined = None\n",
        ),
    ],
    no_broadcasting=replace(
        f"{COMBINE}\n{END}",
        "mask if combined is None else torch.stack([combined, mask]).all(dim=0)\n    return combined",
    ),
    two_masks_only=[
        replace("for mask in masks:", "for mask in [mask for mask in masks if mask is not None][:2]:"),
        replace("for mask in masks:", "for mask in masks[:2]:"),
    ],
    last_mask_only=[replace(COMBINE, "mask"), replace(COMBINE, "mask if combined is None else combined")],
    first_mask_changed=replace(COMBINE, "mask if combined is None else combined.logical_and_(mask)"),
)

exercise = Exercise(
    targets=("padding_mask", "causal_mask", "combine_masks"),
    cases=cases,
    mistakes=mistakes,
    oracles=(padding_mask, causal_mask, combine_masks),
)
