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
    """An oracle: patch by patch, pixel by pixel."""
    if height % patch_size or width % patch_size:
        raise ValueError("no multiple")
    rows = []
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                number = i // patch_size * (width // patch_size) + j // patch_size
                place = c * patch_size**2 + i % patch_size * patch_size + j % patch_size
                rows.append(patches[:, number, place])
    return torch.stack(rows, dim=1).reshape(-1, channels, height, width)


ORDER, BACK = "grid.permute(0, 2, 4, 1, 3, 5)", "blocks.permute(0, 3, 1, 4, 2, 5)"
LISTED = "grid.reshape(batch, (height // p) * (width // p), channels * p * p)"
BLOCKS = "patches.reshape(patches.shape[0], height // p, width // p, channels, p, p)"
TURNED = (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p"))
CHANNELS_LAST = (BLOCKS, BLOCKS.replace("channels, p, p", "p, p, channels"))
SIDE = "int(patches.shape[1] ** 0.5)"
SQUARE = (BLOCKS, f"patches.reshape(len(patches), *[{SIDE}] * 2, channels, p, p)")
IMAGE = "channels, height, width)\n"
NO_MULTIPLE = "if height % p or width % p"
CHECK = f"""    {NO_MULTIPLE}:
        raise ValueError(f"{{height}} × {{width}} is no multiple of {{p}}")
"""
CROPPED = (
    f"{CHECK}    grid",
    """    images = images[:, :, : height // p * p, : width // p * p]
    height, width = images.shape[2:]
    grid""",
)


def order(axes: str) -> tuple[str, str]:
    """Another order in patchify."""
    return ORDER, f"grid.permute({axes})"


def order_back(axes: str) -> tuple[str, str]:
    """Another order in unpatchify."""
    return BACK, f"blocks.permute({axes})"


mistakes = known(
    view_without_permute=together_or_alone((f"    grid = {ORDER}\n", ""), (f"    blocks = {BACK}\n", "")),
    rows_and_columns_swapped=[
        replace(order("0, 4, 2, 1, 3, 5"), TURNED, order_back("0, 3, 2, 4, 1, 5")),
        replace(*order("0, 4, 2, 1, 3, 5")),
        replace(TURNED, order_back("0, 3, 2, 4, 1, 5")),
        replace(*TURNED),
        *together_or_alone(order("0, 2, 4, 1, 5, 3"), order_back("0, 3, 1, 5, 2, 4")),
        replace(order("0, 4, 2, 1, 5, 3"), TURNED, order_back("0, 3, 2, 5, 1, 4")),
    ],
    square_grid=[
        replace(SQUARE, (IMAGE, f"channels, *[{SIDE} * p] * 2)\n")),
        replace(*SQUARE),
        *(
            replace("height // p, width // p, channels, p", f"{side} // p, {side} // p, channels, p")
            for side in ("height", "width")
        ),
    ],
    channel_order=[
        replace(order("0, 2, 4, 3, 5, 1"), CHANNELS_LAST, order_back("0, 5, 1, 3, 2, 4")),
        replace(*order("0, 2, 4, 3, 5, 1")),
        replace(CHANNELS_LAST, order_back("0, 5, 1, 3, 2, 4")),
        replace(*order("0, 2, 4, 3, 1, 5")),
        replace(ORDER, "grid.flip(1).permute(0, 2, 4, 1, 3, 5)"),
    ],
    patches_not_listed=instead_of(
        LISTED,
        "grid.reshape(batch, height // p, width // p, channels * p * p)",
        f"{LISTED}.transpose(1, 2)",
        "grid.reshape(batch, -1, channels, p, p)",
    ),
    no_error=[
        replace(CHECK, ""),
        replace(CROPPED, (CHECK, "")),
        replace(*CROPPED),
        replace("raise ValueError(", "raise AssertionError("),
        *instead_of(NO_MULTIPLE, "if height % p and width % p", "if height % p", "if (height * width) % (p * p)"),
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
