"""What is made of a cell is what IPython makes of it, and leaves the same names behind."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence

import pytest
from helpers import environment
from IPython.core.inputtransformer2 import TransformerManager

from grader.runner.runner import PackedCalls, Runner
from grader.submission.language import as_code, as_python
from grader.wire.calls import Call

# Pieces of cells, each whole statements; `{n}` becomes a number, so that no two bind the same name.
PYTHON = (
    "a{n} = 7 % 4",
    "b{n} = 'E=%d' % {n}",
    "c{n} = f'{{{n}=!r}}'",
    "d{n} = (3\n!= 4)",
    "e{n} = (9\n% 5)",
    'g{n} = """\n%matplotlib inline\n!ls\nwhat?\n%%time\n"""',
    "h{n} = 7 \\\n  % 4",
    "# a comment with %magic and !shell and help?",
    "def i{n}(x):\n    # %d\n    return '?' + x",
    "j{n} = lambda x: x != 3",
    "k{n} = {{'a?': '!b', '%c': [1,\n  2]}}",
    "l{n} = '''a\\\n%b\\\n!c'''",
    "m{n} = 'it''s' \"%time\" '!x'",
    "class N{n}:\n    '''%%bash?'''\n    o = 3",
    "if True:\n    p{n} = 1\nelse:\n    q{n} = 2",
    "for r{n} in range(2): s{n} = r{n}",
    "t{n} = u{n} = {n}; v{n} = 3;",
)
MAGIC = (
    "%precision 3",
    "!pip install -q a \\\n  b c",
    "aa{n} = !ls *.txt",
    "bb{n} = %who_ls str",
    "%time cc{n} = 3",
    "%load_ext autoreload",
    "len?",
    "?len",
    "str.join??",
    "if True:\n    !ls\n    dd{n} = !ls\n    ee{n} = 4",
    "def ff{n}():\n    x = !ls\n    %time y = 3\n    return x",
    "for gg{n} in range(2):\n    %time pass",
    "!!ls",
    "%env hh{n}=3",
    "ii{n} = jj{n} = 3\n%config x.y = 3",
)
WHOLE = (
    "%%time\nw{n} = 3\nx{n} = '%d' % 3",
    "\n\n%%time\ny{n} = 3",
    "%%capture z{n}\nprint(3)\nab{n} = 4",
    "%%bash\nx=3\nif [ $x != 3 ]; then echo; fi",
    "%%html\n<b>%d</b>",
    "%%writefile file{n}.py\nac{n} = 3",
    "%%capture\n%%time\nad{n} = 3",
    "%%time\n%time ae{n} = 3\n!ls",
    "    import math\n    af{n} = 3",
    ">>> ag{n} = 3\n>>> def ah{n}():\n...     return 4",
    "In [{n}]: ai{n} = 3\n   ...: aj{n} = 4",
    "\n\n\n# only a comment?",
)


def cells(seed: int) -> list[str]:
    """The cells of a notebook."""
    draw, number = random.Random(seed), 0
    made = []
    for _ in range(draw.randint(2, 5)):
        if draw.random() < 0.35:
            pieces = [draw.choice(WHOLE)]
        else:
            pieces = [draw.choice(PYTHON + MAGIC if draw.random() < 0.7 else PYTHON) for _ in range(draw.randint(1, 5))]
        for at, piece in enumerate(pieces):
            number += 1
            pieces[at] = piece.format(n=number)
        made.append("\n" * draw.choice((0, 0, 0, 1, 2)) + "\n".join(pieces) + draw.choice(("", "\n")))
    return made


NOTEBOOKS = [cells(seed) for seed in range(100)]


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("seed", range(100))
def test_the_text_is_ipythons(seed: int) -> None:
    for cell in NOTEBOOKS[seed]:
        if "%%time" in lines(cell)[0] or "%%capture" in lines(cell)[0]:
            continue  # what stands in it is code, and is looked at by its names
        assert lines(as_python(cell)) == lines(TransformerManager().transform_cell(cell)) or as_python(cell) == cell


NAMES = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.system = lambda *_: None
shell.getoutput = lambda *_, **__: []
printed = sys.stdout
sys.stdout = open(os.devnull, "w")
found = []
for notebook in json.load(sys.stdin):
    shell.reset()
    before = set(shell.user_ns)
    for cell in notebook:
        shell.run_cell(cell, store_history=False)
    found.append(sorted(name for name in set(shell.user_ns) - before if not name.startswith("_")))
sys.stdout = printed
print(json.dumps(found))
"""


def names_in_ipython(notebooks: Sequence[Sequence[str]], folder: str) -> list[list[str]]:
    """What a real IPython has defined when the cells have run."""
    done = subprocess.run(
        [sys.executable, "-c", NAMES],
        input=json.dumps(notebooks),
        cwd=folder,
        env={**environment(), "IPYTHONDIR": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


LOOK = "def names_defined():\n    return sorted(name for name in set(globals()) - BEFORE if not name.startswith('_'))"


@pytest.mark.slow
def test_the_names_are_those_that_ipython_has(tmp_path_factory: pytest.TempPathFactory) -> None:
    expected = names_in_ipython(NOTEBOOKS, str(tmp_path_factory.mktemp("ipython")))
    packed = PackedCalls([Call("names_defined")])
    with Runner() as runner:
        for notebook, names in zip(NOTEBOOKS, expected, strict=True):
            code = [LOOK, "BEFORE = {*globals(), 'BEFORE'}", *as_code(notebook)]
            (outcome,) = runner.run(code, ["names_defined"], packed).outcomes
            assert list(outcome.value) == names, notebook
