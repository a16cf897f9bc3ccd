"""``attn doctor``: what this machine can do, what it lacks, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from grader.cli.app import app
from grader.cli.common import import_torch

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Findings:
    """What was found out of the processes that run submissions."""

    layers: tuple[str, ...] = ()
    escapes: list[str] = field(default_factory=list)
    """What a child could do that the whole sandbox stops."""
    trouble: str | None = None
    """Why none can be started."""

    @property
    def broken(self) -> bool:
        """True where nothing can be run, or a child gets out of a sandbox that should hold it."""
        from grader.sandbox import why_not

        return bool(self.trouble or (self.escapes and not why_not(self.layers)))


@app.command()
def doctor() -> None:
    """Say what this machine can do: sandbox layers, devices, versions; and what to do about what is missing."""
    import_torch()
    from rich.console import Console

    found = _look()
    console = Console(highlight=False)
    _print_layers(console, found)
    _print_consequences(console, found)
    _print_equipment(console)
    if found.broken:
        raise typer.Exit(1)


def _look() -> Findings:
    """Start a child, and have it try to get out."""
    from grader.runner.children import RunnerError
    from grader.runner.runner import Runner
    from grader.runner.selftest import escapes

    try:
        with Runner() as runner:
            return Findings(runner.layers(), escapes(runner))
    except RunnerError as error:
        return Findings(trouble=str(error))


def _print_layers(console: Console, found: Findings) -> None:
    from rich.table import Table

    from grader.sandbox import LAYERS, REQUIRED, available

    table = Table("layer", "available", "active", "stops", "if missing", title="sandbox")
    for layer in LAYERS:
        mark = [("yes" if layer.name in names else "no") for names in (available(), found.layers)]
        remedy = "" if layer.name in found.layers else layer.remedy
        table.add_row(layer.name + (" *" if layer.name in REQUIRED else ""), *mark, layer.stops, remedy)
    console.print(table)
    console.print("* required for grading a class")


def _print_consequences(console: Console, found: Findings) -> None:
    """What all this means for who wants to grade something."""
    from grader.runner.suitable import why_suitable
    from grader.sandbox import REQUIRED, not_held

    def say(mark: str, text: str, style: str | None = None) -> None:
        console.print(f"{mark} {text}", style=style, markup=False, soft_wrap=True)

    if found.trouble:
        say("✗", found.trouble, "red")
        return
    say("·", why_suitable())
    lacking = [name for name in REQUIRED if name not in found.layers]
    if found.broken:
        for escape in found.escapes:
            say("✗", f"a child can still {escape}", "red")
    elif not found.escapes:
        say("✓", "a child that tries to get out does not", "green")
    else:
        say("·", f"a child that tries can {', '.join(found.escapes)}")
    if lacking:
        why = f"the sandbox lacks {', '.join(lacking)}"
        say("✗", f"folders of other people's work are graded here only with --no-sandbox: {why}", "yellow")
    else:
        say("✓", "folders of other people's work can be graded here", "green")
    exposed = not_held(found.layers)
    if exposed:
        say("✗", exposed, "yellow")


def _print_equipment(console: Console) -> None:
    import platform

    import torch

    from grader.version import own_version

    devices = [name for name, there in (("cuda", torch.cuda.is_available()),) if there]
    if torch.backends.mps.is_available():
        devices.append(
            "mps (that has not been run by who wrote this: where a grade is a surprise, --device cpu decides)"
        )
    console.print(f"devices: {', '.join(['cpu', *devices])}")
    there, absent = _libraries()
    console.print(f"libraries that submissions can import: {', '.join(there)}")
    if absent:
        console.print(f"not installed, so replaced by a stand-in: {', '.join(absent)}")
    console.print(f"attn {own_version()}, torch {torch.__version__}, Python {platform.python_version()}")
    console.print(platform.platform())


def _libraries() -> tuple[list[str], list[str]]:
    """The libraries that notebooks on attention often import: those that are installed, and those that are not."""
    from grader.submission.installed import is_installed

    often = ("torch", "numpy", "einops", "matplotlib", "pandas", "scipy", "sklearn", "seaborn", "tqdm", "jaxtyping")
    return [name for name in often if is_installed(name)], [name for name in often if not is_installed(name)]
