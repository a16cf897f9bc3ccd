"""The numbers of the file formats that this version writes. A number grows when older versions would misread a file."""

from __future__ import annotations

from grader.course.errors import NewerFormatError
from grader.version import own_version

COURSE_FORMAT = 1
"""Of course.yml."""
KEY_FORMAT = 3
"""Of answer keys, and of their public parts that lie beside the notebooks. The first had public parts only; the
third has weights of questions, and their reasons in Chinese."""


def check_format(file: str, found: object, known: int) -> None:
    """Refuse a file that a newer version wrote. A file without a number is of the first format.

    Raises:
        NewerFormatError: its format is not known here.
    """
    if isinstance(found, int) and found > known:
        raise NewerFormatError(
            f"{file} is of format {found}, which this version ({own_version()}) does not read; update the package"
        )
