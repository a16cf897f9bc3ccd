"""``attn doctor``: what this system can do."""

from __future__ import annotations

import typer

from grader.cli.app import app
from grader.cli.common import fail, import_torch


@app.command()
def doctor() -> None:
    """Say what this system can do: sandbox layers, devices, versions; and what to do about what is missing."""
    import platform

    torch = import_torch()
    from rich.console import Console
    from rich.table import Table

    from grader.runner.children import RunnerError
    from grader.runner.runner import Runner
    from grader.runner.selftest import escapes
    from grader.sandbox import LAYERS, REQUIRED, available
    from grader.version import own_version

    console = Console()
    try:
        with Runner() as runner:
            active, escaped = runner.layers(), escapes(runner)
    except RunnerError as error:
        fail(str(error))
    table = Table("layer", "available", "active", "stops", "if missing", title="sandbox")
    for layer in LAYERS:
        mark = [("yes" if layer.name in names else "no") for names in (available(), active)]
        remedy = "" if layer.name in active else layer.remedy
        table.add_row(layer.name + (" *" if layer.name in REQUIRED else ""), *mark, layer.stops, remedy)
    console.print(table)
    console.print("* required for grading a class", highlight=False)
    for attempt in escaped:
        console.print(f"✗ a child can still {attempt}", style="red", highlight=False)
    if not escaped:
        console.print("✓ a child that tries to get out does not", style="green", highlight=False)
    devices = [name for name, there in (("cuda", torch.cuda.is_available()),) if there]
    if torch.backends.mps.is_available():
        devices.append("mps")
    console.print(f"devices: {', '.join(['cpu', *devices])}", highlight=False)
    there, absent = _libraries()
    console.print(f"libraries that submissions can import: {', '.join(there)}", highlight=False)
    if absent:
        console.print(f"not installed, so replaced by a stand-in: {', '.join(absent)}", highlight=False)
    console.print(
        f"attn {own_version()}, torch {torch.__version__}, Python {platform.python_version()}", highlight=False
    )
    console.print(f"{platform.platform()}", highlight=False)
    if escaped:
        raise typer.Exit(1)


def _libraries() -> tuple[list[str], list[str]]:
    """The libraries that notebooks on attention often import: those that are installed, and those that are not."""
    from grader.submission.installed import is_installed

    often = ("torch", "numpy", "einops", "matplotlib", "pandas", "scipy", "sklearn", "seaborn", "tqdm", "jaxtyping")
    return [name for name in often if is_installed(name)], [name for name in often if not is_installed(name)]
