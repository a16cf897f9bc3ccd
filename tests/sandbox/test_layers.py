"""Every layer is needed: with it switched off, something gets through that is stopped with it on.

bubblewrap stops much of the same again, so it is left out here but for its own test.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacking import Attack, Place, place, read_attacks
from helpers import EXERCISE

from grader.runner.limits import Limits
from grader.runner.runner import PackedCalls, Runner
from grader.sandbox import bubblewrap, landlock, of_process
from grader.wire.calls import Call, Outcome

pytestmark = pytest.mark.slow

ATTACKS = {attack.name: attack for attack in read_attacks()}
LIMITS = Limits(call_seconds=60.0, seconds=120.0, memory_mb=512, file_mb=16)
SMALL = LIMITS.model_copy(update={"memory_mb": 128})
FOR_EVER = 50.0
"""Seconds in which something else happens, or the test fails."""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has special rights to drop")
HELD_BY = [
    *(pytest.param("landlock", name, id=f"landlock-{name}") for name in (
        "01_reads_the_reference", "01_reads_the_gradebook", "02_reads_a_sibling", "04_reads_the_parents_environment",
        "05_home_folder", "22_edits_the_gradebook", "23_shared_memory", "27_leaves_modules", "28_link_in_its_folder",
    )),
    *(pytest.param("seccomp", name, id=f"seccomp-{name}") for name in (
        "22_survives_its_parent", "23_fork_bomb", "24_double_fork", "26_udp", "25_watches_files", "26_io_uring",
        "25_changes_its_parents_priority",
    )),
    *(pytest.param("rlimits", name, id=f"rlimits-{name}") for name in ("23_large_file", "23_raises_its_limits")),
    *(pytest.param("watchdog", name, id=f"watchdog-{name}") for name in ("23_thread_bomb", "23_files_from_c")),
]  # fmt: skip


ALSO = {
    # Root's special rights are gone before anything else: without them the parent, which has them, is out of reach.
    "04_reads_the_parents_environment": ["capabilities"],
    "25_changes_its_parents_priority": ["capabilities"],
    # SQLite locks a file before it reads it, and seccomp refuses locks.
    "01_reads_the_gradebook": ["seccomp"],
    "22_edits_the_gradebook": ["seccomp"],
}
"""What must be off too for an attack to come off."""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("layers")) as found:
        found.hand_in("honest-right", f"{EXERCISE} = right\n")
        yield found


@pytest.fixture
def locked_in() -> Iterator[Runner]:
    with without() as runner:
        yield runner


def comes_off(runner: Runner, at: Place, attack: Attack | str) -> bool:
    """Whether an attack that pays does so: one call tells."""
    text = attack if isinstance(attack, str) else attack.text
    outcome = outcomes(runner, at.code(text) + f"\n\ndef answer():\n    return {EXERCISE} is right\n")[0]
    return outcome.value is True


def outcomes(runner: Runner, code: str, *arguments: object) -> list[Outcome]:
    """What comes of calling ``answer``."""
    return runner.run([code], ["answer"], PackedCalls([Call("answer", arguments)])).outcomes


_started: dict[tuple[str, ...], Runner] = {}


@contextlib.contextmanager
def without(*layers: str, limits: Limits = LIMITS) -> Iterator[Runner]:
    """A warm parent that lacks layers, kept for all tests that lack the same: to start one takes seconds."""
    if layers not in _started:
        _started[layers] = Runner(without=["bubblewrap", *layers])
    _started[layers].limits = limits
    yield _started[layers]


@pytest.fixture(scope="module", autouse=True)
def _stop_all() -> Iterator[None]:
    yield
    while _started:
        _started.popitem()[1].close()


@pytest.mark.parametrize(("layer", "name"), HELD_BY)
def test_attack_is_held_by_its_layer(at: Place, locked_in: Runner, layer: str, name: str) -> None:
    if layer not in of_process():
        pytest.skip(f"no {layer} here")
    if name == "26_io_uring" and Path("/proc/sys/kernel/io_uring_disabled").read_text(encoding="utf-8").strip() != "0":
        pytest.skip("the kernel has io_uring switched off")
    if name == "05_home_folder" and not os.access(pwd.getpwuid(os.getuid()).pw_dir, os.R_OK):
        pytest.skip("no home folder to read")
    assert not comes_off(locked_in, at, ATTACKS[name])
    with without(layer, *ALSO.get(name, [])) as runner:
        assert comes_off(runner, at, ATTACKS[name])


@pytest.mark.parametrize("name", ["25_signals_its_parent", "25_signals_everyone", "25_has_the_kernel_signal"])
def test_signals_are_stopped_twice(at: Place, locked_in: Runner, name: str) -> None:
    if name == "25_signals_everyone":  # to try that without any layer would not be polite to this machine
        assert not comes_off(locked_in, at, ATTACKS[name])
        return
    assert not comes_off(locked_in, at, ATTACKS[name])
    with without("landlock") as runner:
        assert not comes_off(runner, at, ATTACKS[name])
    with without("landlock", "seccomp") as runner:
        assert comes_off(runner, at, ATTACKS[name])


def test_tcp_is_stopped_twice(at: Place, locked_in: Runner) -> None:
    assert not comes_off(locked_in, at, ATTACKS["26_tcp"])
    if landlock.abi() >= 4:
        with without("seccomp") as runner:
            assert not comes_off(runner, at, ATTACKS["26_tcp"])
    with without("landlock", "seccomp") as runner:
        assert comes_off(runner, at, ATTACKS["26_tcp"])


def test_debugging_the_parent_needs_no_layer_but_seccomp_to_be_refused(at: Place, locked_in: Runner) -> None:
    for name in ("25_traces_its_parent", "25_reads_its_parents_memory", "25_opens_its_parents_memory"):
        assert not comes_off(locked_in, at, ATTACKS[name])


@ROOT_ONLY
def test_capabilities(at: Place, locked_in: Runner) -> None:
    become_another = f"import os\n{EXERCISE} = pays(lambda: os.setuid(65534))\n"
    assert not comes_off(locked_in, at, become_another)
    with without("capabilities") as runner:
        assert comes_off(runner, at, become_another)


def test_no_new_privs(at: Place, locked_in: Runner) -> None:
    # What it stops is done by setuid programs, which nothing here may start: that it is set is what can be seen.
    asks = f"import ctypes\n{EXERCISE} = pays(lambda: ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 0)\n"
    assert not comes_off(locked_in, at, asks)
    with without("no_new_privs", "landlock", "seccomp", "capabilities") as runner:
        assert comes_off(runner, at, asks)


def test_a_child_that_cannot_be_locked_in_runs_nothing(at: Place) -> None:
    with without("no_new_privs") as runner:  # seccomp asks for it, or for rights that were given up
        code = f"open({str(at.canary)!r}, 'w').close()\ndef answer():\n    return 1\n"
        assert outcomes(runner, code)[0].ended == "crashed"
    assert not at.canary.exists()


def test_memory_is_watched_where_address_space_is_not_limited(at: Place) -> None:
    code = (
        "import time\n"
        "def answer(seconds):\n"
        "    block = bytearray(2**28)\n"
        "    time.sleep(seconds)\n"
        "    return len(block)\n"
    )
    with without("rlimits", limits=SMALL) as runner:
        assert outcomes(runner, code, FOR_EVER)[0].ended == "out_of_memory"
    with without("rlimits", "watchdog", limits=SMALL) as runner:
        assert outcomes(runner, code, 0.5)[0].value == 2**28
    with without("watchdog", limits=SMALL) as runner:  # and limited where it is not watched
        assert outcomes(runner, code, 0.5)[0].ended == "out_of_memory"


def test_shared_memory_is_watched(at: Place) -> None:
    code = (
        "import mmap, time\n"
        "def answer(seconds):\n"
        "    block = mmap.mmap(-1, 2**28)\n"
        "    for start in range(0, 2**28, 2**20):\n"
        "        block[start : start + 2**20] = bytes(2**20)\n"
        "    time.sleep(seconds)\n"
        "    return len(block)\n"
    )
    with without("rlimits", limits=SMALL) as runner:
        assert outcomes(runner, code, FOR_EVER)[0].ended == "out_of_memory"
    with without("rlimits", "watchdog", limits=SMALL) as runner:
        assert outcomes(runner, code, 0.5)[0].value == 2**28


def test_the_clock() -> None:
    code = "import time\ndef answer(seconds):\n    time.sleep(seconds)\n    return 1\n"
    with without(limits=Limits(call_seconds=0.5)) as runner:
        assert outcomes(runner, code, FOR_EVER)[0].ended == "waiting"
    with without() as runner:
        assert outcomes(runner, code, 1.0)[0].value == 1


def test_who_stops_itself_is_not_waited_for() -> None:
    code = "import os, signal\ndef answer():\n    os.kill(os.getpid(), signal.SIGSTOP)\n"
    with without() as runner:
        assert outcomes(runner, code)[0].ended == "waiting"


def test_strays_are_killed() -> None:
    code = (
        "import ctypes, os, time\n"
        "def answer():\n"
        "    there, ready = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\n"
        "        os.write(ready, b'.')\n"
        f"        time.sleep({FOR_EVER})\n"
        "        os._exit(0)\n"
        "    os.read(there, 1)\n"
        "    return 1\n"
    )
    with without("seccomp") as runner:
        assert outcomes(runner, code)[0].value == 1
        end = time.monotonic() + FOR_EVER / 2  # by itself it would be there for longer
        while _below(runner) and time.monotonic() < end:
            time.sleep(0.02)
        assert not _below(runner)
    with without("seccomp", "watchdog") as runner:
        assert outcomes(runner, code)[0].value == 1
        assert outcomes(runner, "def answer():\n    return 2")[0].value == 2  # it has had the time to look
        killed = []
        for pid in _below(runner):
            with contextlib.suppress(ProcessLookupError):  # the child that has answered is ending by itself
                os.kill(int(pid), signal.SIGKILL)
                killed.append(pid)
        assert killed


def _below(runner: Runner) -> list[str]:
    assert runner._children._process is not None
    pid = runner._children._process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()


def test_a_child_has_one_descriptor_of_the_graders(locked_in: Runner) -> None:
    code = (
        "import os\n"
        "def answer():\n"
        "    found = []\n"
        "    for number in range(3, 64):\n"
        "        try:\n"
        "            os.fstat(number)\n"
        "            found.append(number)\n"
        "        except OSError:\n"
        "            pass\n"
        "    return found\n"
    )
    assert len(outcomes(locked_in, code)[0].value) == 1


def test_bubblewrap(at: Place, locked_in: Runner) -> None:
    if not bubblewrap.works():
        pytest.skip("no bubblewrap here, or no user namespaces")
    sees = f"import os\n{EXERCISE} = pays(lambda: os.stat('@COURSE@/course.yml'))\n"
    assert comes_off(locked_in, at, sees)  # Landlock lets a name and a size be seen
    with Runner(LIMITS) as runner:
        assert "bubblewrap" in runner.layers()
        assert not comes_off(runner, at, sees)


def test_bubblewrap_alone_keeps_files_and_network_away(at: Place) -> None:
    if not bubblewrap.works():
        pytest.skip("no bubblewrap here, or no user namespaces")
    with Runner(LIMITS, without=["landlock", "seccomp"]) as runner:
        for name in ("01_reads_the_reference", "22_edits_the_gradebook", "26_tcp", "26_abstract_socket"):
            assert not comes_off(runner, at, ATTACKS[name])


def test_without_bubblewrap_the_rest_still_holds(monkeypatch: pytest.MonkeyPatch, at: Place) -> None:
    bubblewrap.works.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    try:
        with Runner(LIMITS) as runner:
            assert "bubblewrap" not in runner.layers()
            assert not comes_off(runner, at, ATTACKS["01_reads_the_reference"])
    finally:
        bubblewrap.works.cache_clear()
