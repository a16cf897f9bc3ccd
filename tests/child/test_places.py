"""What is said of an error is the same wherever files lie, on every system."""

from __future__ import annotations

import pytest

from grader.child.execute import describe

KERNELS = [
    "/tmp/ipykernel_12/3405691582.py",
    "/var/folders/zz/q_0/T/ipykernel_12/3405691582.py",
    r"C:\Users\ada\AppData\Local\Temp\ipykernel_12\3405691582.py",
]
SAID = [
    ("[Errno 2] No such file: '/tmp/attn-child-ab12_x/data.csv'", "[Errno 2] No such file: 'data.csv'"),
    ("[Errno 2] No such file: '/var/folders/zz/q_0/T/attn-child-ab1/data.csv'", "[Errno 2] No such file: 'data.csv'"),
    (r"No such file: 'C:\\Users\\Ada L\\Temp\\attn-child-ab12_x\\data.csv'", "No such file: 'data.csv'"),
    (r"nothing in C:\Users\Ada L\Temp\attn-child-ab12_x", "nothing in "),
    ("cannot import name 'x' from 'y' (/usr/lib/y.py)", "cannot import name 'x' from 'y'"),
    (r"cannot import name 'x' from 'y' (C:\Program Files (x86)\y.py)", "cannot import name 'x' from 'y'"),
]


@pytest.mark.parametrize("name", KERNELS)
def test_the_line_in_a_kernels_cell_is_known(name: str) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        exec(compile("\n\n1 / 0", name, "exec"))
    assert describe(raised.value).line == 3


@pytest.mark.parametrize(("message", "said"), SAID)
def test_what_is_said_names_no_place(message: str, said: str) -> None:
    assert describe(OSError(message)).message == said
