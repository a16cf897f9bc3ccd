"""Attacks that live in a notebook and not in its code: metadata, magics, duplicate cells, outputs, script.

Each takes the notebook as handed out, with ``zeros`` as its answer where nothing else is said, and makes a submission.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from attacking import HONEST, PRELUDE
from helpers import EXERCISE

Notebook = dict[str, Any]
SCRIPT = "<script>alert('attack')</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class NotebookAttack:
    """One attack, and what it deserves: the name of an honest submission."""

    name: str
    aim: str
    make: Callable[[Notebook], Notebook]
    deserves: str = "zeros"


def answered(handed_out: Notebook, code: str) -> Notebook:
    """The notebook with code in its solution cell."""
    notebook = copy.deepcopy(handed_out)
    solution(notebook)["source"] = code
    return notebook


def solution(notebook: Notebook) -> dict[str, Any]:
    """The cell for the answer."""
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("solution"))


def graded(notebook: Notebook) -> dict[str, Any]:
    """The cell that carries the points."""
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade"))


def honest(name: str) -> str:
    """The code of an honest submission."""
    return PRELUDE + HONEST[name]


def code_cell(source: str, **metadata: Any) -> dict[str, Any]:
    """A code cell of the learner's own."""
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None}


ATTACKS: list[NotebookAttack] = []


def attack(name: str, aim: str, deserves: str = "zeros") -> Callable[[Callable[[Notebook], None]], None]:
    """Enter a function that changes a notebook in place."""

    def enter(change: Callable[[Notebook], None]) -> None:
        def make(handed_out: Notebook) -> Notebook:
            notebook = answered(handed_out, honest(deserves))
            change(notebook)
            return notebook

        ATTACKS.append(NotebookAttack(name, aim, make, deserves))

    return enter


@attack("17_input_transformer", "Has IPython rewrite every later cell before it runs.")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] += (
        "\nget_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])\n"
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\n"
    )


@attack("17_ast_transformer", "Takes the assertions out of every later cell.")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] += (
        "\nimport ast\n"
        "class Mercy(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node):\n"
        "        return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Mercy())\n"
    )


@attack("17_pre_run_cell", "Registers a hook that swaps the graded function before every cell.")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] += (
        f"\nget_ipython().events.register('pre_run_cell', lambda *_: globals().update({EXERCISE}=right))\n"
    )


@attack("17_custom_exceptions", "Has IPython swallow every exception.")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] += "\nget_ipython().set_custom_exc((BaseException,), lambda *_, **__: None)\n"


@attack("17_script_magic", "Runs a program in a cell magic.")
def _(notebook: Notebook) -> None:
    notebook["cells"].insert(0, code_cell("%%bash\ntouch @CANARY@"))
    notebook["cells"].insert(0, code_cell("!touch @CANARY@\nfiles = !touch @CANARY@\n%system touch @CANARY@"))


@attack("18_skip_execution", "Tags the graded cell so that it is not run.")
def _(notebook: Notebook) -> None:
    graded(notebook)["metadata"]["tags"] = ["skip-execution"]


@attack("18_raises_exception", "Tags the graded cell as one that may raise.")
def _(notebook: Notebook) -> None:
    graded(notebook)["metadata"]["tags"] = ["raises-exception"]


@attack("18_more_points", "Makes the graded cell worth a hundred times as much, and not locked.")
def _(notebook: Notebook) -> None:
    graded(notebook)["metadata"]["nbgrader"] |= {"points": 600, "locked": False}
    graded(notebook)["source"] = "pass"


@attack("18_renamed_id", "Gives the graded cell another id.")
def _(notebook: Notebook) -> None:
    graded(notebook)["metadata"]["nbgrader"]["grade_id"] = "mine"


@attack("18_not_graded", "Says of the graded cell that it is a solution, to be looked at by a person.")
def _(notebook: Notebook) -> None:
    graded(notebook)["metadata"]["nbgrader"] |= {"solution": True, "locked": False}
    graded(notebook)["source"] = "'6'"


