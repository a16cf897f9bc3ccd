"""Files that are no submission, known by their first bytes: what each is, and what to hand in instead."""

from __future__ import annotations

import re

from grader.text import Text

_HAND_IN = Text(
    "hand in the notebook (.ipynb) or Python file (.py) itself",
    "请提交笔记本（.ipynb）或 Python 文件（.py）本身",
)
_UNPACK = Text(
    "unpack it and hand in what is inside",
    "请解压后提交其中的文件",
)
_COPY_THE_CODE = Text(
    "copy the code into a notebook (.ipynb) or a Python file (.py)",
    "请把代码复制到笔记本（.ipynb）或 Python 文件（.py）中",
)
_PULL = Text(
    "run `git lfs pull`, and hand in the file itself",
    "请运行 `git lfs pull` 后提交文件本身",
)

_BY_FIRST_BYTES: tuple[tuple[bytes, str, str, Text], ...] = (
    (b"%PDF-", "a PDF", "PDF 文件", _HAND_IN),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)", "图片（PNG）", _HAND_IN),
    (b"\xff\xd8\xff", "an image (JPEG)", "图片（JPEG）", _HAND_IN),
    (b"GIF87a", "an image (GIF)", "图片（GIF）", _HAND_IN),
    (b"GIF89a", "an image (GIF)", "图片（GIF）", _HAND_IN),
    (b"\x89HDF\r\n", "a data file (HDF5)", "数据文件（HDF5）", _HAND_IN),
    (b"\x93NUMPY", "an array saved by NumPy", "NumPy 保存的数组", _HAND_IN),
    (b"SQLite format 3\0", "a database (SQLite)", "数据库（SQLite）", _HAND_IN),
    (b"\x7fELF", "a program", "可执行程序", _HAND_IN),
    (b"MZ\x90\0", "a program", "可执行程序", _HAND_IN),
    (b"\x1f\x8b", "a compressed file (gzip)", "压缩文件（gzip）", _UNPACK),
    (b"BZh91AY&SY", "a compressed file (bzip2)", "压缩文件（bzip2）", _UNPACK),
    (b"\xfd7zXZ\0", "a compressed file (xz)", "压缩文件（xz）", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a compressed file (zstd)", "压缩文件（zstd）", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)", "压缩包（7z）", _UNPACK),
    (b"Rar!\x1a\x07", "an archive (RAR)", "压缩包（RAR）", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", "Office 文档", _COPY_THE_CODE),
    (b"{\\rtf", "a rich text document (RTF)", "富文本文档（RTF）", _COPY_THE_CODE),
    (b"version https://git-lfs", "a pointer of Git LFS", "Git LFS 指针", _PULL),
)
_ZIPS: tuple[tuple[bytes, str, str, Text], ...] = (
    (b"word/", "a Word document", "Word 文档", _COPY_THE_CODE),
    (b"xl/", "an Excel workbook", "Excel 工作簿", _HAND_IN),
    (b"ppt/", "a PowerPoint presentation", "PowerPoint 演示文稿", _HAND_IN),
    (b"/data.pkl", "something saved by torch.save", "torch.save 保存的文件", _HAND_IN),
    (b"", "an archive (zip)", "压缩包（zip）", _UNPACK),
)
"""What the names inside of a zip tell."""
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95c}\]()K\x8c\x8a]")
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\b|html\b|\?xml\b|!--|head\b|svg\b)", re.IGNORECASE)


def known_kind(content: bytes) -> Text | None:
    """What a file is that is no text of a submission, and what to do; None for what may be one.

    Only bytes are compared: nothing is unpacked, however small it is packed.
    """
    for first, en, zh, remedy in _BY_FIRST_BYTES:
        if content.startswith(first):
            return _sentence(en, zh, remedy)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        names = content[:4096] + content[-4096:]
        return next(_sentence(en, zh, remedy) for mark, en, zh, remedy in _ZIPS if mark in names)
    if content[:4] == b"RIFF" and content[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return _sentence("an image or a recording", "图片或音视频", _HAND_IN)
    if _PICKLE.match(content):
        return _sentence("a pickle", "pickle 文件", _HAND_IN)
    if content[2:4] == b"\r\n" and b"\0" in content[:16]:
        return _sentence("compiled Python (.pyc)", "编译后的 Python（.pyc）", _HAND_IN)
    if content[257:265] in (b"ustar\x0000", b"ustar  \0"):
        return _sentence("an archive (tar)", "压缩包（tar）", _UNPACK)
    if _PAGE.match(content[:1024]):
        return Text(
            "This is a web page, not the notebook that it may show; save the notebook itself "
            "(File > Save Notebook As, or Download .ipynb) and hand that in.",
            "这是网页，而不是它所显示的笔记本；请保存笔记本本身（File > Save Notebook As，或下载 .ipynb）再提交。",
        )
    return None


def _sentence(en: str, zh: str, remedy: Text) -> Text:
    return Text(
        f"This is {en}, neither a notebook nor Python code; {remedy.en}.",
        f"这是{zh}，既不是笔记本也不是 Python 代码；{remedy.zh}。",
    )
