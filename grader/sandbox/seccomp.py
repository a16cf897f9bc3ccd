"""seccomp: which system calls a process may still make (no privilege needed)."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from functools import lru_cache

from grader.sandbox.bpf import ANY_BIT, AT_LEAST, EQUAL, GREATER, Program
from grader.sandbox.system import prctl

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
RET_KILL, RET_ERRNO, RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
CLONE_THREAD = 0x00010000
X32_BIT = 0x40000000
NEWEST_KNOWN = 467
"""System calls above this number did not exist when the list below was written, and do not exist for the child."""

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# One group for each purpose: name, number on x86-64, number on arm64 (None where the call does not exist).
_REFUSED: dict[str, tuple[tuple[str, int | None, int | None], ...]] = {
    "network and local sockets": (
        ("socket", 41, 198), ("socketpair", 53, 199), ("connect", 42, 203), ("bind", 49, 200), ("listen", 50, 201),
        ("accept", 43, 202), ("accept4", 288, 242),
    ),
    "new processes and programs": (
        ("fork", 57, None), ("vfork", 58, None), ("execve", 59, 221), ("execveat", 322, 281), ("setsid", 112, 157),
    ),
    "other processes": (
        ("ptrace", 101, 117), ("process_vm_readv", 310, 270), ("process_vm_writev", 311, 271),
        ("pidfd_open", 434, 434), ("pidfd_getfd", 438, 438), ("pidfd_send_signal", 424, 424), ("kcmp", 312, 272),
        ("rt_sigqueueinfo", 129, 138), ("rt_tgsigqueueinfo", 297, 240), ("tkill", 200, 130),
        ("process_madvise", 440, 440), ("process_mrelease", 448, 448), ("setpriority", 141, 140),
        ("sched_setscheduler", 144, 119), ("sched_setaffinity", 203, 122), ("ioprio_set", 251, 30),
        ("sched_setparam", 142, 118), ("sched_setattr", 314, 274), ("move_pages", 279, 239),
        ("migrate_pages", 256, 238),
    ),
    "what Landlock does not cover: modes, owners, times, attributes": (
        ("chmod", 90, None), ("fchmod", 91, 52), ("fchmodat", 268, 53), ("fchmodat2", 452, 452), ("chown", 92, None),
        ("fchown", 93, 55), ("lchown", 94, None), ("fchownat", 260, 54), ("utime", 132, None), ("utimes", 235, None),
        ("futimesat", 261, None), ("utimensat", 280, 88), ("setxattr", 188, 5), ("lsetxattr", 189, 6),
        ("fsetxattr", 190, 7), ("removexattr", 197, 14), ("lremovexattr", 198, 15), ("fremovexattr", 199, 16),
        ("setxattrat", 463, 463), ("removexattrat", 466, 466), ("file_setattr", None, None), ("mknod", 133, None),
        ("mknodat", 259, 33), ("flock", 73, 32), ("fanotify_init", 300, 262), ("inotify_init", 253, None),
        ("inotify_init1", 294, 26), ("truncate", 76, 45), ("sync", 162, 81), ("syncfs", 306, 267),
        ("fallocate", 285, 47), ("fadvise64", 221, 223), ("readahead", 187, 213), ("quotactl_fd", 443, 443),
    ),
    "memory outside the limits, shared memory and queues": (
        ("memfd_create", 319, 279), ("memfd_secret", 447, 447), ("shmget", 29, 194), ("shmat", 30, 196),
        ("shmctl", 31, 195), ("msgget", 68, 186), ("msgsnd", 69, 189), ("msgrcv", 70, 188), ("msgctl", 71, 187),
        ("semget", 64, 190), ("semop", 65, 193), ("semctl", 66, 191), ("semtimedop", 220, 192), ("mq_open", 240, 180),
        ("mq_unlink", 241, 181), ("mq_timedsend", 242, 182), ("mq_timedreceive", 243, 183), ("userfaultfd", 323, 282),
    ),
    "the kernel": (
        ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426), ("io_uring_register", 427, 427),
        ("io_setup", 206, 0), ("io_destroy", 207, 1), ("io_submit", 209, 2), ("io_cancel", 210, 3),
        ("io_getevents", 208, 4), ("io_pgetevents", 333, 292), ("timer_create", 222, 107),
        ("bpf", 321, 280), ("perf_event_open", 298, 241), ("keyctl", 250, 219), ("add_key", 248, 217),
        ("request_key", 249, 218), ("mount", 165, 40), ("umount2", 166, 39), ("pivot_root", 155, 41),
        ("chroot", 161, 51), ("unshare", 272, 97), ("setns", 308, 268), ("open_tree", 428, 428),
        ("move_mount", 429, 429), ("fsopen", 430, 430), ("fsmount", 432, 432), ("mount_setattr", 442, 442),
        ("name_to_handle_at", 303, 264), ("open_by_handle_at", 304, 265), ("init_module", 175, 105),
        ("finit_module", 313, 273), ("delete_module", 176, 106), ("kexec_load", 246, 104), ("reboot", 169, 142),
        ("swapon", 167, 224), ("swapoff", 168, 225), ("syslog", 103, 116), ("acct", 163, 89), ("quotactl", 179, 60),
        ("settimeofday", 164, 170), ("clock_settime", 227, 112), ("clock_adjtime", 305, 266), ("adjtimex", 159, 171),
        ("sethostname", 170, 161), ("setdomainname", 171, 162), ("personality", 135, 92), ("iopl", 172, None),
        ("ioperm", 173, None), ("modify_ldt", 154, None),
    ),
}  # fmt: skip
_CLONE, _CLONE3, _KILL, _TGKILL, _PRLIMIT = (56, 220), (435, 435), (62, 129), (234, 131), (302, 261)

# Calls of which some uses are refused: name, numbers, where to look, and the values refused there.
_REFUSED_USES = (
    # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER: a child that shook off the first would outlive a killed grader.
    # PR_SET_DUMPABLE: what the child has written could not be seen from outside.
    ("prctl", (157, 167), FIRST_ARGUMENT, (1, 4, 36)),
    # FIOSETOWN, SIOCSPGRP, FIOASYNC have the kernel send signals; TIOCSTI and TIOCLINUX push input into a terminal; the
    # others reserve space, share or freeze it, or change attributes.
    ("ioctl", (16, 29), SECOND_ARGUMENT, (
        0x8901, 0x8902, 0x5452, 0x5412, 0x541C, 0x40305828, 0x4030582A, 0x40305839, 0x40049409, 0x4020940D, 0xC0189436,
        0xC0045877, 0x40086602, 0x401C5820,
    )),
    # MADV_COLD, MADV_PAGEOUT: they take libraries out of the memory that all processes share.
    ("madvise", (28, 233), THIRD_ARGUMENT, (20, 21)),
)  # fmt: skip

# The same, where only some uses are allowed. Of fcntl: copies of descriptors, and their flags. Leases and locks make
# others wait, owners and signals have the kernel send any signal to any process, F_NOTIFY watches files.
_ALLOWED_USES = (("fcntl", (72, 25), SECOND_ARGUMENT, (0, 1, 2, 3, 4, 1030)),)


@lru_cache(maxsize=1)
def supported() -> bool:
    """True where this filter is written for the machine, and the kernel has seccomp."""
    return sys.platform == "linux" and os.uname().machine in _AUDIT and os.path.exists("/proc/sys/kernel/seccomp")


def restrict() -> None:
    """Refuse system calls that grading does not need, for this process and its threads, for good.

    Raises:
        OSError: the kernel refuses.
    """
    own_pid = struct.pack("=I", os.getpid())
    program = ctypes.create_string_buffer(program_of(os.uname().machine).replace(_SOME_PID, own_pid))
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", (len(program) - 1) // 8, ctypes.addressof(program)))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)


_SOME_PID = struct.pack("=I", 0x7FABCDEF)
"""Stands for the child's own number, so that the program can be made once, before there is a child."""