@attack("18_duplicated_id", "Has the id of the graded cell twice, the second on a cell that passes.")
def _(notebook: Notebook) -> None:
    notebook["cells"].append(code_cell("6", **copy.deepcopy(graded(notebook)["metadata"])))


@attack("18_other_cell_type", "Turns the graded cell into text.")
def _(notebook: Notebook) -> None:
    cell = graded(notebook)
    cell["cell_type"] = "markdown"
    cell.pop("outputs", None)
    cell.pop("execution_count", None)


@attack("18_kernel", "Asks for another kernel, whose every cell passes.")
def _(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "nowhere", "display_name": "Nowhere", "language": "bash"}


@attack("18_schema_version", "Claims a version of nbgrader's metadata that there is not yet.")
def _(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["schema_version"] = 99


@attack("18_raw_twin_of_the_answer", "Has the answer's id first on a raw cell, which nbgrader shows as it is.", "right")
def _(notebook: Notebook) -> None:
    twin = {"cell_type": "raw", "source": SCRIPT, "metadata": copy.deepcopy(solution(notebook)["metadata"])}
    notebook["cells"].insert(0, twin)


@attack(
    "18_raw_twin_of_the_graded_cell", "Has the id of the graded cell on raw and text cells, before it and after it."
)
def _(notebook: Notebook) -> None:
    metadata = graded(notebook)["metadata"]
    for kind, place in (("raw", 0), ("markdown", 1), ("raw", len(notebook["cells"]) + 2)):
        notebook["cells"].insert(place, {"cell_type": kind, "source": "6", "metadata": copy.deepcopy(metadata)})


@attack("18_minor_version_99", "Is of a minor version of the format that there is not yet.", "right")
def _(notebook: Notebook) -> None:
    notebook["nbformat_minor"] = 99
    for cell in notebook["cells"]:
        cell["id"] = "one for all, and no id that there may be"
        cell["new_in_99"] = {"deep": [1]}


@attack(
    "18_minor_version_beyond_numbers", "Is of a minor version that no number holds, with metadata of no form.", "right"
)
def _(notebook: Notebook) -> None:
    notebook["nbformat_minor"] = 10**30
    notebook["metadata"] |= {"kernelspec": [1], "language_info": "R", "celltoolbar": 7, "nbgrader": {"points": 99}}


@attack("18_metadata_of_no_form", "Has metadata in which nothing is of the type that it should be.", "right")
def _(notebook: Notebook) -> None:
    graded_cell = graded(notebook)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            cell["metadata"] = {"nbgrader": ["grade_id"], "tags": 5, "slideshow": None}
    graded_cell["metadata"] = {"nbgrader": {"grade_id": {"a": 1}, "points": "6", "grade": "yes", "locked": []}}
    notebook["cells"].append(code_cell("1", nbgrader=7, tags="skip-execution"))


@attack("18_hidden_tests_in_the_answer", "Begins hidden tests in its answer, and never ends them.", "right")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] += "\n### BEGIN HIDDEN TESTS\n"


@attack(
    "18_hidden_tests_in_every_cell", "Has nbgrader's marks in cells of its own, nested, ended, and in text.", "right"
)
def _(notebook: Notebook) -> None:
    for mark in ("HIDDEN TESTS", "SOLUTION", "MARK SCHEME"):
        nested = f"### BEGIN {mark}\n### BEGIN {mark}\n### END {mark}\n### END {mark}"
        for text in (nested, f"### END {mark}", f"### BEGIN {mark}\n1\n### END {mark}"):
            notebook["cells"].append(code_cell(text))
            notebook["cells"].append({"cell_type": "markdown", "source": text, "metadata": {}})


@attack("18_other_exercise", "Names an easier exercise in its metadata.")
def _(notebook: Notebook) -> None:
    notebook["metadata"]["attention_workshop"] = {"exercise": "what_is_attention"}


