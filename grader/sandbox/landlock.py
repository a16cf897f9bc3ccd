"""Landlock: which files a process may still read and write (Linux 5.13 and later; no privilege needed)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from functools import lru_cache

from grader.sandbox.system import syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
ALL_OF_FIRST_VERSION = (1 << 13) - 1
NET_BIND_TCP, NET_CONNECT_TCP = 1 << 0, 1 << 1
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1 << 0, 1 << 1
MAKE_OTHERS = (1 << 6) | (1 << 7) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12)
"""Everything but plain files: devices, folders (a flat folder is watched at little cost), sockets, FIFOs, links."""


@lru_cache(maxsize=1)
def abi() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    try:
        return syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(CREATE_RULESET_VERSION))
    except OSError:
        return 0


def restrict(readable: Iterable[str], listed: Iterable[str], scratch: str) -> None:
    """Keep this process from every file but those under ``readable`` (read only) and ``scratch``, for good.

    Args:
        readable: files, and folders with all that is in them.
        listed: folders of which only the names may be read, those of folders in them too.
        scratch: a folder to write in.

    Raises:
        OSError: the kernel refuses.
    """
    version = abi()
    handled = ALL_OF_FIRST_VERSION
    handled |= REFER if version >= 2 else 0
    handled |= TRUNCATE if version >= 3 else 0
    handled |= IOCTL_DEV if version >= 5 else 0
    network = NET_BIND_TCP | NET_CONNECT_TCP if version >= 4 else 0
    scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL if version >= 6 else 0
    attributes = ctypes.create_string_buffer(struct.pack("=QQQ", handled, network, scoped))
    ruleset = syscall(CREATE_RULESET, attributes, ctypes.c_size_t(_size_of_attributes(version)), ctypes.c_uint32(0))
    try:
        for path in readable:
            # Devices may be written to as well: /dev/null keeps nothing.
            rights = READ_FILE | WRITE_FILE if path.startswith("/dev/") else READ_FILE | READ_DIR | EXECUTE
            _allow(ruleset, path, rights)
        for path in listed:
            _allow(ruleset, path, READ_DIR)
        _allow(ruleset, scratch, handled & ~MAKE_OTHERS & ~EXECUTE & ~REFER)
        syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _size_of_attributes(version: int) -> int:
    """How many bytes of them the kernel knows: it refuses what is longer."""
    if version < 4:
        return 8
    if version < 6:
        return 16
    return 24


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
        syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
