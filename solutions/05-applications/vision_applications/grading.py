"""How cutting images into patches, and putting them together again, is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of, together_or_alone

from grader.authoring import Case, Exercise, Inputs, call, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    normal = rand.normal

    def cut(reason: str, *args: Any, family: Any = "shape", **options: Any) -> Case:
        return Case(reason, call(*args), family, **options)

    def back(reason: str, *args: Any, **options: Any) -> Case:
        return cut(f"back: {reason}", *args, target="unpatchify", **options)

    everything = {"gradients": True, "twice": True, "public": True}
    yield cut("every size different", normal(2, 3, 8, 20), 4, **everything)
    yield cut("one channel, higher than wide", normal(3, 1, 15, 6), 3, public=True)
    yield Case("by name", call(images=normal(1, 2, 6, 10), patch_size=2), family="shape")
    yield cut("patches of one pixel", normal(2, 3, 4, 5), 1)
    yield cut("one patch, the whole image", normal(2, 3, 5, 5), 5)
    yield back("every size different", normal(2, 10, 48), 4, 3, 8, 20, **everything)
    yield back("one channel, higher than wide", normal(3, 10, 9), 3, 1, 15, 6)
    yield back("patches of one pixel", normal(2, 20, 3), 1, 3, 4, 5)
    yield back("memory in another order", normal(2, 8, 15).mT, 2, 2, 6, 10)
    refused = {"family": "interface", "raises": "ValueError"}
    for height, width in ((4, 7), (7, 4)):
        size = f"{height} × {width} pixels in patches of 2"
        yield cut(size, normal(1, 2, height, width), 2, **refused)
        yield back(size, normal(1, 6, 8), 2, 2, height, width, **refused)
    yield from standard(lambda: call(normal(2, 3, 4, 6), 2), dtypes=("float64", "bfloat16"))
    yield back("bfloat16", normal(2, 6, 12), 2, 3, 4, 6, family="dtype", dtype="bfloat16")


def patchify(images, patch_size):
    """An oracle: PyTorch's unfold."""
    if images.shape[2] % patch_size or images.shape[3] % patch_size:
        raise ValueError("no multiple")
    return torch.nn.functional.unfold(images, patch_size, stride=patch_size).transpose(1, 2)


def unpatchify(patches, patch_size, channels, height, width):
    """An oracle: PyTorch's fold."""
    if height % patch_size or width % patch_size:
        raise ValueError("no multiple")
    return torch.nn.functional.fold(patches.transpose(1, 2), (height, width), patch_size, stride=patch_size)


ORDER, BACK = "0, 2, 4, 1, 3, 5", "0, 3, 1, 4, 2, 5"
LISTED = "grid.reshape(batch, (height // p) * (width // p), channels * p * p)"
BLOCKS = "height // p, width // p, channels, p, p"
TURNED = (BLOCKS, "width // p, height // p, channels, p, p")
CHANNELS_LAST = (BLOCKS, "height // p, width // p, p, p, channels")
SIDE = "int(patches.shape[1] ** 0.5)"
SQUARE = (BLOCKS, f"*[{SIDE}] * 2, channels, p, p")
CHECK = "if height % p or width % p"
UNCHECKED = (CHECK, "if False")
CROPPED = [
    ("height, width = images.shape", "*sides = images.shape\n    height, width = (s - s % patch_size for s in sides)"),
    ("grid = images", "grid = images[..., :height, :width]"),
]

mistakes = known(
    view_without_permute=together_or_alone((f"grid.permute({ORDER})", "grid"), (f"blocks.permute({BACK})", "blocks")),
    rows_and_columns_swapped=[
        replace((ORDER, "0, 4, 2, 1, 3, 5"), TURNED, (BACK, "0, 3, 2, 4, 1, 5")),
        replace(ORDER, "0, 4, 2, 1, 3, 5"),
        replace(TURNED, (BACK, "0, 3, 2, 4, 1, 5")),
        replace(*TURNED),
        *together_or_alone((ORDER, "0, 2, 4, 1, 5, 3"), (BACK, "0, 3, 1, 5, 2, 4")),
        replace((ORDER, "0, 4, 2, 1, 5, 3"), TURNED, (BACK, "0, 3, 2, 5, 1, 4")),
    ],
    square_grid=[
        replace(SQUARE, ("channels, height, width)\n", f"channels, *[{SIDE} * p] * 2)\n")),
        replace(*SQUARE),
        *instead_of(BLOCKS, *(f"{side} // p, {side} // p, channels, p, p" for side in ("height", "width"))),
    ],
    channel_order=[
        replace((ORDER, "0, 2, 4, 3, 5, 1"), CHANNELS_LAST, (BACK, "0, 5, 1, 3, 2, 4")),
        replace(ORDER, "0, 2, 4, 3, 5, 1"),
        replace(CHANNELS_LAST, (BACK, "0, 5, 1, 3, 2, 4")),
        replace(ORDER, "0, 2, 4, 3, 1, 5"),
        replace("grid.permute", "grid.flip(1).permute"),
    ],
    patches_not_listed=instead_of(
        LISTED,
        "grid.reshape(batch, height // p, width // p, channels * p * p)",
        f"{LISTED}.transpose(1, 2)",
        "grid.reshape(batch, -1, channels, p, p)",
    ),
    no_error=[
        replace(*UNCHECKED),
        replace(*CROPPED, UNCHECKED),
        replace(*CROPPED),
        replace("raise ValueError(", "raise AssertionError("),
        *instead_of(CHECK, "if height % p and width % p", "if height % p", "if (height * width) % (p * p)"),
    ],
    result_detached=[
        replace(LISTED, f"{LISTED}.detach()"),
        replace((LISTED, f"{LISTED}.detach()"), ("return blocks", "return blocks.detach()")),
    ],
)

exercise = Exercise(
    targets=("patchify", "unpatchify"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(patchify, unpatchify),
)
