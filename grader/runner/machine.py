"""What a machine may lack so much that nobody can be graded on it. That is no fault of a submission, nor of ours."""

from __future__ import annotations

import errno

_WHAT_TO_DO = {
    errno.EMFILE: "Too few files may be open at once here (`ulimit -n` says how many); allow 256.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "Your share of the disk is full.",
    errno.EAGAIN: "Too few processes may run at once here (`ulimit -u` says how many).",
    errno.ENOMEM: "This machine has no memory left.",
}


def what_is_lacking(error: OSError) -> str | None:
    """What to do about an error that comes of the machine; None for one that comes of something else."""
    if error.errno == errno.ENOENT and "temporary directory" in str(error):  # says Python's own tempfile
        return "There is no folder for temporary files; set TMPDIR to one that can be written to."
    return _WHAT_TO_DO.get(error.errno or 0)
