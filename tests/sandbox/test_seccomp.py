"""The filter of system calls, run by an interpreter of its language: also for the machine that this one is not."""

import errno
import hashlib
import struct

import pytest

from grader.sandbox import bpf, seccomp
from grader.sandbox.bpf import Program

MACHINES = ("x86_64", "aarch64")
COLUMN = {"x86_64": 1, "aarch64": 2}
ALLOWED = seccomp.RET_ALLOW
REFUSED = seccomp.RET_ERRNO | errno.EPERM
UNKNOWN = seccomp.RET_ERRNO | errno.ENOSYS
OWN_PID = 0x7FABCDEF  # stands in the program for the child's own number
READ = {"x86_64": 0, "aarch64": 63}


def answer(program: bytes, data: bytes) -> int:
    """What a filter answers about one system call, as the kernel would work it out."""
    word, step = 0, 0
    while True:
        code, then, otherwise, value = struct.unpack_from("=HBBI", program, 8 * step)
        step += 1
        match code:
            case bpf.LOAD_WORD:
                (word,) = struct.unpack_from("=I", data, value)
            case bpf.JUMP:
                step += value
            case bpf.EQUAL:
                step += then if word == value else otherwise
            case bpf.GREATER:
                step += then if word > value else otherwise
            case bpf.AT_LEAST:
                step += then if word >= value else otherwise
            case bpf.ANY_BIT:
                step += then if word & value else otherwise
            case bpf.RETURN:
                return int(value)
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def asked(machine: str, number: int, first: int = 0, second: int = 0, third: int = 0, claimed: str = "") -> int:
    data = struct.pack("=IIQQQQ", number, seccomp._AUDIT[claimed or machine], 0, first, second, third)
    return answer(seccomp.program_of(machine), data)


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_listed_is_refused_and_nothing_else(machine: str) -> None:
    rows = [row for rows in seccomp._REFUSED.values() for row in rows]
    numbers = {row[COLUMN[machine]]: row[0] for row in rows if row[COLUMN[machine]] is not None}
    one_use_only = {place[machine == "aarch64"] for place in (seccomp._CLONE, seccomp._KILL, seccomp._TGKILL)}
    for number in range(seccomp.NEWEST_KNOWN + 1):
        if number == seccomp._CLONE3[0]:
            assert asked(machine, number) == UNKNOWN
        elif number not in one_use_only:
            assert (asked(machine, number) == REFUSED) == (number in numbers), numbers.get(number, number)
    assert asked(machine, READ[machine]) == ALLOWED
    assert asked(machine, seccomp.NEWEST_KNOWN + 1) == UNKNOWN


@pytest.mark.parametrize("machine", MACHINES)
def test_some_uses_of_a_call_are_refused(machine: str) -> None:
    arm = machine == "aarch64"
    assert asked(machine, seccomp._CLONE[arm], seccomp.CLONE_THREAD | 0x100) == ALLOWED
    assert asked(machine, seccomp._CLONE[arm], 17) == REFUSED
    for call in (seccomp._KILL, seccomp._TGKILL):
        assert asked(machine, call[arm], OWN_PID) == ALLOWED
        assert asked(machine, call[arm], 1) == REFUSED
    assert asked(machine, seccomp._PRLIMIT[arm], 0) == ALLOWED
    assert asked(machine, seccomp._PRLIMIT[arm], 1) == REFUSED
    for _, numbers, place, values in seccomp._REFUSED_USES:
        assert asked(machine, numbers[arm], *at(place, 7)) == ALLOWED
        for value in values:
            assert asked(machine, numbers[arm], *at(place, value)) == REFUSED
    for _, numbers, place, values in seccomp._ALLOWED_USES:
        for value in range(2048):
            assert (asked(machine, numbers[arm], *at(place, value)) == ALLOWED) == (value in values)


def at(place: int, value: int) -> list[int]:
    """Arguments of a call, one of them as given."""
    places = (seccomp.FIRST_ARGUMENT, seccomp.SECOND_ARGUMENT, seccomp.THIRD_ARGUMENT)
    return [value if found == place else 7 for found in places]


def test_calls_of_another_machine_end_the_process() -> None:
    assert asked("x86_64", 0, claimed="aarch64") == seccomp.RET_KILL
    assert asked("aarch64", 63, claimed="x86_64") == seccomp.RET_KILL
    assert asked("x86_64", seccomp.X32_BIT) == REFUSED


@pytest.mark.parametrize(
    ("machine", "digest"),
    [
        ("x86_64", "e78e2d89baaadf2af62583112b3302de4bca4c0cb2e5f0e00f77ecdd3dfa6c38"),
        ("aarch64", "7d4141d2b4d1695b033f8d28afd45b4baadea00e01134bb2535e98052ae40a77"),
    ],
)
def test_the_filter_changes_only_on_purpose(machine: str, digest: str) -> None:
    assert hashlib.sha256(seccomp.program_of(machine)).hexdigest() == digest


def test_labels() -> None:
    program = Program()
    program.load(0)
    program.test(bpf.EQUAL, 5, then="five", otherwise="another")
    program.label("five")
    program.answer(1)
    program.label("another")
    program.answer(2)
    assert [answer(program.assembled(), struct.pack("=I", number)) for number in (5, 6)] == [1, 2]


def test_labels_that_cannot_be_jumped_to() -> None:
    nowhere, back, twice = Program(), Program(), Program()
    nowhere.jump("nowhere")
    with pytest.raises(KeyError):
        nowhere.assembled()
    back.label("start")
    back.jump("start")
    with pytest.raises(ValueError, match="jump back"):
        back.assembled()
    twice.label("here")
    with pytest.raises(ValueError, match="twice"):
        twice.label("here")
