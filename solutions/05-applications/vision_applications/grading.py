"""How cutting images into patches, and putting them together again, is graded."""

from collections.abc import Iterator

import shared
import torch

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    yield Case(
        "every size different", (rand.normal(2, 3, 8, 20), 4), family="shape", gradients=True, twice=True, public=True
    )
    yield Case("one channel, higher than wide", (rand.normal(3, 1, 15, 6), 3), family="shape", public=True)
    yield Case("by name", kwargs={"images": rand.normal(1, 2, 6, 10), "patch_size": 2}, family="shape")
    yield Case("patches of one pixel", (rand.normal(2, 3, 4, 5), 1), family="shape")
    yield Case("one patch, the whole image", (rand.normal(2, 3, 5, 5), 5), family="shape")
    yield Case(
        "memory in another order (channels last)", (rand.normal(2, 4, 6, 3).permute(0, 3, 1, 2), 2), family="shape"
    )
    back = {"target": "unpatchify", "family": "shape"}
    yield Case(
        "back: every size different",
        (rand.normal(2, 10, 48), 4, 3, 8, 20),
        gradients=True,
        twice=True,
        public=True,
        **back,
    )
    yield Case("back: one channel, higher than wide", (rand.normal(3, 10, 9), 3, 1, 15, 6), **back)
    yield Case("back: patches of one pixel", (rand.normal(2, 20, 3), 1, 3, 4, 5), **back)
    yield Case("back: memory in another order", (rand.normal(2, 8, 15).mT, 2, 2, 6, 10), **back)
    for height, width in ((4, 7), (7, 4)):
        size = f"{height} × {width} pixels in patches of 2"
        arguments = (rand.normal(1, 2, height, width), 2)
        yield Case(size, arguments, raises="ValueError", family="interface")
        arguments = (rand.normal(1, 6, 8), 2, 2, height, width)
        yield Case(f"back: {size}", arguments, target="unpatchify", raises="ValueError", family="interface")
    yield Case("float64", (rand.normal(2, 3, 4, 6), 2), dtype="float64", family="dtype")
    yield Case("bfloat16", (rand.normal(2, 3, 4, 6), 2), dtype="bfloat16", family="dtype")
    yield Case(
        "back: bfloat16", (rand.normal(2, 6, 12), 2, 3, 4, 6), target="unpatchify", dtype="bfloat16", family="dtype"
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

mistakes = (
    mistake(
        "view-without-permute",
        "shape",
        edit((f"    grid = {ORDER}\n", ""), (f"    blocks = {BACK}\n", "")),
        edit(f"    grid = {ORDER}\n", ""),
        edit(f"    blocks = {BACK}\n", ""),
        en="You change the shape without moving anything: a `view` or `reshape` alone leaves the numbers in the order "
        "in which "
        "they lie in memory, so a patch gets pieces of rows. Split both axes, permute, then reshape.",
        zh="你只改了形状，没有移动任何数：单靠 `view` 或 `reshape`，数仍按内存中的次序排列，块里得到的是一截截的行。"
        "请先拆分两个维度，permute，再 reshape。",
    ),
    mistake(
        "rows-and-columns-swapped",
        "shape",
        edit(
            (ORDER, "grid.permute(0, 4, 2, 1, 3, 5)"),
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 4, 1, 5)"),
        ),
        edit(ORDER, "grid.permute(0, 4, 2, 1, 3, 5)"),
        edit(
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 4, 1, 5)"),
        ),
        edit(BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
        edit((ORDER, "grid.permute(0, 2, 4, 1, 5, 3)"), (BACK, "blocks.permute(0, 3, 1, 5, 2, 4)")),
        edit(ORDER, "grid.permute(0, 2, 4, 1, 5, 3)"),
        edit(BACK, "blocks.permute(0, 3, 1, 5, 2, 4)"),
        edit(
            (ORDER, "grid.permute(0, 4, 2, 1, 5, 3)"),
            (BLOCKS, BLOCKS.replace("height // p, width // p", "width // p, height // p")),
            (BACK, "blocks.permute(0, 3, 2, 5, 1, 4)"),
        ),
        en="Rows and columns are swapped: patches are numbered row by row, from left to right, and so are the pixels "
        "of a patch.",
        zh="行与列弄反了：块的编号是逐行、从左到右，块内像素也是如此。",
    ),
    mistake(
        "square-grid",
        "shape",
        edit(
            (BLOCKS, "patches.reshape(len(patches), *[int(patches.shape[1] ** 0.5)] * 2, channels, p, p)"),
            ("channels, height, width)\n", "channels, *[int(patches.shape[1] ** 0.5) * p] * 2)\n"),
        ),
        edit(BLOCKS, "patches.reshape(len(patches), *[int(patches.shape[1] ** 0.5)] * 2, channels, p, p)"),
        edit(BLOCKS, "patches.reshape(len(patches), height // p, height // p, channels, p, p)"),
        edit(BLOCKS, "patches.reshape(len(patches), width // p, width // p, channels, p, p)"),
        en="unpatchify takes the image to be square: there are height / p patches in a column and width / p in a row, "
        "and the two may differ.",
        zh="unpatchify 假定图像是正方形：一列有 height / p 块，一行有 width / p 块，两者可以不同。",
    ),
    mistake(
        "channel-order",
        "shape",
        edit(
            (ORDER, "grid.permute(0, 2, 4, 3, 5, 1)"),
            (BLOCKS, BLOCKS.replace("channels, p, p", "p, p, channels")),
            (BACK, "blocks.permute(0, 5, 1, 3, 2, 4)"),
        ),
        edit(ORDER, "grid.permute(0, 2, 4, 3, 5, 1)"),
        edit((BLOCKS, BLOCKS.replace("channels, p, p", "p, p, channels")), (BACK, "blocks.permute(0, 5, 1, 3, 2, 4)")),
        edit(ORDER, "grid.permute(0, 2, 4, 3, 1, 5)"),
        edit(ORDER, "grid.flip(1).permute(0, 2, 4, 1, 3, 5)"),
        en="The channels stand in another place of the patch: inside a patch the order is channel, row, column (not "
        "channel last).",
        zh="通道在块内的位置不对：块内的次序是通道、行、列（通道不在最后）。",
    ),
    mistake(
        "patches-not-listed",
        "shape",
        edit(JOIN, "grid.reshape(batch, height // p, width // p, channels * p * p)"),
        edit(JOIN, f"{JOIN}.transpose(1, 2)"),
        edit(JOIN, "grid.reshape(batch, -1, channels, p, p)"),
        en="The patches do not come as (B, N, C·p·p): one axis for the number of the patch, row by row, and one for "
        "its content.",
        zh="返回的不是 (B, N, C·p·p)：应有一个维度是块的编号（逐行），一个维度是块的内容。",
    ),
    mistake(
        "no-error",
        "interface",
        edit(CHECK, ""),
        edit((f"{CHECK}    grid = images", CROP), (CHECK, "")),
        edit(f"{CHECK}    grid = images", CROP),
        edit("raise ValueError(", "raise AssertionError("),
        edit("if height % p or width % p", "if height % p and width % p"),
        edit("if height % p or width % p", "if height % p"),
        edit("if height % p or width % p", "if (height * width) % (p * p)"),
        en="A height or a width that is not a multiple of the patch size has to be refused with ValueError, in both "
        "functions.",
        zh="高或宽不是块边长的整数倍时，两个函数都应当抛出 ValueError。",
    ),
    shared.returns_float32(
        edit((JOIN, f"{JOIN}.float()"), ("channels, height, width)\n", "channels, height, width).float()\n")),
    ),
    mistake(
        "detached",
        "gradient",
        edit(JOIN, f"{JOIN}.detach()"),
        edit((JOIN, f"{JOIN}.detach()"), ("return blocks.reshape", "return blocks.detach().reshape")),
        en="The result is cut from the graph: no gradient reaches the input. Reshaping needs no detach(), numpy or "
        "no_grad().",
        zh="结果与计算图断开了：梯度到不了输入。改变形状不需要 detach()、numpy 或 no_grad()。",
    ),
)

exercise = Exercise(
    targets=("patchify", "unpatchify"),
    outputs=("result",),
    cases=cases,
    mistakes=mistakes,
    oracles=(patchify, unpatchify),
)
