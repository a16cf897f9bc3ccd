"""Opens a file that somebody handed in: a regular file of bounded size, no link, and never waiting for one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from grader.submission.contents import UnreadableError
from grader.text import Text

MAX_FILE_BYTES = 20 * 2**20


def read_bytes(path: Path, count: int | None = None) -> bytes:
    """What stands in a file: all of it, or its first ``count`` bytes.

    Raises:
        UnreadableError: it is no regular file, cannot be opened, or is too large to be read whole.
        OSError: no file can be opened now.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):  # it is this machine that opens no more files
            raise
        raise UnreadableError(_cannot_open(path, error)) from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(
                Text(
                    "This is not a regular file; hand in a notebook or a Python file.",
                    "这不是普通文件；请提交笔记本或 Python 文件。",
                )
            )
        if count is not None:
            return file.read(count)
        if status.st_size > MAX_FILE_BYTES:
            size, most = f"{status.st_size / 2**20:.0f} MB", f"{MAX_FILE_BYTES // 2**20} MB"
            raise UnreadableError(
                Text(
                    f"The file has {size}, more than the {most} that are read; "
                    "clear the outputs (Edit > Clear Outputs of All Cells) and save again.",
                    f"文件有 {size}，超过可读取的 {most}；请清除输出（Edit > Clear Outputs of All Cells）后重新保存。",
                )
            )
        return file.read(MAX_FILE_BYTES + 1)


def _cannot_open(path: Path, error: OSError) -> Text:
    if os.path.islink(path):
        return Text(
            "This is a symbolic link; hand in the file itself.",
            "这是符号链接；请提交文件本身。",
        )
    kind = Text("folder", "文件夹") if os.path.isdir(path) else Text("file", "文件")
    return Text(f"The {kind.en} cannot be opened: {error.strerror}.", f"无法打开{kind.zh}：{error.strerror}。")
