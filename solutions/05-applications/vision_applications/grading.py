"""How cutting images into patches, and putting them together again, is graded."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "every size different",
        call(rand.normal(2, 3, 8, 20), 4),
        family="shape",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("one channel, higher than wide", call(rand.normal(3, 1, 15, 6), 3), family="shape", public=True)
    yield Case("by name", call(images=rand.normal(1, 2, 6, 10), patch_size=2), family="shape")
    yield Case("patches of one pixel", call(rand.normal(2, 3, 4, 5), 1), family="shape")
    yield Case("one patch, the whole image", call(rand.normal(2, 3, 5, 5), 5), family="shape")
    yield Case(
        "memory in another order (channels last)", call(rand.normal(2, 4, 6, 3).permute(0, 3, 1, 2), 2), family="shape"
    )
    back = {"target": "unpatchify", "family": "shape"}
    yield Case(
        "back: every size different",
        call(rand.normal(2, 10, 48), 4, 3, 8, 20),
        gradients=True,
        twice=True,
        public=True,
        **back,
    )
    yield Case("back: one channel, higher than wide", call(rand.normal(3, 10, 9), 3, 1, 15, 6), **back)
    yield Case("back: patches of one pixel", call(rand.normal(2, 20, 3), 1, 3, 4, 5), **back)
    yield Case("back: memory in another order", call(rand.normal(2, 8, 15).mT, 2, 2, 6, 10), **back)
    for height, width in ((4, 7), (7, 4)):
        size = f"{height} × {width} pixels in patches of 2"
        arguments = (rand.normal(1, 2, height, width), 2)
        yield Case(size, call(*arguments), family="interface", raises="ValueError")
        arguments = (rand.normal(1, 6, 8), 2, 2, height, width)
        yield Case(f"back: {size}", call(*arguments), family="interface", target="unpatchify", raises="ValueError")
    yield Case("float64", call(rand.normal(2, 3, 4, 6), 2), family="dtype", dtype="float64")
    yield Case("bfloat16", call(rand.normal(2, 3, 4, 6), 2), family="dtype", dtype="bfloat16")
    yield Case(
        "back: bfloat16", call(rand.normal(2, 6, 12), 2, 3, 4, 6), family="dtype", target="unpatchify", dtype="bfloat16"
    )


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


CUT, ORDER = "images.reshape(batch, channels, height // p, p, width // p, p)", "grid.permute(0, 2, 4, 1, 3, 5)"
JOIN = "grid.reshape(batch, (height // p) * (width // p), channels * p * p)"
BLOCKS, BACK = (
    "patches.reshape(patches.shape[0], height // p, width // p, channels, p, p)",
    "blocks.permute(0, 3, 1, 4, 2, 5)",
)
CHECK = """    if height % p or width % p:
        raise ValueError(f"{height} × {width} is no multiple of {p}")
"""
CROP = "    images = images[:, :, : height // p * p, : width // p * p]\n    height, width = images.shape[2:]\n    grid = images"

mistakes = known(
    view_without_permute=[
        replace((f"    grid = {ORDER}\n", ""), (f"    blocks = {BACK}\n", "")),
        replace(f"    grid = {ORDER}\n", ""),
        replace(f"    blocks = {BACK}\n", ""),
    ],
    rows_and_columns_swapped=[
        replace(
            (ORDER, "grid.permute(0, 4, 2, 1, 3, 5)"),
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 4, 1, 5)"),
        ),
        replace(ORDER, "grid.permute(0, 4, 2, 1, 3, 5)"),
        replace(
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 4, 1, 5)"),
        ),
        replace(BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
        replace((ORDER, "grid.permute(0, 2, 4, 1, 5, 3)"), (BACK, "blocks.permute(0, 3, 1, 5, 2, 4)")),
        replace(ORDER, "grid.permute(0, 2, 4, 1, 5, 3)"),
        replace(BACK, "blocks.permute(0, 3, 1, 5, 2, 4)"),
        replace(
            (ORDER, "grid.permute(0, 4, 2, 1, 5, 3)"),
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 5, 1, 4)"),
        ),
    ],
    square_grid=[
        replace(
            (BLOCKS, "patches.reshape(len(patches), *[int(patches.shape[1] ** 0.5)] * 2, channels, p, p)"),
            ("channels, height, width)\n", "channels, *[int(patches.shape[1] ** 0.5) * p] * 2)\n"),
        ),
        replace(BLOCKS, "patches.reshape(len(patches), *[int(patches.shape[1] ** 0.5)] * 2, channels, p, p)"),
        replace(BLOCKS, "patches.reshape(len(patches), height // p, height // p, channels, p, p)"),
        replace(BLOCKS, "patches.reshape(len(patches), width // p, width // p, channels, p, p)"),
    ],
    channel_order=[
        replace(
            (ORDER, "grid.permute(0, 2, 4, 3, 5, 1)"),
            (BLOCKS, BLOCKS.replace("channels, p, p", "p, p, channels")),
            (BACK, "blocks.permute(0, 5, 1, 3, 2, 4)"),
        ),
        replace(ORDER, "grid.permute(0, 2, 4, 3, 5, 1)"),
        replace(
            (BLOCKS, BLOCKS.replace("channels, p, p", "p, p, channels")), (BACK, "blocks.permute(0, 5, 1, 3, 2, 4)")
        ),
        replace(ORDER, "grid.permute(0, 2, 4, 3, 1, 5)"),
        replace(ORDER, "grid.flip(1).permute(0, 2, 4, 1, 3, 5)"),
    ],
    patches_not_listed=[
        replace(JOIN, "grid.reshape(batch, height // p, width // p, channels * p * p)"),
        replace(JOIN, f"{JOIN}.transpose(1, 2)"),
        replace(JOIN, "grid.reshape(batch, -1, channels, p, p)"),
    ],
    no_error=[
        replace(CHECK, ""),
        replace((f"{CHECK}    grid = images", CROP), (CHECK, "")),
        replace(f"{CHECK}    grid = images", CROP),
        replace("raise ValueError(", "raise AssertionError("),
        replace("if height % p or width % p", "if height % p and width % p"),
        replace("if height % p or width % p", "if height % p"),
        replace("if height % p or width % p", "if (height * width) % (p * p)"),
    ],
    returns_float32=replace(
        (JOIN, f"{JOIN}.float()"), ("channels, height, width)\n", "channels, height, width).float()\n")
    ),
    detached=[
        replace(JOIN, f"{JOIN}.detach()"),
        replace((JOIN, f"{JOIN}.detach()"), ("return blocks.reshape", "return blocks.detach().reshape")),
    ],
)

exercise = Exercise(
    targets=("patchify", "unpatchify"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(patchify, unpatchify),
)