@attack("18_prefilled_outputs", "Comes with outputs that say full marks.")
def _(notebook: Notebook) -> None:
    output = {"output_type": "execute_result", "data": {"text/plain": "6"}, "metadata": {}, "execution_count": 1}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [copy.deepcopy(output)]


@attack("19_deletes_the_graded_cell", "Leaves the graded cell out.")
def _(notebook: Notebook) -> None:
    notebook["cells"].remove(graded(notebook))


@attack("19_graded_first", "Puts the graded cell before everything, and after it what undoes it.")
def _(notebook: Notebook) -> None:
    cell = graded(notebook)
    notebook["cells"].remove(cell)
    notebook["cells"].insert(0, cell)


@attack("19_rebinds_in_a_cell_of_its_own", "Rebinds the graded function in a last cell.")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] = honest("right")
    notebook["cells"].append(code_cell(HONEST["zeros"]))


@attack("19_answer_in_its_own_cell", "No attack: the answer is in a cell without an id, and the stub is gone.", "right")
def _(notebook: Notebook) -> None:
    cell = solution(notebook)
    cell["metadata"] = {}


@attack("31_script_in_text", "Has a script in a text cell, for whoever opens the feedback.", "right")
def _(notebook: Notebook) -> None:
    notebook["cells"].append({"cell_type": "markdown", "source": SCRIPT, "metadata": {}})
    notebook["cells"].append({"cell_type": "raw", "source": SCRIPT, "metadata": {"raw_mimetype": "text/html"}})


LIVE_TEXTS = (
    "<script>attacked()</script>",
    "<img src=x onerror=attacked()>",
    "<svg/onload=attacked()>",
    "text <b onclick=attacked()>",
    "<details open ontoggle=attacked()>",
    "<iframe srcdoc='<script>parent.attacked()</script>'>",
    "<math><mi//xlink:href",
    "[a](javascript:attacked())",
    "[a](java&#x73;cript&colon;attacked())",
    "[a][b]\n\n[b]: JaVaScRiPt:attacked()",
    "[a](java\u200bscript:attacked())",
    "<javascript:attacked()>",
    "![a](javascript:attacked())",
    "$\\href{javascript:attacked()}{x}$",
    "$\\newcommand{\\go}[1]{\\href{java#1}{x}}\\go{script:attacked()}$",
    "````\n```\n<script>attacked()</script>",
    "~~~\n<script>attacked()</script>\n\r~~~\r<script>attacked()</script>",
    "`<script>attacked()</script>",
)
"""Markdown that does something on a page that takes it as it is."""


@attack("31_every_live_text", "Writes what runs in a browser into cell after cell, in many spellings.", "right")
def _(notebook: Notebook) -> None:
    for text in LIVE_TEXTS:
        notebook["cells"].append({"cell_type": "markdown", "source": text, "metadata": {}})
        notebook["cells"].append({"cell_type": "raw", "source": text, "metadata": {}})
    picture = {"a.png": {'image/png" onerror="attacked()': "QQ==", "text/html": SCRIPT, "image/png": "QQ=="}}
    cell = {"cell_type": "markdown", "source": "![a](attachment:a.png)", "metadata": {}, "attachments": picture}
    notebook["cells"].append(cell)


@attack("31_script_in_an_output", "Has a script in an output.", "right")
def _(notebook: Notebook) -> None:
    data = {"text/html": SCRIPT, "application/javascript": "alert('attack')"}
    solution(notebook)["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]


@attack("31_script_in_an_error", "Has a script in the message of an exception.", "nothing")
def _(notebook: Notebook) -> None:
    solution(notebook)["source"] = f"def {EXERCISE}(q, k, v, mask=None):\n    raise ValueError({SCRIPT!r})\n"


def text_of(notebook: Notebook, canary: object) -> str:
    """What is handed in."""
    return json.dumps(notebook).replace("@CANARY@", str(canary))
