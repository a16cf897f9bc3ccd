"""How the attention masks are graded."""

from collections.abc import Iterator

import torch
from shared import causal

from grader.authoring import Case, Exercise, Random, Text, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def padding(reason: str, lengths: list[int], *max_len: int, dtype: torch.dtype = torch.int64) -> Case:
        return Case(
            f"padding_mask: {reason}",
            (torch.tensor(lengths, dtype=dtype), *max_len),
            target="padding_mask",
            family="masking",
            public=not max_len and 0 not in lengths,
        )

    def future(reason: str, *sizes: int) -> Case:
        return Case(
            f"causal_mask: {reason}",
            (torch.zeros(()), *sizes),
            target="causal_mask",
            drive=beside if len(sizes) == 2 else by_default,
            family="masking",
            public=len(sizes) == 1,
        )

    def both(reason: str, *masks: torch.Tensor | None, family: str = "masking") -> Case:
        return Case(f"combine_masks: {reason}", masks, target="combine_masks", family=family)  # type: ignore[arg-type]

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
        target="causal_mask",
        drive=device_is_used,
        judge=device_ignored,
        family="dtype",
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

mistakes = (
    mistake(
        "padding-inverted",
        "masking",
        edit("positions < lengths", "positions >= lengths"),
        en="Your padding mask is the wrong way round: True means that a key may be seen, so the real tokens are True.",
        zh="填充掩码弄反了：True 表示可以看到该键，因此真实词元处应为 True。",
    ),
    mistake(
        "padding-off-by-one",
        "masking",
        edit("positions < lengths", "positions <= lengths"),
        edit("positions < lengths", "positions + 1 < lengths"),
        en="Your padding mask is off by one: a sequence of length n has the keys 0 to n − 1, so compare j < n.",
        zh="填充掩码差了一位：长度为 n 的序列有键 0 到 n − 1，应比较 j < n。",
    ),
    mistake(
        "zero-length-seen",
        "masking",
        edit("< lengths.unsqueeze(-1)", "< lengths.clamp(min=1).unsqueeze(-1)"),
        edit("positions < lengths.unsqueeze(-1)", "(positions < lengths.unsqueeze(-1)) | (lengths == 0).unsqueeze(-1)"),
        en="A sequence of length 0 is given something to see: its row is False throughout.",
        zh="长度为 0 的序列仍能看到内容：它的整行都应为 False。",
    ),
    mistake(
        "max-len-ignored",
        "shape",
        edit(SIZE, "int(lengths.max())"),
        en="`max_len` is ignored: when it is given, the mask has that many keys, however short the sequences are.",
        zh="忽略了 `max_len`：给出时，无论序列多短，掩码都应有这么多个键。",
    ),
    mistake(
        "padding-left",
        "masking",
        edit("positions < lengths", "positions.flip(0) < lengths"),
        en="Your padding mask has the padding on the left; the first lengths[b] keys are the real ones.",
        zh="你的填充掩码把填充放在了左侧；真实的键应是前 lengths[b] 个。",
    ),
    mistake(
        "padding-shape",
        "shape",
        edit(PADDING, PADDING.removesuffix(".unsqueeze(-2)")),
        edit(PADDING, f"{PADDING}.unsqueeze(1)"),
        edit(PADDING, PADDING.replace("unsqueeze(-2)", "unsqueeze(-1)")),
        edit(PADDING, f"{PADDING}.expand(-1, size, -1)"),
        en="The padding mask has shape (B, 1, S): an axis of size 1 for the queries stands between batch and keys.",
        zh="填充掩码的形状应为 (B, 1, S)：批和键之间有一个大小为 1 的查询维度。",
    ),
    mistake(
        "causal-inverted",
        "masking",
        edit(CAUSAL, "keys > queries + (S - L)"),
        en="Your causal mask is the wrong way round: it allows the future and hides the past. True = may attend, "
        "where j ≤ i + (S − L).",
        zh="因果掩码弄反了：允许看未来、屏蔽了过去。True = 可以关注，即 j ≤ i + (S − L) 之处。",
    ),
    mistake(
        "causal-transposed",
        "masking",
        edit(CAUSAL, "keys >= queries + (S - L)"),
        edit(CAUSAL, "keys >= queries"),
        en="Your causal mask is the upper triangle: every query sees itself and the future. It needs the lower one.",
        zh="你的因果掩码是上三角：每个查询看到的是自己和未来。应当用下三角。",
    ),
    mistake(
        "causal-strict",
        "masking",
        edit(CAUSAL, "keys < queries + (S - L)"),
        edit(CAUSAL, "keys < queries"),
        en="Your causal mask is off by one: a query may not see its own position, and the first sees nothing. "
        "The diagonal is included.",
        zh="因果掩码差了一位：查询看不到自己的位置，第一个查询什么都看不到。对角线应当包含在内。",
    ),
    mistake(
        "causal-one-ahead",
        "masking",
        edit(CAUSAL, "keys <= queries + (S - L) + 1"),
        edit(CAUSAL, "keys <= queries + 1"),
        en="Your causal mask is off by one: every query sees one key of the future.",
        zh="因果掩码差了一位：每个查询能看到未来的一个键。",
    ),
    mistake(
        "causal-top-left",
        "masking",
        edit(CAUSAL, "keys <= queries"),
        en="Your causal mask is aligned at the top left: query 0 stands at key 0. The last query stands at the last key, "
        "so that query i may see j ≤ i + (S − L).",
        zh="因果掩码对齐到了左上角：查询 0 对着键 0。应让最后一个查询对齐最后一个键，即查询 i 能看到 j ≤ i + (S − L)。",
    ),
    mistake(
        "causal-shifted-back",
        "masking",
        edit(CAUSAL, "keys <= queries - (S - L)"),
        en="Your causal mask is shifted the wrong way: the offset is S − L, not L − S.",
        zh="因果掩码平移的方向反了：偏移应为 S − L，而不是 L − S。",
    ),
    mistake(
        "causal-offset-clamped",
        "masking",
        edit("(S - L)", "max(S - L, 0)"),
        edit("(S - L)", "abs(S - L)"),
        en="With more queries than keys the offset S − L is negative, and the first queries see nothing; yours is not.",
        zh="查询多于键时，偏移 S − L 为负，前几个查询什么都看不到；你的偏移不是负的。",
    ),
    mistake(
        "causal-square",
        "shape",
        edit("S = L if S is None else S", "S = L"),
        en="`S` is ignored: the causal mask has shape (L, S), a column for every key.",
        zh="忽略了 `S`：因果掩码的形状是 (L, S)，每个键一列。",
    ),
    mistake(
        "causal-swapped-axes",
        "shape",
        edit(CAUSAL, f"({CAUSAL}).T"),
        en="The causal mask has shape (L, S): queries are rows, keys are columns. Yours has them swapped.",
        zh="因果掩码的形状是 (L, S)：行是查询，列是键。你的行列颠倒了。",
    ),
    mistake(
        "device-ignored",
        "dtype",
        edit((", device=device", "")),
        en="`device` is ignored: the mask is made on the CPU and cannot meet scores on another device.",
        zh="忽略了 `device`：掩码建在 CPU 上，无法与其他设备上的打分一起使用。",
    ),
    mistake(
        "not-bool",
        "dtype",
        *(edit((PADDING, f"{PADDING}.{to}"), (CAUSAL, f"({CAUSAL}).{to}")) for to in ("float()", "long()", "int()")),
        *(edit(PADDING, f"{PADDING}.{to}") for to in ("float()", "long()", "int()")),
        *(edit(CAUSAL, f"({CAUSAL}).{to}") for to in ("float()", "long()", "int()")),
        *(
            edit(*((part, MINUS_INF.format(f"({part})", f"({part})", part)) for part in parts))
            for parts in ((PADDING, CAUSAL), (PADDING,), (CAUSAL,))
        ),
        en="Your masks are numbers; they should be bool tensors (True = may attend). A float mask is added to the "
        "scores instead, and does not combine with &.",
        zh="你的掩码是数值；应当是布尔张量（True = 可以关注）。浮点掩码是加到打分上的，也不能用 & 合并。",
    ),
    mistake(
        "combined-by-or",
        "masking",
        edit("combined & mask", "combined | mask"),
        en="Your masks are combined with or: a query sees what *any* of them allows. It may attend where *all* do: and.",
        zh="你用“或”合并了掩码：只要*任一*掩码允许就能看到。应当*全部*允许才可关注：用“与”。",
    ),
    mistake(
        "none-not-skipped",
        "masking",
        edit(LOOP, ""),
        edit(f"{LOOP}combined", "if mask is None:\n            return None\n        combined"),
        en="A None among the masks hides nothing: skip it, and combine the others.",
        zh="掩码中的 None 不屏蔽任何内容：应跳过它，合并其余的。",
    ),
    mistake(
        "no-masks",
        "masking",
        edit(END, f"{END} if combined is not None else torch.tensor(True)"),
        edit("combined = None\n", "combined = None\n    [m for m in masks if m is not None][0]\n"),
        edit("combined = None\n", "combined = None\n    masks[0]\n"),
        edit(END, "    combined.shape\n    return combined"),
        edit("combined = None\n", "combined = None\n    torch.stack([mask for mask in masks if mask is not None][:1])\n"),
        edit("combined = None\n", "combined = None\n    max(0 for mask in masks if mask is not None)\n"),
        edit("combined = None\n", "import functools\n    functools.reduce(max, [0 for m in masks if m is not None])\n    combined = None\n"),
        en="With no masks, or nothing but None, there is nothing to combine: return None.",
        zh="没有掩码，或者全是 None 时，没有可合并的内容：返回 None。",
    ),
    mistake(
        "no-broadcasting",
        "shape",
        edit(
            f"{COMBINE}\n{END}",
            "mask if combined is None else torch.stack([combined, mask]).all(dim=0)\n    return combined",
        ),
        en="Masks of different shapes are not broadcast: (B, 1, S) and (L, S) make (B, L, S). `&` does that by itself.",
        zh="形状不同的掩码没有广播：(B, 1, S) 与 (L, S) 应得到 (B, L, S)。`&` 会自动广播。",
    ),
    mistake(
        "two-masks-only",
        "masking",
        edit("for mask in masks:", "for mask in [mask for mask in masks if mask is not None][:2]:"),
        edit("for mask in masks:", "for mask in masks[:2]:"),
        en="Masks are left out: any number of them may be given, and every one counts.",
        zh="有掩码被漏掉了：可以给出任意多个，每一个都要起作用。",
    ),
    mistake(
        "last-mask-only",
        "masking",
        edit(COMBINE, "mask"),
        edit(COMBINE, "mask if combined is None else combined"),
        en="Only one of the masks has an effect: combine all of them with and.",
        zh="只有一个掩码起了作用：应当用“与”合并全部掩码。",
    ),
    mistake(
        "first-mask-changed",
        "state",
        edit(COMBINE, "mask if combined is None else combined.logical_and_(mask)"),
        en="The first mask is changed in place (&= or logical_and_): the caller's mask is altered, and a wider one "
        "does not fit into it. Make a new tensor with &.",
        zh="第一个掩码被原地修改了（&= 或 logical_and_）：调用者的掩码被改变，而且容不下更大的广播结果。请用 & 生成新张量。",
    ),
)

exercise = Exercise(
    targets=("padding_mask", "causal_mask", "combine_masks"),
    cases=cases,
    mistakes=mistakes,
    oracles=(padding_mask, causal_mask, combine_masks),
)