@lru_cache(maxsize=1)
def program_of(machine: str) -> bytes:
    """The filter, with `_SOME_PID` where the child's own number belongs."""
    (own_pid,) = struct.unpack("=I", _SOME_PID)
    column = 1 if machine == "x86_64" else 2
    index = column - 1
    refused, unknown = RET_ERRNO | errno.EPERM, RET_ERRNO | errno.ENOSYS
    program = Program()
    program.load(ARCHITECTURE)
    program.test(EQUAL, _AUDIT[machine], then="this machine")
    program.answer(RET_KILL)
    program.label("this machine")
    program.load(NUMBER)
    if machine == "x86_64":
        program.test(AT_LEAST, X32_BIT, otherwise="64 bits")
        program.answer(refused)
        program.label("64 bits")
    program.test(GREATER, NEWEST_KNOWN, otherwise="known")
    program.answer(unknown)
    program.label("known")
    # clone3 hides its flags behind a pointer; told that it does not exist, the C library falls back to clone.
    program.test(EQUAL, _CLONE3[index], otherwise="not clone3")
    program.answer(unknown)
    program.label("not clone3")
    # One refusal for all of them, to jump to: the kernel compiles the filter for every child.
    for rows in _REFUSED.values():
        for row in rows:
            number = row[column]
            if isinstance(number, int):
                program.test(EQUAL, number, then="refused always")
    program.jump("not refused always")
    program.label("refused always")
    program.answer(refused)
    program.label("not refused always")
    # Threads are made with clone, and so are processes.
    _allow_where(program, "clone", _CLONE[index], ANY_BIT, CLONE_THREAD, refused)
    _allow_where(program, "kill", _KILL[index], EQUAL, own_pid, refused)
    _allow_where(program, "tgkill", _TGKILL[index], EQUAL, own_pid, refused)
    _allow_where(program, "prlimit", _PRLIMIT[index], EQUAL, 0, refused)
    for uses, listed, others in ((_REFUSED_USES, refused, RET_ALLOW), (_ALLOWED_USES, RET_ALLOW, refused)):
        for name, numbers, place, values in uses:
            program.test(EQUAL, numbers[index], otherwise=f"not {name}")
            program.load(place)
            for value in values:
                program.test(EQUAL, value, then=f"{name}, listed")
            program.answer(others)
            program.label(f"{name}, listed")
            program.answer(listed)
            program.label(f"not {name}")
    program.answer(RET_ALLOW)
    return program.assembled()


def _allow_where(program: Program, name: str, number: int, test: int, value: int, refused: int) -> None:
    """Decide about one system call by its first argument."""
    program.test(EQUAL, number, otherwise=f"not {name}")
    program.load(FIRST_ARGUMENT)
    program.test(test, value, otherwise=f"{name} refused")
    program.answer(RET_ALLOW)
    program.label(f"{name} refused")
    program.answer(refused)
    program.label(f"not {name}")
